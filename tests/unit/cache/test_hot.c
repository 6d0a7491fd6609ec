/* A key's place among what is hot: read from the key's own bytes, whatever its length. */
#include "unit/cache/disk.h"

#include "../modules/cache/hot.h"

enum { OFTEN = 8 }; /* finds of one response, well past what makes it hot */

static bool
is_hot(const struct worker *w, const char *key)
{
    return hot_at(w->store, hot_place(weir_str_c(key)), weir_str_c(key)) != NULL;
}

static void
tick(struct worker *w)
{
    assert_true(shared_lock(w->store));
    hot_tick(w->store);
    shared_unlock(w->store);
}

static void
test_a_key_of_any_length_has_a_place_of_its_own_bytes(void **state)
{
    enum { LONGEST = 40 };

    (void)state;
    for (size_t len = 0; len <= LONGEST; len++) {
        char around[8 + LONGEST + 8];
        weir_str key = { around + 8, len };
        uint32_t place;

        memset(around, 'x', sizeof(around));
        place = hot_place(key);
        assert_in_range(place, 0, HOT_PLACES - 1);
        memset(around, 'y', 8); /* what stands around it does not count */
        memset(around + 8 + len, 'z', sizeof(around) - 8 - len);
        assert_int_equal(hot_place(key), place);
    }
}

static void
test_every_byte_of_a_key_counts(void **state)
{
    enum { LONGEST = 40 };

    (void)state;
    for (size_t len = 1; len <= LONGEST; len++) {
        for (size_t i = 0; i < len; i++) {
            char text[LONGEST];
            size_t same = 0;

            memset(text, 'x', sizeof(text));
            for (int c = 'a'; c < 'a' + 16; c++) {
                text[i] = 'x';
                uint32_t place = hot_place((weir_str){ text, len });
                text[i] = (char)c;
                same += hot_place((weir_str){ text, len }) == place;
            }
            assert_in_range(same, 0, 3); /* of 16 others; by chance one in 256 */
        }
    }
}

static void
test_what_is_not_used_for_a_second_is_let_go(void **state)
{
    struct worker w;

    (void)state;
    worker_begin(&w);
    put(&w, "/a", "body");
    for (int i = 0; i < OFTEN; i++) {
        assert_int_equal(look_up(&w, "/a", "body"), STORE_HELD);
    }
    assert_true(is_hot(&w, "/a"));
    tick(&w);
    assert_true(is_hot(&w, "/a")); /* it was used in this one */
    tick(&w);
    assert_false(is_hot(&w, "/a"));
    assert_int_equal(look_up(&w, "/a", "body"), STORE_HELD);
    worker_end(&w);
}

static void
test_what_is_gone_from_the_store_is_not_found_nor_held_on_to(void **state)
{
    struct worker w;
    struct store_key key;

    (void)state;
    worker_begin(&w);
    put(&w, "/a", "body");
    for (int i = 0; i < OFTEN; i++) {
        (void)look_up(&w, "/a", "body");
    }
    assert_true(is_hot(&w, "/a"));
    key = key_of(&w, "/a");
    assert_true(store_remove(w.store, &key));
    assert_int_equal(look_up(&w, "/a", NULL), STORE_ABSENT);
    tick(&w);
    assert_false(is_hot(&w, "/a"));
    worker_end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_not_used_for_a_second_is_let_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_gone_from_the_store_is_not_found_nor_held_on_to, setup,
                                        teardown),
        cmocka_unit_test(test_a_key_of_any_length_has_a_place_of_its_own_bytes),
        cmocka_unit_test(test_every_byte_of_a_key_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
