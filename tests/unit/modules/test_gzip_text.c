/* Old browsers and the ratio are read as documented. */
#include "unit/modules/double.h"

#include "../../../modules/gzip/text.c"

static void
test_msie6_means_versions_4_to_6_without_sv1(void **state)
{
    (void)state;
    assert_true(gzip_old_msie(WEIR_STR("Mozilla/4.0 (compatible; MSIE 5.5; Windows 98)")));
    assert_true(gzip_old_msie(WEIR_STR("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)")));
    assert_false(
        gzip_old_msie(WEIR_STR("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)")));
    assert_false(gzip_old_msie(WEIR_STR("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.0)")));
    assert_false(gzip_old_msie(WEIR_STR("MSIE 6")));
    assert_false(gzip_old_msie(WEIR_STR("MSIE 60; of the future")));
    assert_false(gzip_old_msie(WEIR_STR("")));
}

static void
test_ratio_is_rounded_to_hundredths(void **state)
{
    char text[24];

    (void)state;
    assert_int_equal(gzip_ratio_text(1000, 300, text, sizeof(text)), 4);
    assert_string_equal(text, "3.33");
    gzip_ratio_text(2996, 300, text, sizeof(text)); /* 9.9866 */
    assert_string_equal(text, "9.99");
    gzip_ratio_text(9999, 1000, text, sizeof(text)); /* 9.999: the carry goes over the point */
    assert_string_equal(text, "10.00");
    gzip_ratio_text(5, 20, text, sizeof(text));
    assert_string_equal(text, "0.25");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_msie6_means_versions_4_to_6_without_sv1),
        cmocka_unit_test(test_ratio_is_rounded_to_hundredths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
