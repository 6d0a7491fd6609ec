/* Which keys nobody waits for: those that were noted, for their time. */
#include "unit/cache/worker.h"

#include "../modules/cache/pass.h"

static struct store_key
hashed(uint64_t first, uint64_t second)
{
    return (struct store_key){ .hash = { first, second } };
}

static void
test_a_key_is_noted_until_its_time_is_over(void **state)
{
    struct store_key key = hashed(1, 2);

    (void)state;
    assert_false(pass_is_noted(&key));
    wr_clock.now_ms = 1000;
    pass_note(&key);
    wr_clock.now_ms = 1000 + PASS_MS - 1;
    assert_true(pass_is_noted(&key));
    wr_clock.now_ms = 1000 + PASS_MS;
    assert_false(pass_is_noted(&key));
}

static void
test_a_key_that_is_forgotten_is_waited_for_again(void **state)
{
    struct store_key key = hashed(3, 4);

    (void)state;
    pass_note(&key);
    pass_forget(&key);
    assert_false(pass_is_noted(&key));
}

static void
test_another_key_in_the_same_place_is_another(void **state)
{
    struct store_key key = hashed(5, 6), other = hashed(5, 7);

    (void)state;
    pass_note(&key);
    assert_false(pass_is_noted(&other));
    pass_forget(&other);
    assert_true(pass_is_noted(&key));
    pass_note(&other);
    assert_true(pass_is_noted(&other));
    assert_false(pass_is_noted(&key)); /* what is forgotten costs a wait */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_is_noted_until_its_time_is_over),
        cmocka_unit_test(test_a_key_that_is_forgotten_is_waited_for_again),
        cmocka_unit_test(test_another_key_in_the_same_place_is_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
