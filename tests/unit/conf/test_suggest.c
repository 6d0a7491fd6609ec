/* The nearest known word is offered, and nothing when none is near. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "conf/suggest.h"

static const char *
nearest(const char *word)
{
    static const char *const names[] = { "listen", "location", "gzip", "gzip_vary", "root", "if" };
    struct wr_suggest s;

    wr_suggest_init(&s, weir_str_c(word));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        wr_suggest_add(&s, names[i]);
    }
    return s.best;
}

static uint32_t
distance(const char *a, const char *b, uint32_t max)
{
    return wr_suggest_distance(weir_str_c(a), weir_str_c(b), max);
}

static void
test_distance_counts_single_edits_and_swaps(void **state)
{
    (void)state;
    assert_int_equal(distance("listen", "listen", 3), 0);
    assert_int_equal(distance("lisen", "listen", 3), 1);
    assert_int_equal(distance("listenn", "listen", 3), 1);
    assert_int_equal(distance("liften", "listen", 3), 1);
    assert_int_equal(distance("lsiten", "listen", 3), 1);
    assert_int_equal(distance("kitten", "sitting", 9), 3);
    assert_int_equal(distance("", "abc", 9), 3);
}

static void
test_distance_is_given_up_past_the_bound(void **state)
{
    (void)state;
    assert_int_equal(distance("kitten", "sitting", 2), 3);
    assert_int_equal(distance("a", "abcdefgh", 2), 3);
    assert_int_equal(distance("abcd", "wxyz", 1), 2);
}

static void
test_a_near_word_is_offered(void **state)
{
    (void)state;
    assert_string_equal(nearest("lisen"), "listen");
    assert_string_equal(nearest("locaton"), "location");
    assert_string_equal(nearest("gizp"), "gzip");
    assert_string_equal(nearest("gzip_vray"), "gzip_vary");
}

static void
test_a_far_or_tiny_or_huge_word_gets_none(void **state)
{
    char huge[200];

    (void)state;
    memset(huge, 'a', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    assert_null(nearest("proxy_pass"));
    assert_null(nearest("i"));
    assert_null(nearest(""));
    assert_null(nearest(huge));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance_counts_single_edits_and_swaps),
        cmocka_unit_test(test_distance_is_given_up_past_the_bound),
        cmocka_unit_test(test_a_near_word_is_offered),
        cmocka_unit_test(test_a_far_or_tiny_or_huge_word_gets_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
