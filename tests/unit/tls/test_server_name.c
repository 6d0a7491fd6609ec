/* tests/unit/tls/test_server_name.c - the name in a client's hello. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tls/server_name.h"

#define BYTES(lit) ((weir_str){ lit, sizeof(lit) - 1 })

/* From memory of the exact size, so that a byte too far is seen. */
static bool
parse(weir_str extension, char *to)
{
    char *exact = malloc(extension.len + (extension.len == 0));
    weir_str name;
    bool good;

    assert_non_null(exact);
    memcpy(exact, extension.data, extension.len);
    good = wr_server_name_parse((weir_str){ exact, extension.len }, &name);
    if (good) {
        memcpy(to, name.data, name.len);
        to[name.len] = '\0';
    }
    free(exact);
    return good;
}

static void
test_one_host_name_is_read(void **state)
{
    char name[256];

    (void)state;
    assert_true(parse(BYTES("\0\x0c\0\0\x09" "a.example"), name));
    assert_string_equal(name, "a.example");
}

static void
test_broken_extensions_are_refused(void **state)
{
    const weir_str broken[] = {
        BYTES(""), BYTES("\0"), BYTES("\0\0"), BYTES("\0\3\0\0\0"), /* nothing; an empty name */
        BYTES("\0\x0c\1\0\x09" "a.example"),                        /* another type of name */
        BYTES("\0\x0c\0\0\x08" "a.example"),                        /* lengths that differ */
        BYTES("\0\x0b\0\0\x09" "a.example"), BYTES("\0\x0c\0\0\x09" "a.exampl"),
        BYTES("\0\x0c\0\0\x04" "a.ex" "\0\0\2ab"),                  /* two names */
        BYTES("\0\x0c\0\0\x09" "a.exa\0ple"),
    };
    char name[256];

    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        assert_false(parse(broken[i], name));
    }
}

static void
test_names_longer_than_any_host_are_refused(void **state)
{
    char text[5 + 256], name[300];

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "\x01\x03\0\x01\0", 5);
    assert_false(parse((weir_str){ text, sizeof(text) }, name));
    memcpy(text, "\x01\x02\0\0\xff", 5);
    assert_true(parse((weir_str){ text, sizeof(text) - 1 }, name));
}

static void
assert_clean(const char *name, const char *want)
{
    char to[256];
    size_t len = wr_server_name_clean(weir_str_c(name), to);

    assert_int_equal(len, strlen(want));
    assert_memory_equal(to, want, len);
}

static void
test_names_are_made_like_hosts_of_requests(void **state)
{
    (void)state;
    assert_clean("a.example", "a.example");
    assert_clean("A.EXAMPLE.", "a.example");
    assert_clean("under_score-1.example", "under_score-1.example");
}

static void
test_what_is_no_host_name_is_none(void **state)
{
    static const char *const none[] = { ".",   "..",     ".a",   "a..b",  "a..", "a b", "a/b",
                                        "a:1", "[::1]", "a%00", "*.a",   "\xc3\xa4.example" };

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_clean(none[i], "");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_host_name_is_read),
        cmocka_unit_test(test_broken_extensions_are_refused),
        cmocka_unit_test(test_names_longer_than_any_host_are_refused),
        cmocka_unit_test(test_names_are_made_like_hosts_of_requests),
        cmocka_unit_test(test_what_is_no_host_name_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
