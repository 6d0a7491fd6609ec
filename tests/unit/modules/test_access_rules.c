/* access/rules.c: which addresses a rule is about. Expected bytes are those of the notation. [RFC
 * 4632 3.1] [RFC 4291 2.2] */
#include "unit/modules/double.h"

#include "../modules/access/rules.c"

static weir_str
bytes_of(const char *text)
{
    static unsigned char room[16];
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

    if (*text == '\0') {
        return WEIR_STR("");
    }
    assert_int_equal(inet_pton(family, text, room), 1);
    return (weir_str){ (const char *)room, family == AF_INET ? 4 : 16 };
}

static bool
rule_fits(const char *text, const char *address)
{
    struct rule rule = { .next = NULL };
    bool loose;

    assert_true(rule_parse(weir_str_c(text), &rule, &loose));
    return fits(&rule, bytes_of(address));
}

static void
test_an_address_fits_itself_alone(void **state)
{
    (void)state;
    assert_true(rule_fits("192.0.2.7", "192.0.2.7"));
    assert_false(rule_fits("192.0.2.7", "192.0.2.6"));
    assert_true(rule_fits("2001:db8::7", "2001:db8::7"));
    assert_false(rule_fits("2001:db8::7", "2001:db8::6"));
}

static void
test_a_network_fits_from_its_first_to_its_last(void **state)
{
    (void)state;
    assert_true(rule_fits("10.16.0.0/12", "10.16.0.0"));
    assert_true(rule_fits("10.16.0.0/12", "10.31.255.255"));
    assert_false(rule_fits("10.16.0.0/12", "10.15.255.255"));
    assert_false(rule_fits("10.16.0.0/12", "10.32.0.0"));
    assert_true(rule_fits("192.0.2.128/25", "192.0.2.255"));
    assert_false(rule_fits("192.0.2.128/25", "192.0.2.127"));
    assert_true(rule_fits("2001:db8:8000::/33", "2001:db8:ffff::1"));
    assert_false(rule_fits("2001:db8:8000::/33", "2001:db8:7fff::1"));
    assert_true(rule_fits("2001:db8::6/127", "2001:db8::7"));
    assert_false(rule_fits("2001:db8::6/127", "2001:db8::8"));
}

static void
test_no_bits_fit_the_whole_family(void **state)
{
    (void)state;
    assert_true(rule_fits("0.0.0.0/0", "255.255.255.255"));
    assert_false(rule_fits("0.0.0.0/0", "::1"));
    assert_false(rule_fits("0.0.0.0/0", ""));
    assert_true(rule_fits("::/0", "ffff::1"));
    assert_false(rule_fits("::/0", "192.0.2.7"));
}

static void
test_unix_fits_peers_without_address(void **state)
{
    (void)state;
    assert_true(rule_fits("unix:", ""));
    assert_false(rule_fits("unix:", "127.0.0.1"));
    assert_false(rule_fits("unix:", "::1"));
}

static void
test_all_fits_everybody(void **state)
{
    (void)state;
    assert_true(rule_fits("all", ""));
    assert_true(rule_fits("all", "192.0.2.7"));
    assert_true(rule_fits("all", "2001:db8::7"));
}

static void
test_host_bits_are_told_and_do_not_count(void **state)
{
    struct rule rule = { .next = NULL };
    bool loose = false;

    (void)state;
    assert_true(rule_parse(WEIR_STR("192.0.2.7/24"), &rule, &loose));
    assert_true(loose);
    assert_true(fits(&rule, bytes_of("192.0.2.200")));
    assert_true(rule_parse(WEIR_STR("192.0.2.0/24"), &rule, &loose));
    assert_false(loose);
    assert_true(rule_parse(WEIR_STR("192.0.2.7/32"), &rule, &loose));
    assert_false(loose);
}

static void
test_what_is_no_network_is_refused(void **state)
{
    static const char *const bad[] = {
        "",           "/",          "/8",         "a",          "1.2.3",       "1.2.3.4/",
        "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/+8", "1.2.3.4/ 8", "1.2.3.4/8/8", "1.2.3.4/4294967296",
        "::1/129",    "[::1]",      "::1%1",      "unix:/path", "All",         "1.2.3.4:80",
        "256.0.0.1",  "unix"
    };
    bool loose = true;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct rule rule = { .bits = 77 };
        assert_false(rule_parse(weir_str_c(bad[i]), &rule, &loose));
        assert_int_equal(rule.bits, 77);
    }
    assert_false(rule_parse((weir_str){ "::1\0x", 5 }, &(struct rule){ .bits = 0 }, &loose));
}

static void
add(struct rules *rules, struct rule *rule, const char *text, bool denies)
{
    bool loose;

    *rule = (struct rule){ .denies = denies };
    assert_true(rule_parse(weir_str_c(text), rule, &loose));
    rules_add(rules, rule);
}

static void
test_the_first_rule_decides(void **state)
{
    struct rules rules = { .first = NULL };
    struct rule r[3];

    (void)state;
    add(&rules, &r[0], "192.168.1.1", true);
    add(&rules, &r[1], "192.168.1.0/24", false);
    add(&rules, &r[2], "all", true);
    assert_ptr_equal(rules_find(&rules, bytes_of("192.168.1.1")), &r[0]);
    assert_ptr_equal(rules_find(&rules, bytes_of("192.168.1.2")), &r[1]);
    assert_ptr_equal(rules_find(&rules, bytes_of("192.168.2.1")), &r[2]);
    assert_true(rules_find(&rules, bytes_of("::1"))->denies);
}

static void
test_no_rule_for_an_address_is_none(void **state)
{
    struct rules rules = { .first = NULL };
    struct rule r;

    (void)state;
    assert_null(rules_find(&rules, bytes_of("192.0.2.7")));
    add(&rules, &r, "10.0.0.0/8", true);
    assert_null(rules_find(&rules, bytes_of("192.0.2.7")));
    assert_null(rules_find(&rules, bytes_of("::1")));
}

static void
test_a_mapped_address_is_ipv4_when_a_rule_is(void **state)
{
    struct rules rules = { .first = NULL };
    struct rule r[2];

    (void)state;
    add(&rules, &r[0], "::ffff:0:0/96", false);
    assert_ptr_equal(rules_find(&rules, bytes_of("::ffff:192.0.2.7")), &r[0]);
    add(&rules, &r[1], "192.0.2.0/24", true);
    assert_ptr_equal(rules_find(&rules, bytes_of("::ffff:192.0.2.7")), &r[1]);
    assert_null(rules_find(&rules, bytes_of("::ffff:198.51.100.1")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_fits_itself_alone),
        cmocka_unit_test(test_a_network_fits_from_its_first_to_its_last),
        cmocka_unit_test(test_no_bits_fit_the_whole_family),
        cmocka_unit_test(test_unix_fits_peers_without_address),
        cmocka_unit_test(test_all_fits_everybody),
        cmocka_unit_test(test_host_bits_are_told_and_do_not_count),
        cmocka_unit_test(test_what_is_no_network_is_refused),
        cmocka_unit_test(test_the_first_rule_decides),
        cmocka_unit_test(test_no_rule_for_an_address_is_none),
        cmocka_unit_test(test_a_mapped_address_is_ipv4_when_a_rule_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
