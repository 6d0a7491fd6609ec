/* Slices are the same in either case of ASCII letters, and of nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Every pair of bytes at every place of every length up to 20, on blocks of exactly that length. */
static void
test_only_the_case_of_letters_does_not_count(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 20; len++) {
        char *a = malloc(len), *b = malloc(len);
        assert_non_null(a);
        assert_non_null(b);
        memset(a, 'q', len);
        memset(b, 'Q', len);
        for (size_t at = 0; at < len; at++) {
            for (unsigned pair = 0; pair < 65536; pair++) {
                a[at] = (char)(pair & 0xff);
                b[at] = (char)(pair >> 8);
                bool same = weir_lower((uint8_t)a[at]) == weir_lower((uint8_t)b[at]);
                if (weir_str_ieq((weir_str){ a, len }, (weir_str){ b, len }) != same) {
                    fail_msg("%02x %02x at %zu of %zu", pair & 0xff, pair >> 8, at, len);
                }
            }
            a[at] = 'q';
            b[at] = 'Q';
        }
        free(a);
        free(b);
    }
}

static void
test_slices_of_other_lengths_differ(void **state)
{
    (void)state;
    assert_true(weir_str_ieq(WEIR_STR(""), (weir_str){ NULL, 0 }));
    assert_false(weir_str_ieq(WEIR_STR("a"), WEIR_STR("")));
    assert_false(weir_str_ieq(WEIR_STR("keep-alive"), WEIR_STR("keep-alives")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_case_of_letters_does_not_count),
        cmocka_unit_test(test_slices_of_other_lengths_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
