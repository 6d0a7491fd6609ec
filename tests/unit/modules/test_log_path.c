/* Logs named by variables: safe paths only, files kept open within their limits. */
#include "unit/modules/double.h"

#include <fcntl.h>
#include <unistd.h>

#include "../../../modules/log/cache.c"
#include "../../../modules/log/path.c"

static char folder[64];
static weir_str document_root, evaluated;

weir_str
weir_var_get(weir_request *r, int32_t var)
{
    (void)r;
    (void)var;
    return document_root;
}

weir_str
weir_value_eval(weir_request *r, const weir_value *v)
{
    (void)r;
    (void)v;
    return evaluated;
}

static char *
in_folder(const char *name)
{
    static char path[4][200];
    static size_t n;

    n = (n + 1) % 4;
    snprintf(path[n], sizeof(path[n]), "%s/%s", folder, name);
    return path[n];
}

static size_t
size_of(const char *name)
{
    struct stat st;

    return stat(in_folder(name), &st) == 0 ? (size_t)st.st_size : (size_t)-1;
}

static int
make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/weir-log-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
    char command[100];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static struct log_cache
cache_of(uint32_t max, uint32_t min_uses, weir_pool *pool)
{
    struct log_cache c = { .max = max, .min_uses = min_uses, .inactive_ms = 1000, .valid_ms = 500 };

    log_cache_init(&c, pool);
    return c;
}

static void
test_a_sound_path_is_absolute_and_stays_where_it_is(void **state)
{
    (void)state;
    assert_true(log_path_is_sound(WEIR_STR("/logs/a.log")));
    assert_true(log_path_is_sound(WEIR_STR("/logs/..a/b..c/...")));
    assert_false(log_path_is_sound(WEIR_STR("logs/a.log")));
    assert_false(log_path_is_sound(WEIR_STR("/logs/../a.log")));
    assert_false(log_path_is_sound(WEIR_STR("/logs/..")));
    assert_false(log_path_is_sound(WEIR_STR("/logs/a\0.log")));
    assert_false(log_path_is_sound(WEIR_STR("")));
}

static void
test_a_descriptor_is_kept_after_min_uses(void **state)
{
    struct weir_pool *pool = wr_pool_create("test", NULL);
    struct log_cache c = cache_of(2, 2, pool);
    bool keep;
    int first, second;

    (void)state;
    first = log_cache_open(&c, in_folder("a"), 0, &keep);
    assert_true(first >= 0);
    assert_false(keep);
    close(first);
    second = log_cache_open(&c, in_folder("a"), 1, &keep);
    assert_true(keep);
    assert_int_equal(log_cache_open(&c, in_folder("a"), 2, &keep), second);
    log_cache_empty(&c);
    assert_int_equal(fcntl(second, F_GETFD), -1);
    wr_pool_destroy(&pool);
}

static void
test_the_least_recently_used_makes_room(void **state)
{
    struct weir_pool *pool = wr_pool_create("test", NULL);
    struct log_cache c = cache_of(2, 1, pool);
    bool keep;
    int a, b;

    (void)state;
    a = log_cache_open(&c, in_folder("a"), 0, &keep);
    b = log_cache_open(&c, in_folder("b"), 0, &keep);
    assert_int_equal(log_cache_open(&c, in_folder("a"), 0, &keep), a);
    /* b goes; its number is the one free for c. */
    assert_int_equal(log_cache_open(&c, in_folder("c"), 0, &keep), b);
    assert_int_equal(c.count, 2);
    assert_int_equal(log_cache_open(&c, in_folder("a"), 0, &keep), a);
    log_cache_empty(&c);
    wr_pool_destroy(&pool);
}

static void
test_what_was_not_used_for_long_is_forgotten(void **state)
{
    struct weir_pool *pool = wr_pool_create("test", NULL);
    struct log_cache c = cache_of(8, 1, pool);
    bool keep;
    int a;

    (void)state;
    a = log_cache_open(&c, in_folder("a"), 0, &keep);
    log_cache_open(&c, in_folder("b"), 1001, &keep);
    assert_int_equal(c.count, 1);
    assert_int_equal(log_cache_open(&c, in_folder("b"), 1002, &keep), a);
    log_cache_empty(&c);
    wr_pool_destroy(&pool);
}

static void
test_a_file_moved_away_is_noticed_after_valid(void **state)
{
    struct weir_pool *pool = wr_pool_create("test", NULL);
    struct log_cache c = cache_of(8, 1, pool);
    bool keep;

    (void)state;
    assert_int_equal(write(log_cache_open(&c, in_folder("m"), 0, &keep), "one\n", 4), 4);
    assert_int_equal(rename(in_folder("m"), in_folder("m.1")), 0);
    assert_int_equal(write(log_cache_open(&c, in_folder("m"), 500, &keep), "two\n", 4), 4);
    assert_int_equal(size_of("m.1"), 8);
    assert_int_equal(write(log_cache_open(&c, in_folder("m"), 501, &keep), "three\n", 6), 6);
    assert_int_equal(size_of("m"), 6);
    log_cache_empty(&c);
    wr_pool_destroy(&pool);
}

static void
test_a_link_is_not_followed(void **state)
{
    (void)state;
    assert_int_equal(symlink("elsewhere", in_folder("link")), 0);
    assert_int_equal(log_file_open(in_folder("link")), -ELOOP);
}

static void
write_line(const char *path, const char *root)
{
    static struct log_registry registry;
    static const weir_value value;
    struct log_target t = { .path = (weir_value *)&value };
    log_conf c = { .shared.registry = &registry };
    struct double_request d;

    double_begin(&d);
    document_root = weir_str_c(root);
    evaluated = weir_str_c(path);
    log_path_write(&d.r, &c, &t, WEIR_STR("line\n"));
    double_end(&d);
}

static void
test_a_line_is_appended_where_the_root_exists(void **state)
{
    (void)state;
    write_line(in_folder("site.log"), folder);
    write_line(in_folder("site.log"), folder);
    assert_int_equal(size_of("site.log"), 10);
    write_line(in_folder("none.log"), in_folder("absent"));
    assert_int_equal(size_of("none.log"), (size_t)-1);
    write_line(in_folder("x/../up.log"), folder);
    assert_int_equal(size_of("up.log"), (size_t)-1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_path_is_absolute_and_stays_where_it_is),
        cmocka_unit_test(test_a_descriptor_is_kept_after_min_uses),
        cmocka_unit_test(test_the_least_recently_used_makes_room),
        cmocka_unit_test(test_what_was_not_used_for_long_is_forgotten),
        cmocka_unit_test(test_a_file_moved_away_is_noticed_after_valid),
        cmocka_unit_test(test_a_link_is_not_followed),
        cmocka_unit_test(test_a_line_is_appended_where_the_root_exists),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
