/* auth_basic/memory.c: what was right is remembered for its time, and nothing else is. */
#include "unit/modules/double.h"

#include "../modules/auth_basic/memory.c"

static struct memory *m;

static void
mark_of(const char *hash, const char *user, const char *password, uint8_t mark[MARK_SIZE])
{
    assert_true(memory_mark(m, weir_str_c(hash), weir_str_c(user), weir_str_c(password), mark));
}

static void
test_it_is_known_until_its_time_is_over(void **state)
{
    uint8_t mark[MARK_SIZE];

    (void)state;
    mark_of("hash", "user", "password", mark);
    assert_false(memory_has(m, mark, 0));
    memory_add(m, mark, 1000);
    assert_true(memory_has(m, mark, 999));
    assert_false(memory_has(m, mark, 1000));
}

static void
test_another_part_is_another_mark(void **state)
{
    static const char *const others[][3] = { { "hasi", "user", "password" },
                                             { "hash", "usel", "password" },
                                             { "hash", "user", "passwort" },
                                             { "hashu", "ser", "password" },
                                             { "hash", "userp", "assword" } };
    uint8_t mark[MARK_SIZE], other[MARK_SIZE];

    (void)state;
    mark_of("hash", "user", "password", mark);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        mark_of(others[i][0], others[i][1], others[i][2], other);
        assert_memory_not_equal(mark, other, MARK_SIZE);
    }
}

static void
test_two_workers_have_two_keys(void **state)
{
    uint8_t mark[MARK_SIZE], other[MARK_SIZE];

    (void)state;
    mark_of("hash", "user", "password", mark);
    m = memory_create(weir_worker_pool());
    mark_of("hash", "user", "password", other);
    assert_memory_not_equal(mark, other, MARK_SIZE);
}

static void
test_the_one_to_be_forgotten_first_makes_room(void **state)
{
    uint8_t mark[WAYS + 1][MARK_SIZE] = { { 0 } };

    (void)state;
    m = memory_create(weir_worker_pool());
    for (uint8_t i = 0; i <= WAYS; i++) { /* all in one set */
        mark[i][MARK_SIZE - 1] = i;
        memory_add(m, mark[i], i == 2 ? 50 : 100 + i);
    }
    for (uint8_t i = 0; i <= WAYS; i++) {
        assert_int_equal(memory_has(m, mark[i], 10), i != 2);
    }
}

static void
test_the_same_again_takes_no_place_of_another(void **state)
{
    uint8_t mark[WAYS][MARK_SIZE] = { { 0 } };

    (void)state;
    m = memory_create(weir_worker_pool());
    for (uint8_t i = 0; i < WAYS; i++) { /* all in one set */
        mark[i][MARK_SIZE - 1] = i;
        memory_add(m, mark[i], 100);
    }
    for (uint8_t i = 0; i < 2 * WAYS; i++) {
        memory_add(m, mark[1], 200 + i);
    }
    for (uint8_t i = 0; i < WAYS; i++) {
        assert_true(memory_has(m, mark[i], 10));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_known_until_its_time_is_over),
        cmocka_unit_test(test_another_part_is_another_mark),
        cmocka_unit_test(test_two_workers_have_two_keys),
        cmocka_unit_test(test_the_one_to_be_forgotten_first_makes_room),
        cmocka_unit_test(test_the_same_again_takes_no_place_of_another),
    };

    m = memory_create(weir_worker_pool());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
