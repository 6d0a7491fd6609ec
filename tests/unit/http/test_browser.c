/* Browsers by their User-Agent: the words are those the browsers are documented to send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/browser.h"

#define OF(text) wr_browser_of(WEIR_STR(text))

static void
test_old_internet_explorers_are_known(void **state)
{
    (void)state;
    assert_int_equal(OF("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)"), WR_BROWSER_MSIE6);
    assert_int_equal(OF("Mozilla/4.0 (compatible; MSIE 5.5; Windows 98)"), WR_BROWSER_MSIE6);
    assert_int_equal(OF("Mozilla/4.0 (compatible; MSIE 4.01; Windows 95)"), WR_BROWSER_MSIE6);
}

static void
test_repaired_and_later_ones_are_not(void **state)
{
    (void)state;
    assert_int_equal(OF("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)"), 0);
    assert_int_equal(OF("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.0)"), 0);
    assert_int_equal(OF("Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2)"), 0);
}

static void
test_opera_is_itself(void **state)
{
    (void)state;
    assert_int_equal(OF("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; en) Opera 8.50"), 0);
}

static void
test_safari_on_a_mac_is_known(void **state)
{
    (void)state;
    assert_int_equal(OF("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
                        "(KHTML, like Gecko) Version/16.1 Safari/605.1.15"),
                     WR_BROWSER_SAFARI);
}

static void
test_who_only_claims_safari_is_not(void **state)
{
    (void)state;
    assert_int_equal(OF("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 "
                        "(KHTML, like Gecko) Chrome/108.0.0.0 Safari/537.36"),
                     0);
    assert_int_equal(OF("Mozilla/5.0 (Windows; U; Windows NT 6.1) AppleWebKit/533 Safari/533"), 0);
}

static void
test_what_is_short_is_nobody(void **state)
{
    (void)state;
    assert_int_equal(OF(""), 0);
    assert_int_equal(OF("MSIE "), 0);
    assert_int_equal(OF("MSIE 6"), 0);
    assert_int_equal(wr_browser_of((weir_str){ NULL, 0 }), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_internet_explorers_are_known),
        cmocka_unit_test(test_repaired_and_later_ones_are_not),
        cmocka_unit_test(test_opera_is_itself),
        cmocka_unit_test(test_safari_on_a_mac_is_known),
        cmocka_unit_test(test_who_only_claims_safari_is_not),
        cmocka_unit_test(test_what_is_short_is_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
