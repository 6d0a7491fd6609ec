/* Base64 with padding, and nothing but that.  [RFC 4648 4, 10] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"

static bool
decode(const char *text, const char *want)
{
    char room[64];
    struct wr_strbuf b = wr_strbuf_over(room, strlen(text));

    return wr_base64_decode(&b, weir_str_c(text)) && !b.full &&
           weir_str_eq(wr_strbuf_view(&b), weir_str_c(want));
}

static void
test_what_is_written_reads_back(void **state)
{
    static const char bytes[] = "\0foob\xff\xfe ar";

    (void)state;
    for (size_t len = 0; len < sizeof(bytes); len++) {
        char text[16], room[16];
        struct wr_strbuf to = wr_strbuf_over(text, sizeof(text));
        struct wr_strbuf back = wr_strbuf_over(room, sizeof(room));
        wr_base64_encode(&to, (weir_str){ bytes, len });
        assert_false(to.full);
        assert_int_equal(to.len, (len + 2) / 3 * 4);
        assert_true(wr_base64_decode(&back, wr_strbuf_view(&to)));
        assert_true(weir_str_eq(wr_strbuf_view(&back), (weir_str){ bytes, len }));
    }
}

static void
test_the_vectors_of_the_rfc(void **state)
{
    (void)state;
    assert_true(decode("", ""));
    assert_true(decode("Zg==", "f"));
    assert_true(decode("Zm8=", "fo"));
    assert_true(decode("Zm9v", "foo"));
    assert_true(decode("Zm9vYg==", "foob"));
    assert_true(decode("Zm9vYmE=", "fooba"));
    assert_true(decode("Zm9vYmFy", "foobar"));
    assert_true(decode("+/+/", "\xfb\xff\xbf"));
}

static void
test_other_spellings_are_refused(void **state)
{
    static const char *const bad[] = { "Zg",   "Zg=",  "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====",
                                       "Zm 9", "Zm9v\n", "-_-_", "Zm=v", "=m9v" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char room[64];
        struct wr_strbuf b = wr_strbuf_over(room, sizeof(room));
        assert_false(wr_base64_decode(&b, weir_str_c(bad[i])));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_reads_back),
        cmocka_unit_test(test_the_vectors_of_the_rfc),
        cmocka_unit_test(test_other_spellings_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
