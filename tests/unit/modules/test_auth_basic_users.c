/* auth_basic/users.c: what lines of a password file mean, and when the file is read again. */
#include "unit/modules/double.h"

#include "../modules/auth_basic/users.c"

static struct weir_pool *pool;

/* The users of a file with this text, whose bytes may be zero. */
static struct users
users_of(const char *text, size_t len)
{
    struct users u;
    char *copy = weir_alloc(pool, len + 1);

    memcpy(copy, text, len);
    copy[len] = '\0';
    parse(&u, pool, (weir_str){ copy, len });
    return u;
}

static const char *
hash_of(const char *text, const char *name)
{
    struct users u = users_of(text, strlen(text));

    return users_find(&u, weir_str_c(name)).data;
}

static int
begin(void **state)
{
    (void)state;
    pool = wr_pool_create("users", NULL);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    wr_pool_destroy(&pool);
    return 0;
}

static void
test_a_line_is_a_name_and_a_hash(void **state)
{
    (void)state;
    assert_string_equal(hash_of("ann:{PLAIN}x\nbob:$1$a$b\n", "ann"), "{PLAIN}x");
    assert_string_equal(hash_of("ann:{PLAIN}x\nbob:$1$a$b\n", "bob"), "$1$a$b");
    assert_string_equal(hash_of("ann:x", "ann"), "x"); /* without a line's end */
    assert_string_equal(hash_of("ann:x\r\nbob:y\r\n", "ann"), "x");
    assert_string_equal(hash_of("a b:x y\n", "a b"), "x y");
    assert_string_equal(hash_of("ann:\n", "ann"), "");
}

static void
test_what_follows_the_hash_is_not_part_of_it(void **state)
{
    (void)state;
    assert_string_equal(hash_of("ann:x:Ann Lee,editor\n", "ann"), "x");
    assert_string_equal(hash_of("ann:x::\n", "ann"), "x");
}

static void
test_comments_and_lines_without_a_name_are_nobody(void **state)
{
    static const char *const texts[] = { "", "\n", "\n\n\r\n", "#ann:x\n", "ann\n", ":x\n", "ann", "#", ":" };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct users u = users_of(texts[i], strlen(texts[i]));
        assert_int_equal(u.n, 0);
        assert_null(users_any(&u).data);
        assert_null(users_find(&u, WEIR_STR("ann")).data);
        assert_null(users_find(&u, WEIR_STR("#ann")).data);
        assert_null(users_find(&u, WEIR_STR("")).data);
    }
}

static void
test_the_first_line_of_a_name_counts(void **state)
{
    (void)state;
    assert_string_equal(hash_of("bob:0\nann:1\nann:2\nann:3\nbob:4\n", "ann"), "1");
    assert_string_equal(hash_of("bob:0\nann:1\nann:2\nann:3\nbob:4\n", "bob"), "0");
}

static void
test_names_are_found_whole_and_in_their_case(void **state)
{
    static const char text[] = "ann:1\nanna:2\nAnn:3\nan:4\n";

    (void)state;
    assert_string_equal(hash_of(text, "ann"), "1");
    assert_string_equal(hash_of(text, "anna"), "2");
    assert_string_equal(hash_of(text, "Ann"), "3");
    assert_string_equal(hash_of(text, "an"), "4");
    assert_null(hash_of(text, "a"));
    assert_null(hash_of(text, "annas"));
    assert_null(hash_of(text, ""));
}

/* A hash goes to functions that take zero-terminated strings, which would read it in another way. */
static void
test_a_zero_byte_ends_a_hash(void **state)
{
    static const char text[] = "ann:x\0y\nbob:z\n";
    struct users u;

    (void)state;
    u = users_of(text, sizeof(text) - 1);
    assert_string_equal(users_find(&u, WEIR_STR("ann")).data, "x");
    assert_int_equal(users_find(&u, WEIR_STR("ann")).len, 1);
    assert_string_equal(users_find(&u, WEIR_STR("bob")).data, "z");
}

static void
test_long_lines_and_many_users_are_read_whole(void **state)
{
    enum { MANY = 20000, LONG = 100000 };
    char *text = malloc(MANY * 16 + LONG + 64);
    size_t len = 0;
    char name[16];
    struct users u;

    (void)state;
    assert_non_null(text);
    for (int i = MANY; i-- != 0;) {
        len += (size_t)sprintf(text + len, "u%d:h%d\n", i, i);
    }
    len += (size_t)sprintf(text + len, "long:");
    memset(text + len, 'x', LONG);
    len += LONG;
    u = users_of(text, len);
    free(text);
    assert_int_equal(u.n, MANY + 1);
    for (int i = 0; i < MANY; i += 997) {
        (void)sprintf(name, "u%d", i);
        weir_str hash = users_find(&u, weir_str_c(name));
        assert_int_equal(hash.data[0], 'h');
        assert_int_equal(atoi(hash.data + 1), i);
    }
    assert_int_equal(users_find(&u, WEIR_STR("long")).len, LONG);
}

/* ---- Files. ---- */

static void
write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
}

static void
test_a_file_that_changed_is_read_again(void **state)
{
    char path[] = "/tmp/weir-users-XXXXXX";
    struct users_files *files = users_files_create(pool);
    const struct users *u;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    write_file(path, "ann:1\n");
    assert_int_equal(users_open(files, path, 100, &u), 0);
    assert_string_equal(users_find(u, WEIR_STR("ann")).data, "1");
    write_file(path, "ann:2\n"); /* as long, and within the same second */
    assert_int_equal(users_open(files, path, 100, &u), 0);
    assert_string_equal(users_find(u, WEIR_STR("ann")).data, "2");
    (void)unlink(path);
    assert_int_equal(users_open(files, path, 100, &u), -ENOENT);
}

static void
test_what_cannot_be_a_password_file_is_refused(void **state)
{
    char path[] = "/tmp/weir-users-XXXXXX";
    struct users_files *files = users_files_create(pool);
    const struct users *u;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    (void)close(fd);
    write_file(path, "ann:12345\n");
    assert_int_equal(users_open(files, path, 10, &u), 0);
    assert_int_equal(users_open(files, "/dev/zero", 100, &u), -EINVAL);
    assert_int_equal(users_open(files, "/tmp", 100, &u), -EISDIR);
    write_file(path, "ann:123456\n");
    assert_int_equal(users_open(files, path, 10, &u), -EFBIG);
    (void)unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_line_is_a_name_and_a_hash, begin, end),
        cmocka_unit_test_setup_teardown(test_what_follows_the_hash_is_not_part_of_it, begin, end),
        cmocka_unit_test_setup_teardown(test_comments_and_lines_without_a_name_are_nobody, begin, end),
        cmocka_unit_test_setup_teardown(test_the_first_line_of_a_name_counts, begin, end),
        cmocka_unit_test_setup_teardown(test_names_are_found_whole_and_in_their_case, begin, end),
        cmocka_unit_test_setup_teardown(test_a_zero_byte_ends_a_hash, begin, end),
        cmocka_unit_test_setup_teardown(test_long_lines_and_many_users_are_read_whole, begin, end),
        cmocka_unit_test_setup_teardown(test_a_file_that_changed_is_read_again, begin, end),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_a_password_file_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
