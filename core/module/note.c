/* module/note.c - reading a module file as data: what it was built for, what it wants from us.
 *
 * Everything is taken from the segments that the dynamic linker itself goes by, not from section headers, which a file need
 * not have. No offset or count in the file is believed: each access goes through at() or at_address(), which know the
 * file's length.
 */
#include "module/note.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/module.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/strbuf.h"
#include "module/trust.h"

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#else
#error "weir modules are defined for x86-64 and aarch64"
#endif

enum { SYMBOL_MAX = 4096 /* bytes of one symbol's name */ };

struct elf {
    const uint8_t *data;
    size_t len;
    const Elf64_Ehdr *head;
    const Elf64_Phdr *segments;
    const char *strings; /* of the dynamic symbols */
    size_t strings_len;
    const Elf64_Sym *symbols;
    size_t n_symbols;
};

/* ---- Access to the bytes. ---- */

/* count things of `size` bytes at file offset `offset`; NULL when they are not all in the file, or not on a place of four. */
static const void *
at(const struct elf *e, uint64_t offset, uint64_t count, size_t size)
{
    uint64_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || offset > e->len || bytes > e->len - offset ||
        offset % 4 != 0) {
        return NULL;
    }
    return e->data + offset;
}

/* What will stand at virtual address `address`: `left` is set to the bytes there are up to the end of its segment. */
static const void *
at_address(const struct elf *e, uint64_t address, size_t *left)
{
    for (size_t i = 0; i < e->head->e_phnum; i++) {
        const Elf64_Phdr *p = &e->segments[i];
        uint64_t inside = address - p->p_vaddr;
        const uint8_t *segment;

        if (p->p_type != PT_LOAD || address < p->p_vaddr || inside >= p->p_filesz) {
            continue;
        }
        segment = at(e, p->p_offset, p->p_filesz, 1);
        if (segment == NULL) {
            return NULL;
        }
        *left = (size_t)(p->p_filesz - inside);
        return segment + inside;
    }
    return NULL;
}

/* The same for an array of `size`-byte elements, which must be aligned for reading in place. */
static const void *
array_at(const struct elf *e, uint64_t address, uint64_t count, size_t size)
{
    size_t left = 0;
    const uint8_t *p = at_address(e, address, &left);
    uint64_t bytes;

    if (p == NULL || __builtin_mul_overflow(count, size, &bytes) || bytes > left ||
        (uintptr_t)p % (size < 8 ? size : 8) != 0) {
        return NULL;
    }
    return p;
}

/* ---- The file's head. ---- */

static bool
check_head(struct elf *e, struct wr_err *err)
{
    const Elf64_Ehdr *h = at(e, 0, 1, sizeof(*h));

    if (h == NULL || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0) {
        return wr_err_set(err, "it is not an ELF file");
    }
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
        h->e_machine != MACHINE) {
        return wr_err_set(err, "it was built for another kind of machine");
    }
    if (h->e_type != ET_DYN) {
        return wr_err_set(err, "it is not a shared object");
    }
    e->head = h;
    e->segments = h->e_phentsize == sizeof(Elf64_Phdr)
                      ? at(e, h->e_phoff, h->e_phnum, sizeof(Elf64_Phdr))
                      : NULL;
    if (e->segments == NULL || h->e_phoff % 8 != 0) {
        return wr_err_set(err, "the file is cut short or damaged");
    }
    return true;
}

static bool
check_stack(const struct elf *e, struct wr_err *err)
{
    for (size_t i = 0; i < e->head->e_phnum; i++) {
        if (e->segments[i].p_type == PT_GNU_STACK) {
            return (e->segments[i].p_flags & PF_X) == 0 ||
                   wr_err_set(err, "it asks for an executable stack");
        }
    }
    return wr_err_set(err, "it does not say that its stack needs no execution (link with "
                           "-z noexecstack)");
}

/* ---- Notes. ---- */

static void
take_build_id(const uint8_t *id, size_t len, struct wr_note_info *out)
{
    len = WR_MIN(len, (sizeof(out->build_id) - 1) / 2);
    wr_num_format_bytes(out->build_id, id, len);
    out->build_id[2 * len] = '\0';
}

/* Read the notes of one segment: ours to *ours (if it is there), the linker's build id to out. */
static void
read_notes(const uint8_t *p, size_t len, weir_note *ours, bool *found, struct wr_note_info *out)
{
    while (len >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr n;
        size_t owner, data;

        memcpy(&n, p, sizeof(n));
        p += sizeof(n);
        len -= sizeof(n);
        owner = ((size_t)n.n_namesz + 3) & ~(size_t)3;
        data = ((size_t)n.n_descsz + 3) & ~(size_t)3;
        if (owner > len || data > len - owner) {
            return;
        }
        if (n.n_type == 1 && n.n_namesz == 5 && memcmp(p, "weir", 5) == 0 && n.n_descsz >= 8) {
            memcpy(&ours->magic, p + owner, 8);
            *found = true;
        } else if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && memcmp(p, "GNU", 4) == 0) {
            take_build_id(p + owner, n.n_descsz, out);
        }
        p += owner + data;
        len -= owner + data;
    }
}

static bool
check_abi(const weir_note *note, struct wr_note_info *out, struct wr_err *err)
{
    bool fits = note->abi_major == WEIR_ABI_MAJOR &&
                (WEIR_ABI_MAJOR == 0 ? note->abi_minor == WEIR_ABI_MINOR
                                     : note->abi_minor <= WEIR_ABI_MINOR);

    if (note->magic != WEIR_MAGIC) {
        return wr_err_set(err, "its weir note is damaged");
    }
    out->abi_major = note->abi_major;
    out->abi_minor = note->abi_minor;
    return fits || wr_err_set(err, "built for weir ABI %u.%u, this server offers %d.%d",
                              (unsigned)note->abi_major, (unsigned)note->abi_minor,
                              WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
}

static bool
check_notes(const struct elf *e, struct wr_note_info *out, struct wr_err *err)
{
    weir_note note = { 0 };
    bool found = false;

    for (size_t i = 0; i < e->head->e_phnum; i++) {
        const Elf64_Phdr *s = &e->segments[i];
        const uint8_t *p = s->p_type == PT_NOTE ? at(e, s->p_offset, s->p_filesz, 1) : NULL;
        if (p != NULL) {
            read_notes(p, (size_t)s->p_filesz, &note, &found, out);
        }
    }
    if (!found) {
        return wr_err_set(err, "it has no weir note: it was not built with WEIR_MODULE (modules of "
                               "other servers cannot be loaded)");
    }
    return check_abi(&note, out, err);
}

/* ---- The dynamic section and its symbols. ---- */

/* How many dynamic symbols the GNU hash table at `address` knows of, the unhashed ones before them included; 0: damaged. */
static size_t
count_gnu_hash(const struct elf *e, uint64_t address)
{
    const uint32_t *head = array_at(e, address, 4, 4);
    const uint32_t *buckets;
    uint64_t buckets_at, chain_at;
    uint32_t last = 0;

    if (head == NULL) {
        return 0;
    }
    buckets_at = address + 16 + 8 * (uint64_t)head[2];
    chain_at = buckets_at + 4 * (uint64_t)head[0];
    buckets = array_at(e, buckets_at, head[0], 4);
    if (buckets == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < head[0]; i++) {
        last = WR_MAX(last, buckets[i]);
    }
    if (last < head[1]) {
        return head[1];
    }
    for (;; last++) {
        const uint32_t *link = array_at(e, chain_at + 4 * (uint64_t)(last - head[1]), 1, 4);
        if (link == NULL) {
            return 0;
        }
        if (*link & 1) {
            return (size_t)last + 1;
        }
    }
}

/* The numbers of the dynamic section that matter here. */
struct dynamic {
    uint64_t symbols, strings, strings_len, gnu_hash, hash;
    bool text_relocations, executable;
};

static void
read_dynamic(const Elf64_Dyn *d, size_t n, struct dynamic *out)
{
    for (size_t i = 0; i < n && d[i].d_tag != DT_NULL; i++) {
        uint64_t v = d[i].d_un.d_val;

        switch (d[i].d_tag) {
        case DT_SYMTAB:
            out->symbols = v;
            break;
        case DT_STRTAB:
            out->strings = v;
            break;
        case DT_STRSZ:
            out->strings_len = v;
            break;
        case DT_GNU_HASH:
            out->gnu_hash = v;
            break;
        case DT_HASH:
            out->hash = v;
            break;
        case DT_TEXTREL:
            out->text_relocations = true;
            break;
        case DT_FLAGS:
            out->text_relocations |= (v & DF_TEXTREL) != 0;
            break;
        case DT_FLAGS_1:
            out->executable |= (v & DF_1_PIE) != 0;
            break;
        default:
            break;
        }
    }
}

static bool
find_symbols(struct elf *e, const struct dynamic *d, struct wr_err *err)
{
    const uint32_t *hash = d->hash != 0 ? array_at(e, d->hash, 2, 4) : NULL;

    e->n_symbols = hash != NULL ? hash[1] : d->gnu_hash != 0 ? count_gnu_hash(e, d->gnu_hash) : 0;
    e->symbols = array_at(e, d->symbols, e->n_symbols, sizeof(Elf64_Sym));
    e->strings = array_at(e, d->strings, d->strings_len, 1);
    e->strings_len = (size_t)d->strings_len;
    if (e->n_symbols == 0 || e->symbols == NULL || e->strings == NULL || e->strings_len == 0 ||
        e->strings[e->strings_len - 1] != '\0') {
        return wr_err_set(err, "its table of symbols is missing or damaged");
    }
    return true;
}

static bool
check_dynamic(struct elf *e, struct wr_err *err)
{
    struct dynamic d = { 0 };

    for (size_t i = 0; i < e->head->e_phnum; i++) {
        const Elf64_Phdr *s = &e->segments[i];
        size_t n = (size_t)s->p_filesz / sizeof(Elf64_Dyn);
        const void *p = s->p_type == PT_DYNAMIC ? at(e, s->p_offset, n, sizeof(Elf64_Dyn)) : NULL;

        if (p != NULL && (uintptr_t)p % 8 == 0) {
            read_dynamic(p, n, &d);
        }
    }
    if (d.executable) {
        return wr_err_set(err, "it is a program, not a shared object");
    }
    if (d.text_relocations) {
        return wr_err_set(err, "it changes its own code when loaded (build with -fPIC)");
    }
    return find_symbols(e, &d, err);
}

/* A symbol's name; "" for one whose name is not in the file. */
static const char *
symbol_name(const struct elf *e, const Elf64_Sym *s)
{
    return s->st_name < e->strings_len ? e->strings + s->st_name : "";
}

/* Append name to a list "a, b"; what does not fit is left out. */
static void
list_name(struct wr_strbuf *list, const char *name)
{
    size_t len = strnlen(name, SYMBOL_MAX);

    if (list->room - list->len > len + 2) {
        wr_strbuf_bytes(list, ", ", list->len != 0 ? 2 : 0);
        wr_strbuf_bytes(list, name, len);
    } else {
        list->full = true;
    }
}

/* Take note of what s gives or wants; true when it is a weir function that this server has not got. */
static bool
look_at_symbol(const char *name, const Elf64_Sym *s, struct wr_strbuf *odd, struct wr_note_info *out,
               bool *entry)
{
    unsigned bind = ELF64_ST_BIND(s->st_info);

    if (s->st_shndx == SHN_UNDEF) {
        if (strncmp(name, "weir_", 5) != 0) {
            return false;
        }
        out->imports++;
        return bind != STB_WEAK && dlsym(RTLD_DEFAULT, name) == NULL;
    }
    if (strcmp(name, "weir_module_entry") == 0) {
        *entry = true;
    } else if (bind != STB_LOCAL && ELF64_ST_VISIBILITY(s->st_other) == STV_DEFAULT &&
               s->st_shndx != SHN_ABS && name[0] != '\0' && name[0] != '_') {
        out->odd_exports++;
        list_name(odd, name);
    }
    return false;
}

static bool
check_symbols(const struct elf *e, struct wr_note_info *out, struct wr_err *err)
{
    char missing_text[400];
    struct wr_strbuf missing = wr_strbuf_over(missing_text, sizeof(missing_text) - 1);
    struct wr_strbuf odd = wr_strbuf_over(out->odd_names, sizeof(out->odd_names) - 1);
    bool entry = false;

    for (size_t i = 0; i < e->n_symbols; i++) {
        const char *name = symbol_name(e, &e->symbols[i]);
        if (look_at_symbol(name, &e->symbols[i], &odd, out, &entry)) {
            list_name(&missing, name);
        }
    }
    out->odd_names[odd.len] = '\0';
    missing_text[missing.len] = '\0';
    if (missing.len != 0) {
        return wr_err_set(err, "this server does not have %s%s", missing_text,
                          missing.full ? ", ..." : "");
    }
    return entry || wr_err_set(err, "it does not export weir_module_entry");
}

bool
wr_note_check_bytes(const void *elf, size_t len, struct wr_note_info *out, struct wr_err *err)
{
    struct elf e = { .data = elf, .len = len };
    struct wr_note_info info = { 0 };

    WR_ASSERT((uintptr_t)elf % 8 == 0);
    if (!check_head(&e, err) || !check_notes(&e, &info, err) || !check_stack(&e, err) ||
        !check_dynamic(&e, err) || !check_symbols(&e, &info, err)) {
        return false;
    }
    *out = info;
    return true;
}

/* ---- A file. ---- */

bool
wr_note_check(const char *path, struct wr_note_info *out, struct wr_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    void *bytes;
    bool fine;

    if (fd < 0) {
        return wr_err_set(err, "%s", strerror(errno));
    }
    if (!wr_trust_check(path, fd, err) ||
        (fstat(fd, &st) != 0 && !wr_err_set(err, "%s", strerror(errno)))) {
        (void)close(fd);
        return false;
    }
    if (st.st_size <= 0 || st.st_size > WR_NOTE_FILE_MAX) {
        (void)close(fd);
        return wr_err_set(err, "it is empty or too large");
    }
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    (void)close(fd);
    if (bytes == MAP_FAILED) {
        return wr_err_set(err, "%s", strerror(errno));
    }
    fine = wr_note_check_bytes(bytes, (size_t)st.st_size, out, err);
    (void)munmap(bytes, (size_t)st.st_size);
    return fine;
}
