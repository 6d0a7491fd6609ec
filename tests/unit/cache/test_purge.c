/* From the call on, no find answers what was purged, in any worker, on disk or in memory, now or
 * after a restart. */
#include "unit/cache/disk.h"

#include "../modules/cache/path.h"

static void
put_tagged(struct worker *w, const char *text, const uint64_t *tags, uint32_t n)
{
    weir_pool *pool = wr_pool_create("put", NULL);
    struct store_key key = key_of(w, text);
    struct store_meta meta = meta_of(4);
    bool others;
    struct store_fill *f = store_fill_begin(w->store, pool, &key, &others);

    meta.tags = tags;
    meta.n_tags = n;
    assert_true(store_fill_head(f, &meta));
    assert_int_equal(write_bytes(f, pool, "body", 4, NULL, NULL), WEIR_OK);
    store_fill_end(f, true);
    wr_pool_destroy(&pool);
}

static void
put_set(struct worker *w)
{
    static const uint64_t red = 11, both[] = { 11, 22 };

    put_tagged(w, "/a/1", &red, 1);
    put_tagged(w, "/a/2", both, 2);
    put_tagged(w, "/b/1", NULL, 0);
    put_tagged(w, "/b/2", &both[1], 1);
}

/* Which of the four are found, as digits. */
static int
found(struct worker *w)
{
    static const char *const keys[] = { "/a/1", "/a/2", "/b/1", "/b/2" };
    int set = 0;

    for (int i = 0; i < 4; i++) {
        weir_pool *pool = wr_pool_create("get", NULL);
        set = set * 10 + (get(w, pool, keys[i]) != NULL);
        wr_pool_destroy(&pool);
    }
    return set;
}

static void
purge(struct worker *w, struct worker *seen_by, const struct store_match *m, int left,
      uint64_t entries)
{
    struct counted c = { 0 };

    store_purge(w->store, w->pool, m, counted, &c);
    assert_int_equal(c.told, 0);
    assert_int_equal(found(seen_by), left); /* before the walk has begun */
    turn_until(c.told == 1);
    assert_in_range(c.what.entries, 0, entries); /* finds may have taken out some before the walk came */
    assert_int_equal(found(seen_by), left);
}

static void
test_by_prefix_by_tag_and_all(void **state)
{
    struct worker a, b;

    (void)state;
    worker_begin(&a);
    worker_begin(&b);
    put_set(&a);
    assert_int_equal(found(&b), 1111);
    purge(&a, &b, &(struct store_match){ .prefix = WEIR_STR("/a/") }, 11, 2);
    put_set(&a);
    purge(&a, &b, &(struct store_match){ .tag = 22 }, 1010, 2);
    put_set(&b);
    purge(&a, &b, &(struct store_match){ .all = true }, 0, 4);
    put_set(&b);
    assert_int_equal(found(&a), 1111); /* what came later is not concerned */
    worker_end(&b);
    worker_end(&a);
}

static void
test_the_walk_counts_what_it_takes(void **state)
{
    struct worker w;
    struct counted c = { 0 };

    (void)state;
    worker_begin(&w);
    put_set(&w);
    store_purge(w.store, w.pool, &(struct store_match){ .prefix = WEIR_STR("/b/") }, counted, &c);
    turn_until(c.told == 1);
    assert_int_equal(c.what.entries, 2);
    assert_true(c.what.bytes >= 8);
    worker_end(&w);
}

static void
test_softly_they_are_stale_and_there(void **state)
{
    struct worker w;
    struct counted c = { 0 };
    struct store_object *o;

    (void)state;
    worker_begin(&w);
    put_set(&w);
    store_purge(w.store, w.pool, &(struct store_match){ .tag = 11, .soft = true }, counted, &c);
    o = get(&w, w.pool, "/a/1");
    assert_non_null(o);
    assert_true(store_object_stale(o));
    turn_until(c.told == 1);
    assert_int_equal(found(&w), 1111);
    assert_false(store_object_stale(get(&w, w.pool, "/b/1")));
    turn_until(is_written(&w, "/a/1") && is_written(&w, "/a/2"));
    put_tagged(&w, "/a/1", NULL, 0); /* fetched anew: fresh */
    assert_false(store_object_stale(get(&w, w.pool, "/a/1")));
    restart(&w);
    assert_true(store_object_stale(get(&w, w.pool, "/a/2")));
    worker_end(&w);
}

static void
test_a_fill_that_began_before_is_not_stored(void **state)
{
    struct worker w;
    struct counted c = { 0 };
    struct store_fill *f;

    (void)state;
    worker_begin(&w);
    f = begin_fill(&w, w.pool, "/a/1", 4);
    store_purge(w.store, w.pool, &(struct store_match){ .all = true }, counted, &c);
    turn_until(c.told == 1);
    assert_int_equal(write_bytes(f, w.pool, "body", 4, NULL, NULL), WEIR_CLOSED); /* nor read */
    store_fill_end(f, true);
    assert_int_equal(look_up(&w, "/a/1", NULL), STORE_ABSENT);
    worker_end(&w);
}

static void
test_a_purge_while_it_loads_holds_for_what_is_not_loaded_yet(void **state)
{
    struct worker w;
    struct counted c = { 0 };

    (void)state;
    worker_begin(&w);
    put_set(&w);
    turn_until(is_written(&w, "/a/1") && is_written(&w, "/a/2") && is_written(&w, "/b/1") &&
               is_written(&w, "/b/2"));
    restart(&w);
    store_purge(w.store, w.pool, &(struct store_match){ .prefix = WEIR_STR("/a/") }, counted, &c);
    assert_int_equal(found(&w) / 100, 0);
    turn_until(c.told == 1 && is_loaded(&w));
    assert_int_equal(found(&w), 11);
    worker_end(&w);
}

static void
test_a_worker_that_goes_leaves_its_walk_to_another(void **state)
{
    struct worker a, b;
    struct counted c = { 0 };
    weir_pool *pool = wr_pool_create("purge", NULL);

    (void)state;
    worker_begin(&a);
    worker_begin(&b);
    put_set(&a);
    store_purge(b.store, pool, &(struct store_match){ .all = true }, counted, &c);
    wr_pool_destroy(&pool);
    worker_end(&b);
    assert_int_equal(found(&a), 0);
    turn_until(a.store->root->n_bans == 0);
    assert_int_equal(c.told, 0);
    assert_int_equal(found(&a), 0);
    worker_end(&a);
}

static void
test_more_purges_at_once_than_there_is_room_for(void **state)
{
    struct worker w;
    struct counted c[100] = { { 0 } };
    char text[32];

    (void)state;
    worker_begin(&w);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof(text), "/%02d/x", i);
        put(&w, text, "body");
    }
    for (int i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof(text), "/%02d/", i);
        store_purge(w.store, w.pool, &(struct store_match){ .prefix = weir_str_c(text) }, counted,
                    &c[i]);
    }
    for (int i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof(text), "/%02d/x", i);
        assert_int_equal(look_up(&w, text, NULL), STORE_ABSENT);
        turn_until(c[i].told == 1);
    }
    worker_end(&w);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_by_prefix_by_tag_and_all),
        T(test_the_walk_counts_what_it_takes),
        T(test_softly_they_are_stale_and_there),
        T(test_a_fill_that_began_before_is_not_stored),
        T(test_a_purge_while_it_loads_holds_for_what_is_not_loaded_yet),
        T(test_a_worker_that_goes_leaves_its_walk_to_another),
        T(test_more_purges_at_once_than_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
