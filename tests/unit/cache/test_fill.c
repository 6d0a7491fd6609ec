/* What is filled is found; who reads while it comes gets all of it; what is broken off is never
 * whole. */
#include "unit/cache/worker.h"

#include "../modules/cache/shared.h"

static void
test_what_was_filled_is_found_with_its_head(void **state)
{
    struct worker w;
    struct store_key key;
    struct store_object *o;
    const struct store_meta *m;

    (void)state;
    worker_begin(&w);
    assert_int_equal(look_up(&w, "/a", NULL), STORE_ABSENT);
    put(&w, "/a", "hello");
    assert_int_equal(look_up(&w, "/a", "hello"), STORE_HELD);
    assert_int_equal(look_up(&w, "/b", NULL), STORE_ABSENT);
    key = key_of(&w, "/a");
    assert_int_equal(store_find(w.store, w.pool, &key, &o), STORE_HELD);
    m = store_object_meta(o);
    assert_int_equal(m->status, 200);
    assert_int_equal(m->length, 5);
    assert_int_equal(m->times[2], 3);
    assert_true(weir_str_eq(m->reason, WEIR_STR("OK")));
    assert_int_equal(m->n_fields, 1);
    assert_int_equal(m->fields->id, WEIR_H_CONTENT_TYPE);
    assert_true(weir_str_eq(m->fields->value, WEIR_STR("text/plain")));
    worker_end(&w);
}

static void
test_another_worker_finds_it_too(void **state)
{
    struct worker a, b;

    (void)state;
    worker_begin(&a);
    worker_begin(&b);
    put(&a, "/a", "hello");
    assert_int_equal(look_up(&b, "/a", "hello"), STORE_HELD);
    worker_end(&a);
    assert_int_equal(look_up(&b, "/a", "hello"), STORE_HELD);
    worker_end(&b);
}

static void
test_one_fills_and_the_others_are_told_so(void **state)
{
    struct worker a, b;
    struct store_key key;
    bool others;

    (void)state;
    worker_begin(&a);
    worker_begin(&b);
    key = key_of(&a, "/a");
    assert_non_null(store_fill_begin(a.store, a.pool, &key, &others));
    assert_null(store_fill_begin(b.store, b.pool, &key, &others));
    assert_true(others);
    assert_int_equal(look_up(&b, "/a", NULL), STORE_FILLING);
    worker_end(&a);
    worker_end(&b);
}

static void
test_a_body_of_unknown_length_is_read_while_it_comes(void **state)
{
    struct worker a, b;
    struct store_fill *f;
    struct taker t = { .result = WEIR_OK };
    char *body = malloc(150000);

    (void)state;
    for (int i = 0; i < 150000; i++) {
        body[i] = (char)(i * 7 >> 3);
    }
    worker_begin(&a);
    worker_begin(&b);
    f = begin_fill(&a, a.pool, "/a", -1);
    t.pool = a.pool;
    t.rd = store_read_fill(a.pool, f);
    taker_go(&t);
    for (size_t at = 0; at < 150000; at += 10000) {
        assert_int_equal(t.result, WEIR_AGAIN);
        assert_int_equal(t.n, at);
        assert_int_equal(write_bytes(f, a.pool, body + at, 10000, NULL, NULL), WEIR_OK);
        turn_until(t.n == at + 10000);
    }
    store_fill_end(f, true);
    turn_until(taker_over(&t));
    assert_int_equal(t.result, WEIR_DONE);
    assert_memory_equal(t.bytes, body, 150000);
    taker_free(&t);
    assert_int_equal(look_up(&b, "/a", NULL), STORE_HELD);
    free(body);
    worker_end(&b);
    worker_end(&a);
}

static void
test_a_fill_that_is_broken_off_cuts_its_readers_and_is_not_found(void **state)
{
    struct worker w;
    weir_pool *filler = wr_pool_create("filler", NULL);
    struct store_fill *f;
    struct taker t = { .result = WEIR_OK };

    (void)state;
    worker_begin(&w);
    f = begin_fill(&w, filler, "/a", 10);
    t.pool = w.pool;
    t.rd = store_read_fill(w.pool, f);
    assert_int_equal(write_bytes(f, w.pool, "01234", 5, NULL, NULL), WEIR_OK);
    taker_go(&t);
    wr_pool_destroy(&filler);
    turn_until(taker_over(&t));
    assert_int_equal(t.result, WEIR_CLOSED);
    assert_int_equal(t.n, 5);
    taker_free(&t);
    assert_int_equal(look_up(&w, "/a", NULL), STORE_ABSENT);
    worker_end(&w);
}

static void
test_fewer_bytes_than_announced_are_not_whole_and_more_are_refused(void **state)
{
    struct worker w;
    struct store_fill *f;

    (void)state;
    worker_begin(&w);
    f = begin_fill(&w, w.pool, "/a", 4);
    assert_int_equal(write_bytes(f, w.pool, "012", 3, NULL, NULL), WEIR_OK);
    assert_int_equal(write_bytes(f, w.pool, "34", 2, NULL, NULL), WEIR_ERROR);
    store_fill_end(f, true);
    assert_int_equal(look_up(&w, "/a", NULL), STORE_ABSENT);
    worker_end(&w);
}

static void
test_a_held_object_stays_when_its_entry_goes(void **state)
{
    struct worker w;
    struct store_key key;
    struct store_object *o;

    (void)state;
    worker_begin(&w);
    put(&w, "/a", "first");
    key = key_of(&w, "/a");
    assert_int_equal(store_find(w.store, w.pool, &key, &o), STORE_HELD);
    assert_true(store_remove(w.store, &key));
    assert_false(store_remove(w.store, &key));
    put(&w, "/a", "second");
    assert_true(weir_str_eq(store_object_body(o), WEIR_STR("first")));
    assert_int_equal(look_up(&w, "/a", "second"), STORE_HELD);
    store_release(o);
    worker_end(&w);
}

static void
test_another_head_for_the_same_body(void **state)
{
    struct worker w;
    struct store_key key;
    struct store_object *o;
    struct store_meta meta = meta_of(5);

    (void)state;
    worker_begin(&w);
    put(&w, "/a", "hello");
    key = key_of(&w, "/a");
    assert_int_equal(store_find(w.store, w.pool, &key, &o), STORE_HELD);
    meta.times[2] = 99;
    assert_true(store_freshen(w.store, o, &meta, true));
    assert_int_equal(store_object_meta(o)->times[2], 3);
    assert_int_equal(store_find(w.store, w.pool, &key, &o), STORE_HELD);
    assert_int_equal(store_object_meta(o)->times[2], 99);
    assert_true(weir_str_eq(store_object_body(o), WEIR_STR("hello")));
    worker_end(&w);
}

static void
test_uses_are_counted(void **state)
{
    struct worker w;
    struct store_key key;

    (void)state;
    worker_begin(&w);
    key = key_of(&w, "/a");
    assert_int_equal(store_uses(w.store, &key), 1);
    assert_int_equal(store_uses(w.store, &key), 2);
    worker_end(&w);
}

static void
test_a_full_zone_makes_room_and_leaks_nothing(void **state)
{
    struct worker w;
    struct store_stats st;
    char key[32], *body = malloc(3001);
    uint64_t before;

    (void)state;
    memset(body, 'b', 3000);
    body[3000] = '\0';
    worker_begin(&w);
    before = weir_zone_used(w.store->zone);
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof(key), "/%d", i);
        put(&w, key, body);
        assert_int_equal(look_up(&w, key, body), STORE_HELD);
    }
    store_stats(w.store, &st);
    assert_true(st.memory_bytes <= 2 << 20);
    assert_true(st.evicted > 4000);
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(key, sizeof(key), "/%d", i);
        struct store_key k = key_of(&w, key);
        (void)store_remove(w.store, &k);
    }
    turn_until(weir_zone_used(w.store->zone) <= before + 8192); /* a page of marks */
    free(body);
    worker_end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_filled_is_found_with_its_head, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_another_worker_finds_it_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_fills_and_the_others_are_told_so, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_body_of_unknown_length_is_read_while_it_comes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_a_fill_that_is_broken_off_cuts_its_readers_and_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_fewer_bytes_than_announced_are_not_whole_and_more_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_held_object_stays_when_its_entry_goes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_another_head_for_the_same_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_uses_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_full_zone_makes_room_and_leaks_nothing, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
