/* cache/control.c, list.c: Cache-Control and targeted fields as RFC 9111 5.2 and RFC 9213 have
 * them. */
#include "unit/modules/double.h"

#include "../modules/cache/list.c"
#include "../modules/cache/control.c"

static weir_header
line(const char *value)
{
    return (weir_header){ .name = WEIR_STR("Cache-Control"),
                          .value = weir_str_c(value),
                          .id = WEIR_H_CACHE_CONTROL };
}

static struct control
read(const char *value)
{
    weir_header h = line(value);
    struct control c;

    control_read(&c, &h);
    return c;
}

static void
test_each_directive_is_known(void **state)
{
    static const struct {
        const char *text;
        uint32_t flag;
    } claims[] = { { "no-store", CC_NO_STORE },
                   { "no-cache", CC_NO_CACHE },
                   { "no-cache=\"a\"", CC_NO_CACHE_FIELDS },
                   { "private", CC_PRIVATE },
                   { "private=\"a\"", CC_PRIVATE_FIELDS },
                   { "public", CC_PUBLIC },
                   { "must-revalidate", CC_MUST_REVALIDATE },
                   { "proxy-revalidate", CC_PROXY_REVALIDATE },
                   { "must-understand", CC_MUST_UNDERSTAND },
                   { "immutable", CC_IMMUTABLE },
                   { "max-age=1", CC_MAX_AGE },
                   { "s-maxage=1", CC_S_MAXAGE },
                   { "stale-while-revalidate=1", CC_STALE_REVALIDATE },
                   { "stale-if-error=1", CC_STALE_ERROR },
                   { "max-stale", CC_MAX_STALE },
                   { "min-fresh=1", CC_MIN_FRESH },
                   { "only-if-cached", CC_ONLY_IF_CACHED },
                   { "something-else=1", 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        assert_int_equal(read(claims[i].text).flags, claims[i].flag | CC_ANY);
    }
}

static void
test_an_empty_list_of_fields_says_nothing_less(void **state)
{
    (void)state;
    assert_int_equal(read("no-cache=\"\"").flags, CC_NO_CACHE | CC_ANY);
    assert_int_equal(read("private=").flags, CC_PRIVATE | CC_ANY);
}

static void
test_numbers(void **state)
{
    static const struct {
        const char *text;
        uint32_t seconds;
    } claims[] = { { "max-age=0", 0 },
                   { "max-age=60", 60 },
                   { "max-age=\"60\"", 60 },
                   { "max-age=0060", 60 },
                   { "max-age=2147483647", SECONDS_MAX },
                   { "max-age=2147483648", SECONDS_MAX },
                   { "max-age=999999999999999999999999999999", SECONDS_MAX },
                   { "max-age=-1", 0 },
                   { "max-age=+1", 0 },
                   { "max-age=1.5", 0 },
                   { "max-age=1a", 0 },
                   { "max-age='60'", 0 },
                   { "max-age", 0 },
                   { "max-age=", 0 },
                   { "max-age=60, max-age=60", 60 },
                   { "max-age=60, max-age=61", 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        struct control c = read(claims[i].text);
        assert_true(c.flags & CC_MAX_AGE);
        assert_int_equal(c.max_age, claims[i].seconds);
    }
}

static void
test_max_stale_without_a_number_is_any(void **state)
{
    (void)state;
    assert_int_equal(read("max-stale").max_stale, SECONDS_MAX);
    assert_int_equal(read("max-stale=5").max_stale, 5);
}

static void
test_lines_are_one_list(void **state)
{
    weir_header b = line("no-store"), a = line("max-age=5");
    struct control c;

    (void)state;
    a.same = &b;
    control_read(&c, &a);
    assert_int_equal(c.flags, CC_MAX_AGE | CC_NO_STORE | CC_ANY);
}

static void
test_what_a_string_holds_is_no_directive(void **state)
{
    (void)state;
    assert_int_equal(read("a=\"x, no-store, max-age=1\"").flags, CC_ANY);
    assert_int_equal(read("a=\"x\\\", no-store\"").flags, CC_ANY);
}

static void
test_fields_are_listed_without_regard_to_case(void **state)
{
    weir_header h = line("max-age=1, no-cache=\"X-A, Set-Cookie\", private=\"x-b\"");

    (void)state;
    assert_true(control_lists(&h, WEIR_STR("set-cookie")));
    assert_true(control_lists(&h, WEIR_STR("X-B")));
    assert_false(control_lists(&h, WEIR_STR("X-C")));
}

static void
test_what_may_list_fields_is_told_at_a_glance(void **state)
{
    static const char *const may[] = { "private=x", "max-age=1, PRIVATE =\"x\"", "No-Cache=\"x\"" };
    static const char *const not[] = { "", "private", "no-cache, private", "max-age=1, stale-if-error=5" };
    weir_header second, first = line("max-age=1");

    (void)state;
    for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++) {
        second = line(may[i]);
        assert_true(control_may_list(&second));
        first.same = &second;
        assert_true(control_may_list(&first));
    }
    for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++) {
        second = line(not[i]);
        assert_false(control_may_list(&second));
    }
    assert_false(control_may_list(NULL));
}

/* ---- Targeted fields. ---- */

static const weir_str names[] = { { "CDN-Cache-Control", 17 }, { "Other-Cache-Control", 19 } };
static const weir_strs both = { names, 2 };

static bool
target(const char *value, struct control *c)
{
    weir_header h = { .name = WEIR_STR("cdn-cache-control"), .value = weir_str_c(value) };

    return control_read_targeted(c, &h, &both, (weir_str){ NULL, 0 });
}

static void
test_a_target_is_a_dictionary(void **state)
{
    struct control c;

    (void)state;
    assert_true(
        target("max-age=60;x=\"y\", private;a, foo=(1 \"b\");c=?1 , must-revalidate=?1", &c));
    assert_int_equal(c.flags, CC_MAX_AGE | CC_PRIVATE | CC_MUST_REVALIDATE | CC_ANY);
    assert_int_equal(c.max_age, 60);
}

static void
test_the_last_member_of_a_key_counts(void **state)
{
    struct control c;

    (void)state;
    assert_true(target("max-age=60, max-age=70", &c));
    assert_int_equal(c.max_age, 70);
    assert_true(target("private, private=?0", &c));
    assert_int_equal(c.flags, CC_ANY);
}

static void
test_values_of_the_wrong_type_say_nothing(void **state)
{
    static const char *const texts[] = { "max-age=\"60\"", "max-age=6.5", "max-age=-1",
                                         "max-age",        "max-age=a",   "no-store=1" };
    struct control c;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_true(target(texts[i], &c));
        assert_int_equal(c.flags, CC_ANY);
    }
}

static void
test_what_is_no_dictionary_counts_for_nothing(void **state)
{
    static const char *const texts[] = { "",           "max-age=60,", "max-age=60 no-store",
                                         "Max-Age=60", "max-age=",    "&",
                                         "a=\"b",      "a=?2",        "a=(1 2",
                                         "a=:b",       "max-age=60;", "a=\"\x01\"",
                                         "max-age=1." };
    struct control c;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(target(texts[i], &c));
    }
}

static void
test_the_first_target_that_can_be_read_counts(void **state)
{
    weir_header b = { .name = WEIR_STR("Other-Cache-Control"), .value = WEIR_STR("max-age=7") };
    weir_header a = { .name = WEIR_STR("CDN-Cache-Control"), .value = WEIR_STR("&"), .next = &b };
    struct control c;

    (void)state;
    assert_true(control_read_targeted(&c, &a, &both, (weir_str){ NULL, 0 }));
    assert_int_equal(c.max_age, 7);
}

/* [Edge Architecture Specification 2.3] */
static bool
surrogate(const char *value, const char *self, struct control *c)
{
    static const weir_str name = { "Surrogate-Control", 17 };
    static const weir_strs one = { &name, 1 };
    weir_header h = { .name = name, .value = weir_str_c(value) };

    return control_read_targeted(c, &h, &one,
                                 self != NULL ? weir_str_c(self) : (weir_str){ NULL, 0 });
}

static void
test_a_surrogate_obeys_what_it_is_told_by_name(void **state)
{
    struct control c;

    (void)state;
    assert_true(surrogate("max-age=60;edge", "edge", &c));
    assert_int_equal(c.max_age, 60);
    assert_true(surrogate("max-age=60 ; edge , max-age=5", "edge", &c));
    assert_int_equal(c.max_age, 60); /* in any order */
    assert_true(surrogate("max-age=5, max-age=60;edge", "edge", &c));
    assert_int_equal(c.max_age, 60);
    assert_true(surrogate("no-store;edge, max-age=5", "edge", &c));
    assert_true((c.flags & CC_NO_STORE) != 0);
    assert_true(surrogate("no-store, max-age=5;edge", "edge", &c));
    assert_true((c.flags & CC_NO_STORE) != 0); /* what is forbidden to all stays so */
    assert_true(surrogate("max-age=5;edge, max-age=6;edge", "edge", &c));
    assert_int_equal(c.max_age, 0); /* two that differ */
}

static void
test_what_is_for_another_surrogate_says_nothing(void **state)
{
    struct control c;

    (void)state;
    assert_false(surrogate("max-age=60;other", "edge", &c));
    assert_false(surrogate("max-age=60;edge", NULL, &c));
    assert_false(surrogate("max-age=60;", "edge", &c));
    assert_false(surrogate("max-age=60;", NULL, &c));
    assert_false(surrogate("max-age=60;edge2", "edge", &c));
    assert_false(surrogate("max-age=60;Edge", "edge", &c));
    assert_true(surrogate("no-store;other, max-age=5", "edge", &c));
    assert_int_equal(c.flags & (CC_NO_STORE | CC_MAX_AGE), CC_MAX_AGE);
}

static void
test_a_string_that_does_not_end_hides_nothing_that_forbids(void **state)
{
    (void)state;
    assert_true(read("max-age=60, a=\"b, no-store").flags & CC_NO_STORE);
    assert_true(read("max-age=60, a=\"b\\\", c=\"d, private").flags & CC_PRIVATE);
    assert_true(read("public, private=\"Set-Cookie").flags & CC_PRIVATE);
    assert_true(read("public, no-cache=\"Set-Cookie, X-A").flags & CC_NO_CACHE);
    assert_true(read("a=\", must-revalidate").flags & CC_MUST_REVALIDATE);
    assert_int_equal(read("a=\"b, max-age=60, public").flags & (CC_MAX_AGE | CC_PUBLIC), 0);
    assert_int_equal(read("max-age=60, a=\"b, no-store\"").flags & CC_NO_STORE, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_directive_is_known),
        cmocka_unit_test(test_an_empty_list_of_fields_says_nothing_less),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_max_stale_without_a_number_is_any),
        cmocka_unit_test(test_lines_are_one_list),
        cmocka_unit_test(test_what_a_string_holds_is_no_directive),
        cmocka_unit_test(test_fields_are_listed_without_regard_to_case),
        cmocka_unit_test(test_what_may_list_fields_is_told_at_a_glance),
        cmocka_unit_test(test_a_target_is_a_dictionary),
        cmocka_unit_test(test_the_last_member_of_a_key_counts),
        cmocka_unit_test(test_values_of_the_wrong_type_say_nothing),
        cmocka_unit_test(test_what_is_no_dictionary_counts_for_nothing),
        cmocka_unit_test(test_the_first_target_that_can_be_read_counts),
        cmocka_unit_test(test_a_surrogate_obeys_what_it_is_told_by_name),
        cmocka_unit_test(test_what_is_for_another_surrogate_says_nothing),
        cmocka_unit_test(test_a_string_that_does_not_end_hides_nothing_that_forbids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
