/* A configuration gets the modules whose words it uses, and each directive has one owner. */
#include "registry_setup.h"

#include "conf/tree.h"
#include "module/foreign.h"
#include "module/index.h"
#include "module/interface.h"

/* A folder with some of the doubles and the index that the server itself writes of them. */
static char *folder;

static void
add_double(const char *name)
{
    struct bytes b = double_read(name);
    char file[64], *path;

    (void)snprintf(file, sizeof(file), "%s.so", name);
    path = file_create(folder, file, b);
    free(path);
    free(b.data);
}

static void
write_index(void)
{
    char path[256];
    struct wr_err err;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/index", folder);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    if (!wr_registry_write_index(folder, fd, &err)) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(close(fd), 0);
}

static int
begin(void **state)
{
    (void)state;
    folder = folder_create();
    add_double("plain");
    add_double("newer");
    add_double("needy");
    write_index();
    return 0;
}

static int
end(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static bool
prepare(struct setup *s, const char *text)
{
    struct wr_conf_tree tree;

    assert_true(wr_conf_read_text(&s->pool, WEIR_STR("test.conf"), weir_str_c(text), ".", &s->diag,
                                  &tree));
    return wr_registry_prepare(&s->reg, &tree, &s->diag);
}

static bool
has(const struct setup *s, const char *name)
{
    return wr_registry_find(&s->reg, weir_str_c(name)) != NULL;
}

static void
test_the_index_has_a_line_for_each_name(void **state)
{
    static const char expected[] = "always always.so\n"
                                   "directive double_first newer.so\n"
                                   "directive double_needy needy.so\n"
                                   "directive double_plain plain.so\n"
                                   "directive double_second newer.so\n"
                                   "directive double_size plain.so\n"
                                   "interface double.plain/1 plain.so\n"
                                   "variable double_plain plain.so\n"
                                   "variable double_plain_* plain.so\n";
    char text[2048] = "", path[256];
    FILE *f;

    (void)state;
    add_double("always");
    write_index();
    (void)snprintf(path, sizeof(path), "%s/index", folder);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fread(text, 1, sizeof(text) - 1, f), sizeof(expected) - 1);
    assert_string_equal(text, expected);
    (void)fclose(f);
}

static void
test_a_directive_brings_its_module_and_no_other(void **state)
{
    struct setup s;
    uint32_t slot = UINT32_MAX;
    const weir_directive *row = NULL, *elsewhere = NULL;
    struct wr_conf_space *space = &s.reg.space;

    (void)state;
    setup_init(&s, folder, NULL, 0, NULL);
    assert_true(prepare(&s, "http { server { double_size 8k; } }"));
    assert_true(has(&s, "double.plain"));
    assert_false(has(&s, "double.newer"));
    assert_true(space->find(space, WEIR_STR("double_size"), WEIR_IN_HTTP, &slot, &row, &elsewhere));
    assert_string_equal(row->name, "double_size");
    assert_true(slot < space->n_slots);
    assert_string_equal(space->modules[slot]->name, "double.plain");
    assert_false(
        space->find(space, WEIR_STR("double_size"), WEIR_IN_SERVER, &slot, &row, &elsewhere));
    assert_ptr_equal(elsewhere, row);
    assert_false(space->find(space, WEIR_STR("nothing"), WEIR_IN_HTTP, &slot, &row, &elsewhere));
    assert_null(elsewhere);
    setup_fini(&s);
}

static void
test_a_variable_brings_its_module(void **state)
{
    static const struct {
        const char *text;
        bool there;
    } cases[] = {
        { "x $double_plain;", true },           { "x a${double_plain}b;", true },
        { "x $double_plain_rest;", true },      { "x $a$double_plain;", true },
        { "x double_plain;", false },           { "x $double_plai;", false },
        { "http { x \"$double_plain_\"; }", true }, { "x $;", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct setup s;
        setup_init(&s, folder, NULL, 0, NULL);
        assert_true(prepare(&s, cases[i].text));
        if (has(&s, "double.plain") != cases[i].there) {
            fail_msg("%s", cases[i].text);
        }
        setup_fini(&s);
    }
}

static void
test_a_needed_interface_brings_its_module(void **state)
{
    struct setup s;
    const weir_module *by = NULL;
    const int *table;

    (void)state;
    setup_init(&s, folder, NULL, 0, NULL);
    assert_true(prepare(&s, "double_needy on;"));
    assert_true(has(&s, "double.plain"));
    table = wr_interface_find(&s.reg, WEIR_STR("double.plain/1"), &by);
    assert_int_equal(*table, 42);
    assert_string_equal(by->name, "double.plain");
    assert_ptr_equal(weir_interface_find(&s.cf, "double.plain/1"), table);
    assert_null(weir_interface_find(&s.cf, "double.plain/2"));
    setup_fini(&s);
}

static void
test_an_interface_that_nobody_offers_is_told(void **state)
{
    char path[256];
    struct setup s;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/plain.so", folder);
    assert_int_equal(unlink(path), 0);
    write_index();
    setup_init(&s, folder, NULL, 0, NULL);
    assert_false(prepare(&s, "double_needy on;"));
    said(&s, "needs the interface \"double.plain/1\"");
    setup_fini(&s);
}

static void
test_always_is_always_there(void **state)
{
    struct setup s;

    (void)state;
    add_double("always");
    write_index();
    setup_init(&s, folder, NULL, 0, NULL);
    assert_true(prepare(&s, "events { }"));
    assert_true(has(&s, "double.always"));
    assert_string_equal(wr_registry_at(&s.reg, 0)->name, "double.always");
    assert_null(wr_registry_at(&s.reg, 1));
    setup_fini(&s);
}

static void
test_load_module_takes_the_place_of_a_bundled_one(void **state)
{
    char text[256];
    struct setup s;
    char *other = folder_create();
    struct bytes b = double_read("plain_two");
    char *path = file_create(other, "mine.so", b);

    (void)state;
    (void)snprintf(text, sizeof(text), "load_module %s; double_plain on;", path);
    setup_init(&s, folder, NULL, 0, NULL);
    assert_true(prepare(&s, text));
    assert_string_equal(wr_registry_find(&s.reg, WEIR_STR("double.plain"))->version, "2.0");
    setup_fini(&s);
    free(b.data);
    free(path);
    folder_remove(other);
}

static void
test_load_module_is_relative_to_the_modules_folder(void **state)
{
    struct setup s;

    (void)state;
    setup_init(&s, folder, NULL, 0, NULL);
    assert_true(prepare(&s, "load_module modules/plain.so; load_module newer.so;"));
    assert_true(has(&s, "double.plain"));
    assert_true(has(&s, "double.newer"));
    setup_fini(&s);
}

static void
test_what_load_module_cannot_load_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "a b;\nload_module none.so;", "No such file" },
        { "a b;\nload_module plain.so sha256=00;", "are not those of sha256=00" },
        { "a b;\nload_module plain.so md5=00;", "unknown option" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct setup s;
        setup_init(&s, folder, NULL, 0, NULL);
        assert_false(prepare(&s, cases[i].text));
        said(&s, cases[i].why);
        assert_int_equal(s.diag.last->place.line, 2);
        setup_fini(&s);
    }
}

static weir_self rival_self = WR_SELF;
static const weir_directive rival_rows[] = {
    { .name = "double_plain", .help = "a rival's", .where = WEIR_IN_SERVER | WEIR_IN_UPSTREAM,
      .flags = WEIR_D_NOTHING },
};
static const weir_module rival = { WR_BUILTIN(&rival_self, "rival"),
                                   .directives = WEIR_ITEMS(rival_rows) };
static const weir_module *const rivals[] = { &rival };

static void
test_one_directive_of_two_modules_in_one_context_is_refused(void **state)
{
    struct setup s;

    (void)state;
    setup_init(&s, folder, rivals, 1, NULL);
    assert_false(prepare(&s, "double_plain on;"));
    said(&s, "both have the directive \"double_plain\"");
    setup_fini(&s);
}

static void
test_names_for_suggestions_include_bundled_modules(void **state)
{
    struct setup s;
    bool own = false, bundled = false, other_context = false;
    const char *name;

    (void)state;
    setup_init(&s, folder, rivals, 1, NULL);
    assert_true(prepare(&s, "events { }"));
    for (uint32_t i = 0; (name = s.reg.space.name_at(&s.reg.space, i, WEIR_IN_SERVER)) != NULL;
         i++) {
        own = own || strcmp(name, "double_plain") == 0;
        bundled = bundled || strcmp(name, "double_needy") == 0;
        other_context = other_context || strcmp(name, "none") == 0;
    }
    assert_true(own && bundled && !other_context);
    setup_fini(&s);
}

static void
test_a_broken_index_is_told(void **state)
{
    static const char *const lines[] = { "directive a\n", "directive a ../b.so\n", "what a b.so\n",
                                         "always\n", "directive a b.so c\n" };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct bytes b = { (uint8_t *)strdup(lines[i]), strlen(lines[i]) };
        char *path = file_create(folder, "index", b);
        struct setup s;

        setup_init(&s, folder, NULL, 0, NULL);
        assert_false(prepare(&s, "events { }"));
        said(&s, "line 1 is not understood");
        setup_fini(&s);
        free(path);
        free(b.data);
    }
}

static void
test_foreign_directives_are_known_by_module(void **state)
{
    (void)state;
    assert_non_null(strstr(wr_foreign_find(WEIR_STR("dav_methods")), "ngx_http_dav_module"));
    assert_non_null(strstr(wr_foreign_find(WEIR_STR("fastcgi_pass")), "proxy_pass"));
    assert_non_null(wr_foreign_find(WEIR_STR("accept_mutex"))); /* the first and the last */
    assert_non_null(wr_foreign_find(WEIR_STR("zone")));
    assert_non_null(strstr(wr_foreign_find(WEIR_STR("js_import")), "ngx_http_js_module"));
    assert_non_null(strstr(wr_foreign_find(WEIR_STR("zone_sync")), "zone_sync_module"));
    assert_null(wr_foreign_find(WEIR_STR("js")));
    assert_null(wr_foreign_find(WEIR_STR("dav_method")));
    assert_null(wr_foreign_find(WEIR_STR("")));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_the_index_has_a_line_for_each_name),
        CASE(test_a_directive_brings_its_module_and_no_other),
        CASE(test_a_variable_brings_its_module),
        CASE(test_a_needed_interface_brings_its_module),
        CASE(test_an_interface_that_nobody_offers_is_told),
        CASE(test_always_is_always_there),
        CASE(test_load_module_takes_the_place_of_a_bundled_one),
        CASE(test_load_module_is_relative_to_the_modules_folder),
        CASE(test_what_load_module_cannot_load_is_told_with_its_place),
        CASE(test_one_directive_of_two_modules_in_one_context_is_refused),
        CASE(test_names_for_suggestions_include_bundled_modules),
        CASE(test_a_broken_index_is_told),
        CASE(test_foreign_directives_are_known_by_module),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
