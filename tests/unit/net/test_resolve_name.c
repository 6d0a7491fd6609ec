/* Names of hosts have one form, and what is no such name is refused before anybody is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "net/resolve.h"

static void
assert_name(const char *from, const char *to)
{
    char room[WR_RESOLVE_NAME];
    size_t len = wr_resolve_name(weir_str_c(from), room);

    if (to == NULL) {
        assert_int_equal(len, 0);
        return;
    }
    assert_int_equal(len, strlen(to));
    assert_string_equal(room, to);
}

static void
test_a_name_is_in_lower_case_without_its_last_dot(void **state)
{
    (void)state;
    assert_name("App.Example", "app.example");
    assert_name("app.example.", "app.example");
    assert_name("localhost", "localhost");
    assert_name("1and1.example", "1and1.example");
    assert_name("a-b.x--y", "a-b.x--y");
    assert_name("_http._tcp.app_1.example", "_http._tcp.app_1.example");
    assert_name("10.0.0.in-addr", "10.0.0.in-addr");
}

static void
test_what_is_no_label_is_refused(void **state)
{
    static const char *const bad[] = { "",      ".",     "..",    "a..b",  ".a",      "a b",
                                       "-a.b",  "a-.b",  "a.-",   "a/b",   "a:80",    "[::1]",
                                       "a%41",  "a\nb",  "a\\b",  "*.a",   "a@b",     "caf\xc3\xa9" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_name(bad[i], NULL);
    }
}

static void
test_a_zero_byte_is_refused(void **state)
{
    char room[WR_RESOLVE_NAME];

    (void)state;
    assert_int_equal(wr_resolve_name(WEIR_STR("a\0b.example"), room), 0);
}

static void
test_a_number_at_the_end_is_an_address_and_no_name(void **state)
{
    (void)state;
    assert_name("127.0.0.1", NULL);
    assert_name("1", NULL);
    assert_name("app.1", NULL);
}

static void
test_labels_and_names_have_their_longest(void **state)
{
    char name[300];
    char room[WR_RESOLVE_NAME];

    (void)state;
    memset(name, 'a', sizeof(name));
    assert_int_equal(wr_resolve_name((weir_str){ name, 63 }, room), 63);
    assert_int_equal(wr_resolve_name((weir_str){ name, 64 }, room), 0);
    for (size_t i = 50; i < sizeof(name); i += 50) {
        name[i] = '.';
    }
    assert_int_equal(wr_resolve_name((weir_str){ name, 253 }, room), 253);
    assert_int_equal(wr_resolve_name((weir_str){ name, 254 }, room), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_is_in_lower_case_without_its_last_dot),
        cmocka_unit_test(test_what_is_no_label_is_refused),
        cmocka_unit_test(test_a_zero_byte_is_refused),
        cmocka_unit_test(test_a_number_at_the_end_is_an_address_and_no_name),
        cmocka_unit_test(test_labels_and_names_have_their_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
