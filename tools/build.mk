# How weir is built. configure writes BUILDDIR/config.mk and a Makefile that includes this file;
# make always runs in the source folder. Sources are found by folder, so a new file needs no line here:
#
#   core/LAYER/*.c            -> BUILDDIR/libcore.a -> BUILDDIR/weir (with core/main.c)
#   modules/NAME/*.c          -> BUILDDIR/modules/NAME.so   (sees include/ only; LIBS in NAME/module.mk,
#                                where a library may also choose between files: configure's LEFT_OUT)
#   tests/unit/LAYER/test_*.c -> BUILDDIR/tests/unit/LAYER/test_*   (a module's: tests/unit/NAME)
#   tests/modules/*.c         -> BUILDDIR/tests/modules/*.so
#   tests/fuzz/fuzz_*.c       -> BUILDDIR/fuzz/fuzz_*       (a build with --with-sanitizer=fuzzer,...)

BUILDDIR ?= build
B := $(BUILDDIR)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

ifeq ($(wildcard $(B)/config.stamp),)
$(error run ./configure first: there is no $(B)/config.mk)
endif
include $(B)/config.mk
include $(B)/config.stamp

$(B)/config.stamp: configure $(wildcard tools/probes/*.c modules/*/module.mk)
	@echo "configure or what it reads has changed; running it again"
	@sh $(B)/configure.again

PYTHON := /usr/bin/python3

# V=1 shows whole commands.
ifeq ($(V),1)
say = @:
Q :=
else
say = @printf '  %-5s %s\n'
Q := @
endif

# ---- flags ------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
    -Wmissing-prototypes -Wvla -Walloca -Wimplicit-fallthrough -Wformat=2 -Werror $(EXTRA_WARNINGS)
SEMANTICS := -fno-strict-aliasing -fwrapv -fno-delete-null-pointer-checks

ifeq ($(DEBUG),1)
OPTIMISE := -Og -g
else ifneq ($(SANITIZER),)
OPTIMISE := -O1 -g
else
OPTIMISE := -O2 -g $(TUNING)
# What each request runs through. At -O3 gcc sees variables without a value where there are none; at -O2 it tells the truth.
HOT_LAYERS := event wire net http http1 http2 upstream
HOT := -O3 $(if $(filter gcc,$(CC_FAMILY)),-Wno-maybe-uninitialized)
endif
hot = $(if $(filter $(HOT_LAYERS:%=core/%/),$(dir $(1))),$(HOT))

# Sanitizers watch memory better than fortified functions do, and do not go with them.
ifeq ($(SANITIZER),)
FORTIFY := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 $(HARDENING)
else
FORTIFY := $(SAN_CC)
endif

CFLAGS_ALL := -std=c17 -D_GNU_SOURCE $(OPTIMISE) $(WARNINGS) $(SEMANTICS) $(FORTIFY) \
    -fvisibility=hidden -MMD -MP
CFLAGS_CORE := $(CFLAGS_ALL) -fPIE -fno-plt -DWEIR_SERVER -I$(B) -Icore -Iinclude $(CC_OPT)
CFLAGS_MODULE := $(CFLAGS_ALL) -fPIC -fno-plt -Iinclude $(CC_OPT)
CFLAGS_TEST := $(CFLAGS_ALL) -Wno-conversion -Wno-sign-conversion -fPIE -DWEIR_SERVER \
    -I$(B) -Icore -Iinclude -Itests $(CC_OPT)

# Across files, when configure chose it: at linking the compiler works once more, and must be told the same. Tests are
# linked from the machine code that stands in the same objects.
LTO := $(if $(LTO_CC),$(LTO_CC) $(OPTIMISE) $(SEMANTICS) $(HARDENING) -fno-plt)
NO_LTO := $(if $(LTO_CC),-fno-lto)

LDFLAGS_ALL := -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(SAN_LD) $(LD_OPT)
LDFLAGS_EXE := -pie $(LDFLAGS_ALL)
# Modules call what core/weir.exports names, and nothing else of the server.
LDFLAGS_CORE := $(LDFLAGS_EXE) -Wl,--export-dynamic -Wl,--version-script=core/weir.exports
ifneq ($(SANITIZER),)
ifeq ($(CC_FAMILY),clang)
# clang's sanitizer lives in the executable; instrumented modules need its symbols.
LDFLAGS_CORE := $(LDFLAGS_EXE) -Wl,--export-dynamic
endif
endif
# A core that is not whole yet (no main.c) can have its finished parts tested: what is missing fails
# when it is called, not when it is linked.
LDFLAGS_TEST := $(LDFLAGS_EXE) -Wl,--export-dynamic
ifeq ($(wildcard core/main.c),)
LDFLAGS_TEST += -Wl,--unresolved-symbols=ignore-all,-z,lazy
endif
LDFLAGS_MODULE := -shared -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed \
    $(if $(filter fuzzer%,$(SANITIZER)),,$(SAN_LD)) $(LD_OPT)

# ---- sources ----------------------------------------------------------------------------------

CORE_SRC := $(sort $(wildcard core/*/*.c))
CORE_OBJ := $(CORE_SRC:%.c=$(B)/obj/%.o)
MAIN_SRC := $(wildcard core/main.c)
MAIN_OBJ := $(MAIN_SRC:%.c=$(B)/obj/%.o)
WEIR := $(if $(MAIN_SRC),$(B)/weir)

MODULE_NAMES := $(filter-out $(WITHOUT),$(sort $(patsubst modules/%/,%,$(dir $(wildcard modules/*/*.c)))))
MODULE_SO := $(MODULE_NAMES:%=$(B)/modules/%.so)
MODULE_OBJ :=
MODULE_INDEX := $(if $(WEIR),$(B)/modules/index)

UNIT_SRC := $(sort $(filter-out $(LEFT_OUT) $(WITHOUT:%=tests/unit/modules/test_%_coding.c),$(wildcard tests/unit/*/test_*.c)))
UNIT_BIN := $(UNIT_SRC:tests/%.c=$(B)/tests/%)
DOUBLE_SRC := $(sort $(wildcard tests/modules/*.c))
DOUBLE_SO := $(DOUBLE_SRC:tests/%.c=$(B)/tests/%.so)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%)
FUZZ_STEMS := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)

# ---- the server -------------------------------------------------------------------------------

.PHONY: all modules
all: $(B)/libcore.a $(WEIR) modules $(MODULE_INDEX)
	@$(if $(WEIR),:,echo "note: core/main.c is not there, so there is no $(B)/weir")

# A module that is gone must not stay in the folder the index is made from.
modules: $(MODULE_SO)
	@for so in $(B)/modules/*.so; do case " $(MODULE_SO) " in *" $$so "*) ;; *) rm -f "$$so" ;; esac; done

$(B)/obj/core/%.o: core/%.c $(B)/config.mk $(B)/config.h tools/build.mk
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CFLAGS_CORE) $(LTO_CC) $(call hot,$<) -c -o $@ $<

# Made anew each time, or a source that was deleted would live on in it.
$(B)/libcore.a: $(CORE_OBJ)
	@mkdir -p $(@D)
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $(CORE_OBJ)

$(B)/weir: $(MAIN_OBJ) $(CORE_OBJ) core/weir.exports
	$(say) LINK $@
	$(Q)$(CC) $(LTO) -o $@ $(MAIN_OBJ) $(CORE_OBJ) $(LDFLAGS_CORE) $(LIBRARIES)

# ---- modules ----------------------------------------------------------------------------------

$(B)/obj/modules/%.o: modules/%.c $(B)/config.mk tools/build.mk
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CFLAGS_MODULE) $(LTO_CC) -c -o $@ $<

# One rule a module; its module.mk may set LIBS (the others are read by configure).
define module_rule
LIBS :=
-include modules/$(1)/module.mk
LIBS_$(1) := $$(LIBS) $(OPTION_LIBS_$(1))
OBJ_$(1) := $(patsubst %.c,$(B)/obj/%.o,$(sort $(filter-out $(LEFT_OUT),$(wildcard modules/$(1)/*.c))))
MODULE_OBJ += $$(OBJ_$(1))
$(B)/modules/$(1).so: $$(OBJ_$(1)) $(wildcard modules/$(1)/module.mk)
	@mkdir -p $$(@D)
	$$(say) LINK $$@
	$$(Q)$$(CC) $$(LTO) -o $$@.new $$(OBJ_$(1)) $$(LDFLAGS_MODULE) $$(LIBS_$(1)) && mv -f $$@.new $$@
endef
$(foreach m,$(MODULE_NAMES),$(eval $(call module_rule,$(m))))
# For tests that are made of a module's files.
MODULE_LIBS := $(sort $(foreach m,$(MODULE_NAMES),$(LIBS_$(m))))

# The tests in tests/unit/NAME/ of a module of that name have its objects in them.
define module_tests_rule
$(filter $(B)/tests/unit/$(1)/%,$(UNIT_BIN)): $$(OBJ_$(1))
endef
$(foreach m,$(MODULE_NAMES),$(if $(filter $(B)/tests/unit/$(m)/%,$(UNIT_BIN)),$(eval $(call module_tests_rule,$(m)))))
module_objects = $(OBJ_$(word 2,$(subst /, ,$(1))))

# Which module has which directive: how the server finds the module of a directive it meets.
$(B)/modules/index: $(WEIR) $(MODULE_SO) | modules
	@mkdir -p $(@D)
	$(Q)if ! grep -rqs -e --write-module-index core; then \
	    echo "note: $(B)/weir cannot write the module index"; : > $@; \
	else echo "  INDEX $@"; \
	    ASAN_OPTIONS=detect_leaks=0 $(B)/weir --write-module-index $(B)/modules; fi

# ---- tests ------------------------------------------------------------------------------------

.PHONY: unit-binaries test-modules check check-unit check-cases check-process
unit-binaries: $(UNIT_BIN)
test-modules: $(DOUBLE_SO)

# The tests of these layers open modules, so the whole core has to be in them.
WHOLE_LAYERS := module process
whole = $(filter $(WHOLE_LAYERS:%=unit/%),$(patsubst %/,%,$(dir $(1))))

$(B)/tests/unit/%: tests/unit/%.c $(B)/libcore.a $(B)/config.mk tools/build.mk
	@mkdir -p $(@D)
	$(say) TEST $<
	$(Q)$(CC) $(CFLAGS_TEST) $(NO_LTO) -MF $@.d -o $@ $< $(call module_objects,unit/$*) $(if $(call whole,unit/$*),-Wl$(comma)--whole-archive) \
	    $(B)/libcore.a -Wl,--no-whole-archive $(LDFLAGS_TEST) $(LIBRARIES) \
	    $(MODULE_LIBS) -lcmocka
comma := ,

$(B)/tests/modules/%.so: tests/modules/%.c $(B)/config.mk tools/build.mk
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS_MODULE) -MF $@.d -o $@ $< $(LDFLAGS_MODULE)

check:
	@tools/test --quick --no-install --builddir=$(B)
check-unit check-cases check-process:
	@tools/test --no-install --builddir=$(B) $(@:check-%=%)

# Builds beside the main one, made from the same arguments.
.PHONY: asan tsan
asan:
	@./configure --builddir=build-asan --with-sanitizer=address,undefined >/dev/null
	@$(MAKE) -f tools/build.mk BUILDDIR=build-asan all unit-binaries test-modules
tsan:
	@./configure --builddir=build-tsan --with-sanitizer=thread >/dev/null
	@$(MAKE) -f tools/build.mk BUILDDIR=build-tsan all unit-binaries test-modules

# ---- fuzzing ----------------------------------------------------------------------------------

.PHONY: fuzz fuzz-smoke fuzz-binaries fuzz-list
FUZZ_SECONDS ?= 600
FUZZ_BUILD := build-fuzz

ifneq ($(filter fuzzer%,$(SANITIZER)),)
fuzz-binaries: $(FUZZ_BIN)

$(B)/fuzz/%: tests/fuzz/%.c $(B)/libcore.a $(B)/config.mk tools/build.mk
	@mkdir -p $(@D)
	$(say) FUZZ $<
	$(Q)$(CC) $(CFLAGS_TEST) -MF $@.d -o $@ $< $(B)/libcore.a $(LDFLAGS_TEST) -fsanitize=fuzzer $(LIBRARIES) $(MODULE_LIBS)
else
fuzz-binaries:
	@./configure --builddir=$(FUZZ_BUILD) --with-cc=clang \
	    --with-sanitizer=fuzzer,address,undefined >/dev/null
	@$(MAKE) -f tools/build.mk BUILDDIR=$(FUZZ_BUILD) fuzz-binaries
endif

fuzz: fuzz-binaries
	@for stem in $(FUZZ_STEMS); do tools/fuzz-run $(FUZZ_BUILD) $$stem $(FUZZ_SECONDS) || exit 1; done
fuzz-smoke: fuzz-binaries
	@for stem in $(FUZZ_STEMS); do tools/fuzz-run $(FUZZ_BUILD) $$stem 20 || exit 1; done
fuzz-list:
	@echo $(FUZZ_STEMS)

# ---- checks -----------------------------------------------------------------------------------

.PHONY: lint lint-tidy lint-cppcheck lint-analyzer format abi shape docs cover
lint: lint-tidy lint-cppcheck lint-analyzer
	@tools/check-layers

# A process a file: the analyzer of clang 14 carries va_list state from one file into the next.
lint-tidy: compile_commands.json
	@bad=0; for file in $(MAIN_SRC) $(CORE_SRC) $(filter-out $(LEFT_OUT),$(wildcard modules/*/*.c)); do \
	    clang-tidy --quiet -p . $$file 2>/dev/null || bad=1; done; exit $$bad

lint-cppcheck:
	cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
	    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
	    -D_GNU_SOURCE -DWEIR_SERVER -Icore -Iinclude -I$(B) core modules

# gcc's analyzer is at home in straight parsing code; elsewhere it guesses too much.
lint-analyzer:
	@for file in $(wildcard core/wire/*.c); do \
	    gcc $(filter-out -MMD -MP $(SAN_CC) $(EXTRA_WARNINGS) $(HARDENING),$(CFLAGS_CORE)) -fanalyzer \
	        -c -o /dev/null $$file || exit 1; done

format:
	clang-format -i $(MAIN_SRC) $(CORE_SRC) $(wildcard core/*/*.h modules/*/*.[ch] tests/*/*.c tests/*/*/*.c)

abi:
	@tools/check-abi
shape:
	@tools/shape
docs:
	@tools/directive-reference --builddir=$(B)
	@tools/check-docs --builddir=$(B)

cover:
	@./configure --builddir=build-cover --with-debug --with-cc-opt=--coverage --with-ld-opt=--coverage >/dev/null
	@find build-cover -name '*.gcda' -delete
	@$(MAKE) -f tools/build.mk BUILDDIR=build-cover all unit-binaries test-modules
	-@tools/test --no-install --builddir=build-cover unit cases process
	@tools/cover-report build-cover

compile_commands.json: $(B)/config.mk tools/build.mk tools/compile-commands
	@tools/compile-commands '$(CC)' '$(CFLAGS_CORE)' '$(CFLAGS_MODULE)' '$(CFLAGS_TEST)' > $@

.PHONY: bench
bench: all
	@tools/bench --servers nginx,$(B)/weir,floor

# ---- install ----------------------------------------------------------------------------------

DESTDIR ?=
under = $(if $(filter /%,$(1)),$(1),$(PREFIX)/$(1))
SBIN := $(call under,$(SBIN_PATH))
CONF := $(call under,$(CONF_PATH))
MODDIR := $(call under,$(MODULES_PATH))
CONF_DIR := $(patsubst %/,%,$(dir $(CONF)))
SHARE := $(PREFIX)/share
CONF_FILES := $(sort $(shell [ -d conf ] && cd conf && find . -type f ! -name weir.conf | sed 's,^\./,,'))

.PHONY: install
install: all $(B)/weir.pc
	$(if $(WEIR),install -D -m 755 $(B)/weir $(DESTDIR)$(SBIN))
	install -d $(DESTDIR)$(MODDIR) $(DESTDIR)$(PREFIX)/include/weir
	$(if $(MODULE_SO),install -m 644 $(MODULE_SO) $(DESTDIR)$(MODDIR)/)
	$(if $(MODULE_INDEX),install -m 644 $(MODULE_INDEX) $(DESTDIR)$(MODDIR)/index)
	install -m 644 include/weir/*.h $(DESTDIR)$(PREFIX)/include/weir/
	install -D -m 644 $(B)/weir.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/weir.pc
	install -D -m 644 docs/man/weir.8 $(DESTDIR)$(SHARE)/man/man8/weir.8
	install -d $(DESTDIR)$(dir $(call under,$(ERROR_LOG_PATH))) $(DESTDIR)$(dir $(call under,$(PID_PATH))) \
	    $(DESTDIR)$(dir $(call under,$(HTTP_LOG_PATH)))
	$(if $(wildcard conf/weir.conf),@tools/install-conf conf/weir.conf $(DESTDIR)$(CONF))
	@for file in $(CONF_FILES); do tools/install-conf conf/$$file $(DESTDIR)$(CONF_DIR)/$$file; done
	install -d $(DESTDIR)$(SHARE)/doc/weir/modules
	for file in README.md LICENSE $(wildcard docs/*.md); do \
	    [ ! -f $$file ] || install -m 644 $$file $(DESTDIR)$(SHARE)/doc/weir/; done
	for file in $(wildcard modules/*/*.md); do \
	    install -m 644 $$file $(DESTDIR)$(SHARE)/doc/weir/modules/; done

$(B)/weir.pc: weir.pc.in $(B)/config.mk
	@sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@MODULESDIR@,$(MODDIR),' -e 's,@SBIN@,$(SBIN),' \
	    -e 's,@VERSION@,$(VERSION),' $< > $@

.PHONY: dist clean help
dist:
	git archive --format=tar.gz --prefix=weir-$(VERSION)/ -o weir-$(VERSION).tar.gz HEAD
	@echo weir-$(VERSION).tar.gz

# Only what make made: the configuration stays.
clean:
	rm -rf $(B)/obj $(B)/modules $(B)/tests $(B)/fuzz $(B)/weir $(B)/libcore.a $(B)/weir.pc compile_commands.json

help:
	@sed -n 's/^#: //p' tools/build.mk

#: all                    the server and its modules in BUILDDIR (default target)
#: check                  release build: unit tests, scenarios, checks (tools/test runs everything)
#: check-unit check-cases check-process    one part of it
#: asan tsan              builds with sanitizers in build-asan, build-tsan
#: fuzz fuzz-smoke        libFuzzer targets, FUZZ_SECONDS (600) or 20 s each, in build-fuzz
#: cover                  line coverage by file from the tests, in build-cover
#: lint                   clang-tidy, cppcheck, gcc's analyzer, layers
#: format                 clang-format over all sources
#: abi shape docs         the ledger, lines a file and function, docs/directives.md and what it must hold
#: compile_commands.json  for editors
#: bench                  compare with nginx and the floor
#: install dist clean     DESTDIR is honoured; a configuration is never overwritten
#: Variables: BUILDDIR=build  V=1 (whole commands)  DESTDIR=

-include $(CORE_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(MODULE_OBJ:.o=.d) $(UNIT_BIN:=.d) $(DOUBLE_SO:=.d) $(FUZZ_BIN:=.d)
