/* What a worker holds ready is what a find under the lock would give: this very key's response, as
 * it is now, or nothing. */
#include "unit/cache/disk.h"

#include "../modules/cache/evict.h"
#include "../modules/cache/hot.h"
#include "../modules/cache/slot.h"

enum { OFTEN = 4 }; /* finds that make a response hot */

static bool
is_hot(struct worker *w, const char *text)
{
    return key_of(w, text).hot != 0;
}

static void
heat_up(struct worker *w, const char *text, const char *body)
{
    for (int i = 0; i < OFTEN; i++) {
        assert_int_equal(look_up(w, text, body), STORE_HELD);
    }
    assert_true(is_hot(w, text));
}

static struct entry *
entry_at(struct worker *w, const char *text)
{
    struct store_key key = key_of(w, text);

    return entry_find_hash(w->store, key.hash);
}

static void
tick(struct worker *w)
{
    assert_true(shared_lock(w->store));
    hot_tick(w->store);
    shared_unlock(w->store);
}

static void
begin(struct worker *w)
{
    worker_begin(w);
    put(w, "/a", "hello");
    heat_up(w, "/a", "hello");
}

/* ---- Places, of a key's own bytes. ---- */

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

/* ---- Identity. ---- */

static void
test_a_hot_find_takes_no_lock_and_gives_the_same(void **state)
{
    struct worker w;
    struct store_object *o;
    struct store_key key;
    weir_pool *pool = wr_pool_create("get", NULL);
    uint64_t locked;

    (void)state;
    begin(&w);
    locked = w.store->root->stats.finds; /* counted under the lock */
    key = key_of(&w, "/a");
    assert_int_equal(store_find(w.store, pool, &key, &o), STORE_HELD);
    assert_int_equal(w.store->root->stats.finds, locked);
    assert_int_equal(store_object_meta(o)->status, 200);
    assert_true(weir_str_eq(store_object_body(o), WEIR_STR("hello")));
    wr_pool_destroy(&pool);
    worker_end(&w);
}

static void
test_a_place_gives_its_own_key_alone(void **state)
{
    struct worker w;
    char text[32];
    uint32_t place = hot_place(WEIR_STR("/a"));

    (void)state;
    begin(&w);
    for (int i = 0; i < 100000; i++) {
        (void)snprintf(text, sizeof(text), "/other/%d", i);
        if (hot_place(weir_str_c(text)) == place) {
            break;
        }
    }
    assert_int_equal(hot_place(weir_str_c(text)), place);
    assert_int_equal(look_up(&w, text, NULL), STORE_ABSENT);
    put(&w, text, "other");
    assert_int_equal(look_up(&w, text, "other"), STORE_HELD);
    assert_int_equal(look_up(&w, "/a", "hello"), STORE_HELD);
    heat_up(&w, text, "other"); /* which takes the place */
    assert_false(is_hot(&w, "/a"));
    assert_int_equal(look_up(&w, "/a", "hello"), STORE_HELD);
    worker_end(&w);
}

static void
test_keys_that_differ_at_any_byte_are_told_apart(void **state)
{
    struct worker w;
    char key[40] = "0123456789abcdefghijklmnopqrstuvwxyz";

    (void)state;
    worker_begin(&w);
    put(&w, key, "whole");
    heat_up(&w, key, "whole");
    for (size_t i = 0; i < strlen(key); i++) {
        char was = key[i];
        key[i] = '#';
        assert_false(is_hot(&w, key));
        assert_int_equal(look_up(&w, key, NULL), STORE_ABSENT);
        key[i] = was;
    }
    key[strlen(key) - 1] = '\0'; /* shorter by one */
    assert_int_equal(look_up(&w, key, NULL), STORE_ABSENT);
    worker_end(&w);
}

/* ---- Bounds. ---- */

static uint32_t
held(const struct worker *w)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < HOT_PLACES; i++) {
        n += w->store->hot[i] != NULL;
    }
    return n;
}

static uint32_t
marks_in_use(const struct worker *w)
{
    uint32_t n = 0;

    for (const struct marks *p = w->store->slot->pages; p != NULL; p = p->next) {
        for (uint32_t i = 0; i < MARKS_A_PAGE; i++) {
            n += p->at[i].kind != MARK_FREE;
        }
    }
    return n;
}

static void
test_no_more_are_held_than_there_are_places(void **state)
{
    struct worker w;
    char text[32];

    (void)state;
    worker_begin(&w);
    for (int i = 0; i < 3 * HOT_PLACES; i++) {
        (void)snprintf(text, sizeof(text), "/%d", i);
        put(&w, text, text);
        for (int k = 0; k < OFTEN; k++) {
            assert_int_equal(look_up(&w, text, text), STORE_HELD);
        }
    }
    turn_until(w.store->n_writing == 0);
    tick(&w); /* gives back what was replaced */
    assert_true(held(&w) > HOT_PLACES / 2 && held(&w) <= HOT_PLACES);
    assert_true(marks_in_use(&w) <= HOT_PLACES + 16); /* and what is being written */
    worker_end(&w);
}

static void
test_what_was_not_used_since_the_last_tick_is_let_go(void **state)
{
    struct worker w;

    (void)state;
    begin(&w);
    tick(&w); /* uses since the last one */
    assert_true(is_hot(&w, "/a"));
    tick(&w);
    assert_false(is_hot(&w, "/a"));
    assert_int_equal(held(&w), 0);
    assert_int_equal(look_up(&w, "/a", "hello"), STORE_HELD);
    worker_end(&w);
}

/* ---- Purges. ---- */

static void
test_another_workers_purge_holds_at_once(void **state)
{
    struct worker a, b;

    (void)state;
    begin(&a);
    worker_begin(&b);
    heat_up(&b, "/a", "hello");
    for (int i = 0; i < 2; i++) {
        struct store_key key = key_of(&b, "/a");
        assert_true(store_remove(b.store, &key));
        assert_int_equal(look_up(&a, "/a", NULL), STORE_ABSENT);
        assert_int_equal(look_up(&b, "/a", NULL), STORE_ABSENT);
        put(&a, "/a", "newer");
        assert_int_equal(look_up(&a, "/a", "newer"), STORE_HELD);
        assert_int_equal(look_up(&b, "/a", "newer"), STORE_HELD);
        heat_up(&b, "/a", "newer");
    }
    worker_end(&b);
    worker_end(&a);
}

static void
test_a_ban_holds_before_its_walk_has_begun(void **state)
{
    struct worker a, b;
    struct counted c = { 0 };

    (void)state;
    begin(&a);
    worker_begin(&b);
    store_purge(b.store, b.pool, &(struct store_match){ .all = true }, counted, &c);
    assert_true(is_hot(&a, "/a")); /* held still, */
    assert_int_equal(look_up(&a, "/a", NULL), STORE_ABSENT);
    turn_until(c.told == 1);
    assert_int_equal(look_up(&a, "/a", NULL), STORE_ABSENT);
    worker_end(&b);
    worker_end(&a);
}

static void
test_who_holds_it_keeps_its_bytes_over_a_purge(void **state)
{
    struct worker w;
    struct store_object *o;
    struct store_key key;
    weir_pool *pool = wr_pool_create("get", NULL);

    (void)state;
    begin(&w);
    key = key_of(&w, "/a");
    assert_int_equal(store_find(w.store, pool, &key, &o), STORE_HELD);
    assert_true(store_remove(w.store, &key));
    tick(&w);
    tick(&w);
    assert_false(is_hot(&w, "/a"));
    put(&w, "/b", "other");
    assert_true(weir_str_eq(store_object_body(o), WEIR_STR("hello")));
    wr_pool_destroy(&pool);
    worker_end(&w);
}

/* ---- Staleness, and newer heads. ---- */

static void
test_made_stale_by_another_it_is_stale(void **state)
{
    struct worker a, b;
    struct store_object *o;
    struct store_key key;
    weir_pool *pool = wr_pool_create("get", NULL);

    (void)state;
    begin(&a);
    worker_begin(&b);
    assert_int_equal(purge_key_of(&b, "/a", true).entries, 1);
    key = key_of(&a, "/a");
    assert_int_equal(store_find(a.store, pool, &key, &o), STORE_HELD);
    assert_true(store_object_stale(o));
    wr_pool_destroy(&pool);
    worker_end(&b);
    worker_end(&a);
}

static void
test_a_newer_head_is_given_at_once(void **state)
{
    struct worker a, b;
    struct store_object *o;
    struct store_key key;
    struct store_meta newer = meta_of(5);
    weir_pool *pool = wr_pool_create("get", NULL);

    (void)state;
    begin(&a);
    worker_begin(&b);
    newer.times[2] = 77;
    key = key_of(&b, "/a");
    assert_int_equal(store_find(b.store, pool, &key, &o), STORE_HELD);
    assert_true(store_freshen(b.store, o, &newer, true));
    key = key_of(&a, "/a");
    assert_int_equal(store_find(a.store, pool, &key, &o), STORE_HELD);
    assert_int_equal(store_object_meta(o)->times[2], 77);
    wr_pool_destroy(&pool);
    worker_end(&b);
    worker_end(&a);
}

/* ---- Eviction. ---- */

static void
test_uses_are_told_to_the_entry(void **state)
{
    struct worker w;

    (void)state;
    begin(&w);
    entry_at(&w, "/a")->place[TIER_MEMORY].uses = 0;
    tick(&w);
    assert_true(entry_at(&w, "/a")->place[TIER_MEMORY].uses !=
                0); /* so it outlives what was not used */
    worker_end(&w);
}

static void
test_what_was_evicted_is_not_given(void **state)
{
    struct worker w;
    struct entry *e;

    (void)state;
    begin(&w);
    turn_until(is_written(&w, "/a"));
    assert_true(shared_lock(w.store));
    e = entry_at(&w, "/a");
    entry_set_object(w.store, e, NULL); /* as eviction does */
    shared_unlock(w.store);
    assert_int_equal(look_up(&w, "/a", NULL), STORE_ON_DISK);
    tick(&w);
    assert_int_equal(held(&w), 0);
    assert_true(holds(&w, "/a", "hello", 5));
    worker_end(&w);
}

static void
test_at_the_end_all_is_given_back(void **state)
{
    struct worker a, b;

    (void)state;
    begin(&a);
    worker_begin(&b);
    heat_up(&b, "/a", "hello");
    worker_end(&b);
    assert_int_equal(look_up(&a, "/a", "hello"), STORE_HELD);
    worker_end(&a);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_key_of_any_length_has_a_place_of_its_own_bytes),
        T(test_every_byte_of_a_key_counts),
        T(test_a_hot_find_takes_no_lock_and_gives_the_same),
        T(test_a_place_gives_its_own_key_alone),
        T(test_keys_that_differ_at_any_byte_are_told_apart),
        T(test_no_more_are_held_than_there_are_places),
        T(test_what_was_not_used_since_the_last_tick_is_let_go),
        T(test_another_workers_purge_holds_at_once),
        T(test_a_ban_holds_before_its_walk_has_begun),
        T(test_who_holds_it_keeps_its_bytes_over_a_purge),
        T(test_made_stale_by_another_it_is_stale),
        T(test_a_newer_head_is_given_at_once),
        T(test_uses_are_told_to_the_entry),
        T(test_what_was_evicted_is_not_given),
        T(test_at_the_end_all_is_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
