/* Lists and gzip_proxied are read as documented. */
#include "unit/modules/double.h"

#include "http/encode_rules.h"

static const int64_t now = 1700000000; /* Tue, 14 Nov 2023 22:13:20 GMT */

static void
test_a_list_is_searched_by_member_over_all_its_lines(void **state)
{
    weir_header second = { .value = WEIR_STR("gzip ; q=0.5") };
    weir_header first = { .value = WEIR_STR("\"a, no-cache\", Max-Age=3 ,x"), .same = &second };

    (void)state;
    assert_true(wr_encode_list_has(&first, WEIR_STR("max-age")));
    assert_true(wr_encode_list_has(&first, WEIR_STR("x")));
    assert_true(wr_encode_list_has(&first, WEIR_STR("gzip")));
    assert_false(wr_encode_list_has(&first, WEIR_STR("no-cache")));
    assert_false(wr_encode_list_has(&first, WEIR_STR("max")));
    assert_false(wr_encode_list_has(NULL, WEIR_STR("x")));
}

static void
test_only_the_weak_form_of_a_tag_counts(void **state)
{
    weir_header h = { .value = WEIR_STR("\"x\", W/\"a,b\",w/\"c\"") };

    (void)state;
    assert_true(wr_encode_lists_weak(&h, WEIR_STR("\"a,b\"")));
    assert_false(wr_encode_lists_weak(&h, WEIR_STR("\"x\"")));
    assert_false(wr_encode_lists_weak(&h, WEIR_STR("\"c\"")));
}

/* The answer for a request through a proxy, with one response header. */
static bool
allowed(uint32_t proxied, const char *name, const char *value)
{
    struct double_request d;
    bool ok;

    double_begin(&d);
    double_asks(&d, "Via", "1.1 p");
    if (name != NULL) {
        double_answers(&d, name, value);
    }
    ok = wr_encode_proxied_allows(&d.r, proxied, now);
    double_end(&d);
    return ok;
}

static void
test_proxied_decides_only_for_requests_with_via(void **state)
{
    struct double_request d;

    (void)state;
    double_begin(&d);
    assert_true(wr_encode_proxied_allows(&d.r, WEIR_CODING_PROXIED_OFF, now));
    double_end(&d);
    assert_false(allowed(WEIR_CODING_PROXIED_OFF, NULL, NULL));
    assert_true(allowed(WEIR_CODING_PROXIED_ANY, "Cache-Control", "public"));
}

static void
test_auth_allows_requests_with_authorization(void **state)
{
    struct double_request d;

    (void)state;
    double_begin(&d);
    double_asks(&d, "Via", "1.1 p");
    double_asks(&d, "Authorization", "Basic eA==");
    double_answers(&d, "Cache-Control", "public");
    assert_true(wr_encode_proxied_allows(&d.r, WEIR_CODING_PROXIED_AUTH, now));
    assert_false(wr_encode_proxied_allows(&d.r, WEIR_CODING_PROXIED_NO_CACHE, now));
    double_end(&d);
}

static void
test_expired_reads_all_three_date_forms(void **state) /* [RFC 9110 5.6.7] */
{
    static const char *const past[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994", "0" };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(allowed(WEIR_CODING_PROXIED_EXPIRED, "Expires", past[i]));
        assert_false(allowed(WEIR_CODING_PROXIED_NO_CACHE, "Expires", past[i]));
    }
    assert_false(allowed(WEIR_CODING_PROXIED_EXPIRED, "Expires", "Tue, 14 Nov 2023 22:13:21 GMT"));
    assert_true(allowed(WEIR_CODING_PROXIED_EXPIRED, "Expires", "Tue, 14 Nov 2023 22:13:19 GMT"));
}

static void
test_cache_control_words_allow_each_their_own(void **state)
{
    (void)state;
    assert_true(allowed(WEIR_CODING_PROXIED_NO_CACHE, "Cache-Control", "no-cache"));
    assert_true(allowed(WEIR_CODING_PROXIED_NO_STORE, "Cache-Control", "private, no-store"));
    assert_true(allowed(WEIR_CODING_PROXIED_PRIVATE, "Cache-Control", "private=\"x\""));
    assert_false(allowed(WEIR_CODING_PROXIED_PRIVATE, "Cache-Control", "no-store"));
}

static void
test_validators_forbid_where_their_absence_was_asked(void **state)
{
    (void)state;
    assert_true(allowed(WEIR_CODING_PROXIED_NO_ETAG, NULL, NULL));
    assert_false(allowed(WEIR_CODING_PROXIED_NO_ETAG, "ETag", "\"x\""));
    assert_true(allowed(WEIR_CODING_PROXIED_NO_LAST_MODIFIED, "ETag", "\"x\""));
    assert_false(
        allowed(WEIR_CODING_PROXIED_NO_LAST_MODIFIED, "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_is_searched_by_member_over_all_its_lines),
        cmocka_unit_test(test_only_the_weak_form_of_a_tag_counts),
        cmocka_unit_test(test_proxied_decides_only_for_requests_with_via),
        cmocka_unit_test(test_auth_allows_requests_with_authorization),
        cmocka_unit_test(test_expired_reads_all_three_date_forms),
        cmocka_unit_test(test_cache_control_words_allow_each_their_own),
        cmocka_unit_test(test_validators_forbid_where_their_absence_was_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
