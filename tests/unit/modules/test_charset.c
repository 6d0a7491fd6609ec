/* Conversions agree with iconv where it has an answer, and do not depend on where a text is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <weir/base.h>

#include "base/pool.h"

#include "../modules/charset/table.c"
#include "../modules/charset/convert.c"

static struct weir_pool *pool;
static const struct charset_table *cyrillic, *koi8;

static int
setup(void **state)
{
    (void)state;
    pool = wr_pool_create("test", NULL);
    return charset_find(pool, WEIR_STR("windows-1251"), &cyrillic) == CHARSET_BYTES &&
                   charset_find(pool, WEIR_STR("koi8-r"), &koi8) == CHARSET_BYTES
               ? 0
               : -1;
}

static int
teardown(void **state)
{
    (void)state;
    wr_pool_destroy(&pool);
    return 0;
}

/* What text becomes, in pieces that end at the cuts, written to buffers that have just room enough.
 */
static weir_str
run(const struct charset_table *from, const struct charset_table *to, weir_str text, size_t first,
    size_t second)
{
    struct conversion c = { .from = from, .to = to };
    size_t ends[] = { first, second, text.len }, at = 0;
    uint8_t *out = weir_alloc(pool, text.len * CONVERT_MOST + CONVERT_MOST), *put = out;

    for (int i = 0; i < 3; i++) {
        const uint8_t *in = (const uint8_t *)text.data + at,
                      *end = (const uint8_t *)text.data + ends[i];
        while (in != end) {
            convert(&c, &in, (size_t)(end - in), &put, CONVERT_MOST);
        }
        at = ends[i];
    }
    convert_end(&c, &put);
    return (weir_str){ (const char *)out, (size_t)(put - out) };
}

static void
expect(const struct charset_table *from, const struct charset_table *to, weir_str text,
       weir_str wanted)
{
    for (size_t first = 0; first <= text.len; first++) {
        for (size_t second = first; second <= text.len; second++) {
            weir_str got = run(from, to, text, first, second);
            assert_int_equal(got.len, wanted.len);
            assert_memory_equal(got.data, wanted.data, wanted.len);
        }
    }
}

static void
test_texts_go_both_ways(void **state)
{
    (void)state;
    expect(NULL, cyrillic, WEIR_STR("a\xd0\x96\xd1\x8f\xe2\x82\xac!"), WEIR_STR("a\xc6\xff\x88!"));
    expect(cyrillic, NULL, WEIR_STR("a\xc6\xff\x88!"), WEIR_STR("a\xd0\x96\xd1\x8f\xe2\x82\xac!"));
    expect(cyrillic, koi8, WEIR_STR("a\xc6\xff!"), WEIR_STR("a\xf6\xd1!"));
}

static void
test_what_the_other_set_has_not_is_named(void **state)
{
    (void)state;
    expect(NULL, cyrillic, WEIR_STR("\xf0\x9f\x98\x80\xc3\xa9"), WEIR_STR("&#128512;&#233;"));
    expect(NULL, cyrillic, WEIR_STR("\xf4\x8f\xbf\xbf"), WEIR_STR("&#1114111;"));
    expect(cyrillic, koi8, WEIR_STR("\x88"), WEIR_STR("?")); /* the euro sign */
    expect(cyrillic, NULL, WEIR_STR("\x98"), WEIR_STR("?")); /* stands for nothing */
}

/* [Unicode 3.9, "U+FFFD Substitution of Maximal Subparts", tables 3-8 to 3-11] */
static void
test_what_is_no_character_is_marked_once_for_each_beginning(void **state)
{
    (void)state;
    expect(NULL, cyrillic, WEIR_STR("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"), WEIR_STR("????????A"));
    expect(NULL, cyrillic, WEIR_STR("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"), WEIR_STR("????????A"));
    expect(NULL, cyrillic, WEIR_STR("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"), WEIR_STR("?????A??B"));
    expect(NULL, cyrillic, WEIR_STR("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), WEIR_STR("????A"));
    expect(NULL, cyrillic, WEIR_STR("a\xe2\x82"), WEIR_STR("a?"));
}

static void
test_tables_are_those_of_iconv(void **state)
{
    iconv_t cd = iconv_open("UTF-8", "windows-1251");

    (void)state;
    for (unsigned byte = 1; byte < 256; byte++) {
        char in = (char)byte, *from = &in, out[8], *to = out;
        size_t left = 1, room = sizeof(out);
        if (iconv(cd, &from, &left, &to, &room) == 0) {
            expect(cyrillic, NULL, (weir_str){ (char[]){ (char)byte }, 1 },
                   (weir_str){ out, sizeof(out) - room });
            expect(NULL, cyrillic, (weir_str){ out, sizeof(out) - room },
                   (weir_str){ (char[]){ (char)byte }, 1 });
        } else {
            iconv(cd, NULL, NULL, NULL, NULL);
        }
    }
    iconv_close(cd);
}

static void
test_only_sets_of_one_byte_have_tables(void **state)
{
    const struct charset_table *t = NULL;

    (void)state;
    assert_int_equal(charset_find(pool, WEIR_STR("UTF-8"), &t), CHARSET_UTF8);
    assert_int_equal(charset_find(pool, WEIR_STR("utf-16"), &t), CHARSET_OTHER);
    assert_int_equal(charset_find(pool, WEIR_STR("no-such-set"), &t), CHARSET_UNKNOWN);
    assert_int_equal(charset_find(pool, WEIR_STR("koi8-r//TRANSLIT"), &t), CHARSET_UNKNOWN);
    assert_int_equal(charset_find(pool, WEIR_STR(""), &t), CHARSET_UNKNOWN);
    assert_null(t);
}

#define TEST(t) cmocka_unit_test(t)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_texts_go_both_ways),
        TEST(test_what_the_other_set_has_not_is_named),
        TEST(test_what_is_no_character_is_marked_once_for_each_beginning),
        TEST(test_tables_are_those_of_iconv),
        TEST(test_only_sets_of_one_byte_have_tables),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
