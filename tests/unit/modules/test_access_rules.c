/* access/rules.c: which of several rules decides. */
#include "unit/modules/double.h"

#include <arpa/inet.h>

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
    return (weir_str){ (const char *)room, (size_t)(family == AF_INET ? 4 : 16) };
}

static void
add(struct rules *rules, struct rule *rule, const char *text, bool denies)
{
    *rule = (struct rule){ .denies = denies, .all = strcmp(text, "all") == 0 };
    if (!rule->all) {
        assert_int_equal(weir_net_parse(weir_str_c(text), &rule->net, NULL), WEIR_OK);
    }
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
        cmocka_unit_test(test_the_first_rule_decides),
        cmocka_unit_test(test_no_rule_for_an_address_is_none),
        cmocka_unit_test(test_a_mapped_address_is_ipv4_when_a_rule_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
