/* Who waits for another's fill is told what became of it, once, in whatever worker he is. */
#include "unit/cache/worker.h"

#include <poll.h>

#include "../modules/cache/shared.h"

struct waiter {
    struct worker *w;
    weir_pool *pool;
    int told;
    enum store_waited how;
    struct store_reader *reader;
    struct store_fill *fill;
};

static void
waited(void *data, enum store_waited how, struct store_reader *reader, struct store_fill *fill)
{
    struct waiter *x = data;

    x->told++;
    x->how = how;
    x->reader = reader;
    x->fill = fill;
}

static void
wait_for(struct waiter *x, struct worker *w, const char *text, uint64_t ms)
{
    struct store_key key = key_of(w, text);

    *x = (struct waiter){ .w = w, .pool = wr_pool_create("waiter", NULL) };
    (void)store_wait(w->store, x->pool, &key, ms, waited, x);
    assert_int_equal(x->told, 0);
}

static struct store_fill *
begin(struct worker *w, weir_pool *pool, const char *text)
{
    struct store_key key = key_of(w, text);
    bool others;

    return store_fill_begin(w->store, pool, &key, &others);
}

static void
test_the_head_lets_those_read_who_wait_in_another_worker(void **state)
{
    struct worker a, b;
    struct waiter x;
    struct store_fill *f;
    struct store_meta meta = meta_of(5);
    struct taker t = { .result = WEIR_OK };

    (void)state;
    worker_begin(&a);
    worker_begin(&b);
    f = begin(&a, a.pool, "/a");
    wait_for(&x, &b, "/a", 100000);
    turn_a_little();
    assert_int_equal(x.told, 0);
    assert_true(store_fill_head(f, &meta));
    turn_until(x.told == 1);
    assert_int_equal(x.how, STORE_READY);
    assert_int_equal(store_reader_meta(x.reader)->status, 200);
    t.rd = x.reader;
    t.pool = x.pool;
    taker_go(&t);
    assert_int_equal(write_bytes(f, a.pool, "hel", 3, NULL, NULL), WEIR_OK);
    turn_until(t.n == 3);
    assert_int_equal(write_bytes(f, a.pool, "lo", 2, NULL, NULL), WEIR_OK);
    store_fill_end(f, true);
    turn_until(taker_over(&t));
    assert_int_equal(t.result, WEIR_DONE);
    assert_memory_equal(t.bytes, "hello", 5);
    assert_int_equal(x.told, 1);
    taker_free(&t);
    wr_pool_destroy(&x.pool);
    worker_end(&b);
    worker_end(&a);
}

static void
test_what_is_not_to_be_waited_for_sends_all_away(void **state)
{
    struct worker a, b;
    struct waiter x, y;
    struct store_fill *f;

    (void)state;
    worker_begin(&a);
    worker_begin(&b);
    f = begin(&a, a.pool, "/a");
    wait_for(&x, &b, "/a", 100000);
    wait_for(&y, &a, "/a", 100000);
    turn_a_little();
    store_fill_pass(f);
    turn_until(x.told == 1 && y.told == 1);
    assert_int_equal(x.how, STORE_PASS);
    assert_int_equal(y.how, STORE_PASS);
    assert_int_equal(look_up(&a, "/a", NULL), STORE_ABSENT);
    wr_pool_destroy(&x.pool);
    wr_pool_destroy(&y.pool);
    worker_end(&b);
    worker_end(&a);
}

static void
test_a_fill_that_moved_is_read_by_those_who_want_it(void **state)
{
    struct worker w;
    struct waiter x, y;
    struct store_fill *f;
    struct store_key to;
    struct store_meta meta = meta_of(0);

    (void)state;
    worker_begin(&w);
    f = begin(&w, w.pool, "/a");
    wait_for(&x, &w, "/a", 100000);
    turn_a_little();
    to = key_of(&w, "/a de");
    store_fill_move(f, &to);
    wait_for(&y, &w, "/a de", 100000);
    assert_true(store_fill_head(f, &meta));
    turn_until(x.told == 1 && y.told == 1);
    assert_int_equal(x.how, STORE_AGAIN);
    assert_int_equal(y.how, STORE_READY);
    store_fill_end(f, true);
    assert_int_equal(look_up(&w, "/a", NULL), STORE_ABSENT);
    assert_int_equal(look_up(&w, "/a de", ""), STORE_HELD);
    wr_pool_destroy(&x.pool);
    wr_pool_destroy(&y.pool);
    worker_end(&w);
}

static void
test_nobody_fills_look_again(void **state)
{
    struct worker w;
    struct waiter x;

    (void)state;
    worker_begin(&w);
    wait_for(&x, &w, "/a", 100000);
    turn_until(x.told == 1);
    assert_int_equal(x.how, STORE_AGAIN);
    wr_pool_destroy(&x.pool);
    worker_end(&w);
}

static void
test_the_time_is_up(void **state)
{
    struct worker w;
    struct waiter x;

    (void)state;
    worker_begin(&w);
    (void)begin(&w, w.pool, "/a");
    wait_for(&x, &w, "/a", 1);
    turn_until(x.told == 1);
    assert_int_equal(x.how, STORE_TIMEOUT);
    wr_pool_destroy(&x.pool);
    worker_end(&w);
}

enum { MANY = 1000 };

static struct waiter crowd[MANY];

static uint32_t
count_told(struct waiter **last)
{
    uint32_t told = 0;

    for (int i = 0; i < MANY; i++) {
        if (crowd[i].told != 0) {
            *last = &crowd[i];
            told++;
        }
    }
    return told;
}

static void
test_of_a_thousand_one_takes_over_and_all_read_what_he_fills(void **state)
{
    struct worker a, b;
    weir_pool *filler = wr_pool_create("filler", NULL);
    struct store_meta meta = meta_of(3);
    struct waiter *heir = NULL, *last, *x = crowd;

    (void)state;
    worker_begin(&a);
    worker_begin(&b);
    assert_non_null(begin(&a, filler, "/a"));
    for (int i = 0; i < MANY; i++) {
        wait_for(&x[i], i % 2 == 0 ? &a : &b, "/a", 100000);
    }
    turn_a_little();
    wr_pool_destroy(&filler);
    turn_until(count_told(&heir) != 0);
    assert_int_equal(heir->how, STORE_YOURS);
    turn_a_little();
    assert_int_equal(count_told(&heir), 1);
    assert_true(store_fill_head(heir->fill, &meta));
    assert_int_equal(write_bytes(heir->fill, heir->pool, "abc", 3, NULL, NULL), WEIR_OK);
    store_fill_end(heir->fill, true);
    turn_until(count_told(&last) == MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(x[i].told, 1);
        if (&x[i] != heir) {
            weir_chain c = { NULL, NULL };
            assert_int_equal(x[i].how, STORE_READY);
            assert_int_equal(store_read(x[i].reader, x[i].pool, &c, 10, NULL, NULL), WEIR_DONE);
            assert_int_equal(weir_chain_len(&c), 3);
        }
        wr_pool_destroy(&x[i].pool);
    }
    worker_end(&b);
    worker_end(&a);
}

/* ---- Workers that are killed. ---- */

/* A process that does its work and then says so. */
static pid_t
forked(struct worker *w, void (*work)(struct worker *w))
{
    int said[2];
    char c;
    pid_t pid;

    assert_int_equal(pipe(said), 0);
    pid = fork();
    if (pid == 0) {
        process_start();
        worker_start(w);
        work(w);
        (void)!write(said[1], "x", 1);
        for (;;) {
            wr_loop_turn(loop, 1000);
        }
    }
    (void)close(said[1]);
    assert_int_equal(read(said[0], &c, 1), 1);
    (void)close(said[0]);
    return pid;
}

static void
kill_it(pid_t pid)
{
    int status;

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void
begin_a_fill(struct worker *w)
{
    struct store_fill *f = begin(w, w->pool, "/a");
    struct store_meta meta = meta_of(-1);

    if (store_fill_head(f, &meta)) {
        (void)write_bytes(f, w->pool, "abc", 3, NULL, NULL);
    }
}

static void
begin_without_a_head(struct worker *w)
{
    (void)begin(w, w->pool, "/a");
}

static void
test_a_killed_filler_has_an_heir(void **state)
{
    struct worker child, w;
    struct waiter x;
    pid_t pid;

    (void)state;
    worker_load(&child, NULL, NULL);
    pid = forked(&child, begin_without_a_head);
    process_start();
    worker_begin(&w);
    assert_int_equal(look_up(&w, "/a", NULL), STORE_FILLING);
    wait_for(&x, &w, "/a", 100000);
    turn_a_little();
    assert_int_equal(x.told, 0);
    kill_it(pid);
    turn_until(x.told == 1);
    assert_int_equal(x.how, STORE_YOURS);
    wr_pool_destroy(&x.pool);
    worker_end(&w);
    wr_pool_destroy(&child.pool);
}

static void
test_readers_of_a_killed_filler_are_cut(void **state)
{
    struct worker child, w;
    struct waiter x;
    struct taker t = { .result = WEIR_OK };
    pid_t pid;

    (void)state;
    worker_load(&child, NULL, NULL);
    pid = forked(&child, begin_a_fill);
    process_start();
    worker_begin(&w);
    wait_for(&x, &w, "/a", 100000);
    turn_until(x.told == 1);
    assert_int_equal(x.how, STORE_READY);
    t.rd = x.reader;
    t.pool = x.pool;
    taker_go(&t);
    assert_int_equal(t.n, 3);
    assert_int_equal(t.result, WEIR_AGAIN);
    kill_it(pid);
    turn_until(taker_over(&t));
    assert_int_equal(t.result, WEIR_CLOSED);
    assert_int_equal(look_up(&w, "/a", NULL), STORE_ABSENT);
    taker_free(&t);
    wr_pool_destroy(&x.pool);
    worker_end(&w);
    wr_pool_destroy(&child.pool);
}

static void
hold_much(struct worker *w)
{
    struct store_key key = key_of(w, "/held");
    struct store_object *o;

    put(w, "/held", "hello");
    for (int i = 0; i < 500; i++) {
        (void)store_find(w->store, w->pool, &key, &o);
    }
}

static void
test_what_a_killed_worker_held_is_given_back(void **state)
{
    struct worker child, w;
    struct store_key key;
    uint64_t before, with;
    pid_t pid;

    (void)state;
    worker_load(&child, NULL, NULL);
    before = weir_zone_used(child.store->zone);
    pid = forked(&child, hold_much);
    process_start();
    worker_begin(&w);
    key = key_of(&w, "/held");
    assert_true(store_remove(w.store, &key));
    with = weir_zone_used(w.store->zone);
    kill_it(pid);
    turn_until(weir_zone_used(w.store->zone) < with); /* the duty's tick finds out */
    assert_in_range(weir_zone_used(w.store->zone), before, before + 8192);
    worker_end(&w);
    wr_pool_destroy(&child.pool);
}

/* Changes all the time, to be killed anywhere. */
static void
hammer(struct worker *w)
{
    char key[16];

    for (int i = 0;; i++) {
        (void)snprintf(key, sizeof(key), "/%d", i % 37);
        put(w, key, i % 2 == 0 ? "even and long enough" : "odd");
        (void)look_up(w, key, NULL);
        if (i % 5 == 0) {
            struct store_key k = key_of(w, key);
            (void)store_remove(w->store, &k);
        }
    }
}

static void
test_a_worker_killed_anywhere_leaves_all_whole(void **state)
{
    struct worker child, w;
    char key[16];

    (void)state;
    worker_load(&child, NULL, NULL);
    for (int round = 0; round < 60; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            process_start();
            worker_start(&child);
            hammer(&child);
        }
        (void)poll(NULL, 0, 2 + round % 7); /* any moment will do */
        kill_it(pid);
        process_start();
        worker_begin(&w);
        for (int i = 0; i < 37; i++) {
            (void)snprintf(key, sizeof(key), "/%d", i);
            (void)look_up(&w, key, NULL);
        }
        assert_false(w.store->root->broken);
        worker_end(&w);
        process_end();
    }
    wr_pool_destroy(&child.pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_head_lets_those_read_who_wait_in_another_worker,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_to_be_waited_for_sends_all_away, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_fill_that_moved_is_read_by_those_who_want_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_nobody_fills_look_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_time_is_up, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_of_a_thousand_one_takes_over_and_all_read_what_he_fills, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_killed_filler_has_an_heir, setup_master, teardown),
        cmocka_unit_test_setup_teardown(test_readers_of_a_killed_filler_are_cut, setup_master,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_a_killed_worker_held_is_given_back, setup_master,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_worker_killed_anywhere_leaves_all_whole,
                                        setup_master, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
