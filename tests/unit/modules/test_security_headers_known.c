/* security_headers/known.c: values that browsers would take, by the text that defines each field.
 */
#include "unit/modules/double.h"

#include "../modules/security_headers/known.c"

static void
expect(uint32_t field, const char *const *values, bool good)
{
    for (; *values != NULL; values++) {
        if ((known_fault(field, weir_str_c(*values)) == NULL) != good) {
            fail_msg("%s: %s", known_name(field).data, *values);
        }
    }
}

#define GOOD(field, ...) expect(field, (const char *const[]){ __VA_ARGS__, NULL }, true)
#define BAD(field, ...)  expect(field, (const char *const[]){ __VA_ARGS__, NULL }, false)

/* [RFC 6797 6.1] */
static void
test_a_promise_of_tls_has_an_age_and_each_word_once(void **state)
{
    (void)state;
    GOOD(KNOWN_HSTS, "max-age=1", "max-age=0; includeSubDomains",
         "preload;MAX-AGE=1;includesubdomains");
    BAD(KNOWN_HSTS, "", "max-age", "max-age=", "max-age=1y", "includeSubDomains",
        "max-age=1; max-age=2", "max-age=1; x", "max-age=1;", "max-age=99999999999");
}

/* [Referrer Policy 4.1] */
static void
test_referrer_policies_may_be_a_list(void **state)
{
    (void)state;
    GOOD(KNOWN_REFERRER, "no-referrer", "no-referrer, strict-origin-when-cross-origin");
    BAD(KNOWN_REFERRER, "", "none", "no-referrer,", "no-referrer strict-origin");
}

/* [Permissions Policy 5.2] */
static void
test_permissions_are_a_dictionary(void **state)
{
    (void)state;
    GOOD(KNOWN_PERMISSIONS, "camera=()", "camera=*, usb=(self \"https://a.example\")",
         "camera=self");
    BAD(KNOWN_PERMISSIONS, "", "camera", "camera 'none'", "camera=(", "camera=", "Camera=()",
        "camera=none");
}

/* [CSP3 6.4.2] */
static void
test_ancestors_are_sources(void **state)
{
    (void)state;
    GOOD(KNOWN_FRAME_ANCESTORS, "'none'", "'self' https://a.example", " 'self' ");
    BAD(KNOWN_FRAME_ANCESTORS, "", "none", "self", "'none' 'self'", "'unsafe-inline'",
        "a; script-src *", "a, b");
}

static void
test_other_fields_have_a_few_words(void **state)
{
    (void)state;
    GOOD(KNOWN_NOSNIFF, "nosniff");
    BAD(KNOWN_NOSNIFF, "sniff", "nosniff\r\nX: y");
    GOOD(KNOWN_COOP, "same-origin", "noopener-allow-popups");
    BAD(KNOWN_COOP, "same-site");
    GOOD(KNOWN_COEP, "require-corp", "credentialless");
    BAD(KNOWN_COEP, "same-origin");
    GOOD(KNOWN_CORP, "cross-origin");
    BAD(KNOWN_CORP, "none");
    GOOD(KNOWN_FRAME_OPTIONS, "DENY", "sameorigin");
    BAD(KNOWN_FRAME_OPTIONS, "ALLOW-FROM https://a.example");
}

static void
test_presets_are_good_values_and_off_is_none(void **state)
{
    (void)state;
    for (uint32_t field = 0; field < KNOWN_COUNT; field++) {
        assert_null(known_preset(PRESET_OFF, field).data);
        for (uint32_t preset = PRESET_BALANCED; preset < PRESETS; preset++) {
            weir_str value = known_preset(preset, field);
            assert_true(value.data == NULL || known_fault(field, value) == NULL);
        }
        assert_int_equal(known_find(known_name(field)), field);
    }
    assert_int_equal(known_find(WEIR_STR("X-Other")), KNOWN_COUNT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_promise_of_tls_has_an_age_and_each_word_once),
        cmocka_unit_test(test_referrer_policies_may_be_a_list),
        cmocka_unit_test(test_permissions_are_a_dictionary),
        cmocka_unit_test(test_ancestors_are_sources),
        cmocka_unit_test(test_other_fields_have_a_few_words),
        cmocka_unit_test(test_presets_are_good_values_and_off_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
