/* Networks and ranges in any order against a slow reference, and texts that are no addresses. */
#include "unit/modules/double.h"

#include "../modules/geo/address.c"
#include "../modules/geo/atlas.c"

static struct weir_pool *pool;
static char warned[512];

weir_pool *
weir_conf_pool(weir_conf *cf)
{
    (void)cf;
    return pool;
}

__attribute__((format(printf, 1, 0))) static void
note(const char *fmt, va_list args)
{
    vsnprintf(warned, sizeof(warned), fmt, args);
}

int
weir_conf_error(weir_conf *cf, const char *fmt, ...)
{
    va_list args;

    (void)cf;
    va_start(args, fmt);
    note(fmt, args);
    va_end(args);
    return WEIR_ERROR;
}

void
weir_conf_warn(weir_conf *cf, const char *fmt, ...)
{
    va_list args;

    (void)cf;
    va_start(args, fmt);
    note(fmt, args);
    va_end(args);
}

static int
setup(void **state)
{
    (void)state;
    pool = wr_pool_create("test", NULL);
    warned[0] = '\0';
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    wr_pool_destroy(&pool);
    return 0;
}

static void
put_network(struct atlas *a, const char *text, const char *value)
{
    struct span s;
    bool loose;

    assert_true(span_parse_network(weir_str_c(text), &s, &loose));
    atlas_add(a, pool, &s, weir_str_c(text), weir_str_c(value));
}

static const char *
at(const struct atlas *a, const char *text)
{
    static char room[64];
    struct address address;

    assert_true(address_parse(weir_str_c(text), &address));
    weir_str value = atlas_find(a, &address);
    snprintf(room, sizeof(room), "%.*s", WEIR_FMT(value));
    return room;
}

static void
test_the_smallest_network_decides(void **state)
{
    struct atlas a = { 0 };

    (void)state;
    put_network(&a, "10.1.2.0/24", "24");
    put_network(&a, "10.0.0.0/8", "8");
    put_network(&a, "0.0.0.0/0", "0");
    put_network(&a, "10.1.2.255", "32");
    put_network(&a, "2001:db8::/32", "six");
    put_network(&a, "::/0", "all six");
    assert_int_equal(atlas_settle(NULL, &a, WEIR_STR("-")), WEIR_OK);
    assert_string_equal(at(&a, "10.1.2.0"), "24");
    assert_string_equal(at(&a, "10.1.2.254"), "24");
    assert_string_equal(at(&a, "10.1.2.255"), "32");
    assert_string_equal(at(&a, "10.1.3.0"), "8");
    assert_string_equal(at(&a, "11.0.0.0"), "0");
    assert_string_equal(at(&a, "255.255.255.255"), "0");
    assert_string_equal(at(&a, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), "six");
    assert_string_equal(at(&a, "2001:db9::"), "all six");
    assert_string_equal(at(&a, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "all six");
    assert_string_equal(at(&a, "::ffff:10.1.2.0"), "24");
}

static void
test_nothing_known_is_the_default(void **state)
{
    struct atlas a = { 0 };

    (void)state;
    assert_int_equal(atlas_settle(NULL, &a, WEIR_STR("-")), WEIR_OK);
    assert_string_equal(at(&a, "0.0.0.0"), "-");
    assert_string_equal(at(&a, "::"), "-");
}

static void
test_what_is_deleted_is_gone_until_it_comes_again(void **state)
{
    struct atlas a = { 0 };

    (void)state;
    put_network(&a, "10.0.0.0/8", "x");
    put_network(&a, "10.0.0.0/8", NULL);
    put_network(&a, "11.0.0.0/8", "y");
    put_network(&a, "11.0.0.0/8", NULL);
    put_network(&a, "11.0.0.0/8", "z");
    assert_int_equal(atlas_settle(NULL, &a, WEIR_STR("-")), WEIR_OK);
    assert_string_equal(at(&a, "10.0.0.1"), "-");
    assert_string_equal(at(&a, "11.0.0.1"), "z");
    assert_string_equal(warned, "");
}

static void
test_ranges_that_cross_are_refused(void **state)
{
    struct atlas a = { 0 };
    struct span s;

    (void)state;
    assert_true(span_parse_range(WEIR_STR("10.0.0.0-10.0.0.9"), &s));
    atlas_add(&a, pool, &s, WEIR_STR("first"), WEIR_STR("a"));
    assert_true(span_parse_range(WEIR_STR("10.0.0.9-10.0.0.10"), &s));
    atlas_add(&a, pool, &s, WEIR_STR("second"), WEIR_STR("b"));
    assert_int_equal(atlas_settle(NULL, &a, WEIR_STR("-")), WEIR_ERROR);
    assert_string_equal(warned, "range \"second\" overlaps \"first\"");
}

/* Networks around 10.0.0.0/24, so that they are inside each other often. */
static void
test_every_address_has_what_a_slow_search_finds(void **state)
{
    struct {
        uint32_t from, until;
        char value[8];
        unsigned bits;
    } known[64];
    uint32_t seed = 7;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct atlas a = { 0 };
        unsigned n = 1 + round % 64;
        for (unsigned i = 0; i < n; i++) {
            char text[32];
            seed = seed * 1103515245 + 12345;
            unsigned bits = 24 + (seed >> 16) % 9;
            uint32_t mask = bits == 32 ? UINT32_MAX : ~(UINT32_MAX >> bits);
            known[i].bits = bits;
            known[i].from = (0x0a000000 | (seed >> 20 & 0xff)) & mask;
            known[i].until = known[i].from | ~mask;
            snprintf(known[i].value, sizeof(known[i].value), "v%u", i);
            snprintf(text, sizeof(text), "10.0.0.%u/%u", known[i].from & 0xff, bits);
            put_network(&a, weir_dup(pool, weir_str_c(text)).data, known[i].value);
        }
        assert_int_equal(atlas_settle(NULL, &a, WEIR_STR("-")), WEIR_OK);
        for (uint32_t x = 0x09ffffff; x <= 0x0a000100; x++) {
            const char *value = "-";
            unsigned best = 0;
            for (unsigned i = 0; i < n; i++) {
                if (known[i].from <= x && x <= known[i].until && known[i].bits >= best) {
                    best = known[i].bits;
                    value = known[i].value;
                }
            }
            struct address address = { .lo = x };
            weir_str found = atlas_find(&a, &address);
            assert_true(weir_str_eq(found, weir_str_c(value)));
        }
    }
}

static void
test_what_is_no_address_is_refused(void **state)
{
    static const char *const texts[] = { "",           "1.2.3",       "1.2.3.4.5", "1.2.3.256",
                                         "1.2.3.4/32", "hello",       "unix:",     "1.2.3.4:",
                                         "[::1",       "1.2.3.4:99x", "[::1]x" };
    struct address a;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(address_parse(weir_str_c(texts[i]), &a));
        assert_false(address_parse_port(weir_str_c(texts[i]), &a));
    }
    assert_true(address_parse_port(WEIR_STR("1.2.3.4:80"), &a));
    assert_int_equal(a.lo, 0x01020304);
    assert_true(address_parse_port(WEIR_STR("[::1]:80"), &a));
    assert_true(a.v6);
    assert_int_equal(a.lo, 1);
}

static void
test_what_is_no_range_is_refused(void **state)
{
    static const char *const texts[] = { "10.0.0.9-10.0.0.1", "10.0.0.1-",  "-10.0.0.1",
                                         "10.0.0.1-::1",      "10.0.0.0/8", "a-b" };
    struct span s;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(span_parse_range(weir_str_c(texts[i]), &s));
    }
    assert_true(span_parse_range(WEIR_STR("::1-::ff"), &s));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_smallest_network_decides),
        TEST(test_nothing_known_is_the_default),
        TEST(test_what_is_deleted_is_gone_until_it_comes_again),
        TEST(test_ranges_that_cross_are_refused),
        TEST(test_every_address_has_what_a_slow_search_finds),
        TEST(test_what_is_no_address_is_refused),
        TEST(test_what_is_no_range_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
