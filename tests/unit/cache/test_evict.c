/* Memory and disk stay within their bounds, and what is used stays in them. */
#include "unit/cache/disk.h"

#include "../modules/cache/path.h"

static char *kilobyte;

static const char *
name(char *to, const char *what, int i)
{
    (void)snprintf(to, 32, "/%s/%d", what, i);
    return to;
}

static void
begin_with(struct worker *w, const struct store_options *o, const char *keys)
{
    worker_load(w, o, keys);
    worker_start(w);
    turn_until(!w->store->root->loading);
}

/* In memory alone: there is no folder. */
static struct store_options
memory_alone(void)
{
    struct store_options o = worker_options();

    o.path = WEIR_STR("/nowhere/at/all");
    return o;
}

static void
test_a_scan_does_not_push_out_what_is_used(void **state)
{
    struct store_options o = memory_alone();
    struct worker w;
    char key[32];
    int left = 0;

    (void)state;
    begin_with(&w, &o, "1m"); /* 2m of memory: some 1500 of a kilobyte */
    for (int i = 0; i < 500; i++) {
        put(&w, name(key, "hot", i), kilobyte);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 500; i++) {
            (void)look_up(&w, name(key, "hot", i), kilobyte);
        }
    }
    for (int i = 0; i < 20000; i++) {
        put(&w, name(key, "scan", i), kilobyte);
    }
    for (int i = 0; i < 500; i++) {
        left += look_up(&w, name(key, "hot", i), kilobyte) == STORE_HELD;
    }
    assert_in_range(left, 450, 500);
    worker_end(&w);
}

static void
test_the_index_stays_in_its_part_of_the_zone(void **state)
{
    struct store_options o = memory_alone();
    struct worker w;
    struct store_key k;
    char key[32];

    (void)state;
    begin_with(&w, &o, "64k");
    put(&w, "/kept", kilobyte);
    for (int i = 0; i < 20000; i++) {
        (void)look_up(&w, "/kept", kilobyte);
        k = key_of(&w, name(key, "counted", i));
        assert_int_equal(store_uses(w.store, &k), 1);
    }
    assert_int_equal(look_up(&w, "/kept", kilobyte), STORE_HELD);
    assert_true(weir_zone_used(w.store->zone) < 400 << 10); /* the 2m for bodies were not touched */
    worker_end(&w);
}

static void
test_files_stay_within_max_size(void **state)
{
    struct store_options o = worker_options();
    struct worker w;
    struct store_stats st;
    char key[32];

    (void)state;
    o.max_size = 50000;
    begin_with(&w, &o, "1m");
    for (int i = 0; i < 200; i++) {
        put(&w, name(key, "a", i), kilobyte);
        turn_until(w.store->n_writing == 0);
    }
    store_stats(w.store, &st);
    turn_until((store_stats(w.store, &st), st.disk_bytes <= 50000));
    assert_true(st.disk_bytes > 25000);
    worker_end(&w);
}

static void
test_what_cannot_fit_the_disk_is_refused_before_it_is_promised(void **state)
{
    struct store_options o = worker_options();
    struct worker w;
    struct store_key key;
    struct store_meta meta = meta_of(3000000);
    bool others;

    (void)state;
    o.max_size = 2000000;
    begin_with(&w, &o, "1m");
    key = key_of(&w, "/a");
    assert_false(store_fill_head(store_fill_begin(w.store, w.pool, &key, &others), &meta));
    worker_end(&w);
}

static void
test_what_nobody_uses_goes(void **state)
{
    struct store_options o = worker_options();
    struct worker w;
    struct store_stats st;

    (void)state;
    o.inactive_ms = 1;
    begin_with(&w, &o, "1m");
    put(&w, "/a", kilobyte);
    turn_until((store_stats(w.store, &st), st.entries == 0));
    assert_int_equal(st.expired, 1);
    worker_end(&w);
}

static void
test_without_memory_everything_is_on_disk(void **state)
{
    struct store_options o = worker_options();
    struct worker w;
    char *body = make_body(200000, 5);

    (void)state;
    o.memory = 0;
    begin_with(&w, &o, "4m");
    put_long(&w, "/a", body, 200000, false);
    put_long(&w, "/b", body, 10, true);
    turn_until(is_written(&w, "/b"));
    assert_true(holds(&w, "/a", body, 200000));
    assert_true(holds(&w, "/b", body, 10));
    free(body);
    worker_end(&w);
}

/* ---- What cannot be stored is relayed. ---- */

struct held {
    int writable;
};

static void
writable(void *data)
{
    ((struct held *)data)->writable++;
}

static void
test_a_relay_waits_for_its_slowest_reader_and_cuts_nobody(void **state)
{
    enum { N = 5000000, STEP = 100000 };
    struct store_options o = memory_alone();
    struct worker a, b;
    struct taker fast = { .result = WEIR_OK }, slow = { .result = WEIR_OK };
    char *body = make_body(N, 6);
    struct held h = { 0 };
    struct store_fill *f;
    size_t at = 0;
    int rc = WEIR_OK;

    (void)state;
    begin_with(&a, &o, "4m");
    begin_with(&b, &o, "4m");
    f = begin_fill(&a, a.pool, "/a", -1);
    fast.pool = a.pool;
    slow.pool = b.pool;
    fast.rd = store_read_fill(a.pool, f);
    slow.rd = store_read_fill(b.pool, f);
    taker_go(&fast);
    while (rc != WEIR_AGAIN) {
        rc = write_bytes(f, a.pool, body + at, STEP, writable, &h);
        at += STEP;
        turn_a_little();
        assert_true(at < N); /* it has to stop for the slow one */
    }
    assert_int_equal(h.writable, 0);
    taker_go(&slow);
    turn_until(h.writable == 1);
    for (; at < N; at += STEP) {
        rc = write_bytes(f, a.pool, body + at, STEP, writable, &h);
        turn_until(rc != WEIR_AGAIN || h.writable == 2);
        h.writable = 1;
    }
    store_fill_end(f, true);
    turn_until(taker_over(&fast) && taker_over(&slow));
    assert_int_equal(fast.n, N);
    assert_int_equal(slow.n, N);
    assert_int_equal(fast.result, WEIR_DONE);
    assert_int_equal(slow.result, WEIR_DONE);
    assert_memory_equal(slow.bytes, body, N);
    assert_int_equal(look_up(&a, "/a", NULL), STORE_ABSENT);
    taker_free(&fast);
    taker_free(&slow);
    free(body);
    worker_end(&b);
    worker_end(&a);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_scan_does_not_push_out_what_is_used),
        T(test_the_index_stays_in_its_part_of_the_zone),
        T(test_files_stay_within_max_size),
        T(test_what_cannot_fit_the_disk_is_refused_before_it_is_promised),
        T(test_what_nobody_uses_goes),
        T(test_without_memory_everything_is_on_disk),
        T(test_a_relay_waits_for_its_slowest_reader_and_cuts_nobody),
    };

    kilobyte = malloc(1001);
    memset(kilobyte, 'k', 1000);
    kilobyte[1000] = '\0';
    return cmocka_run_group_tests(tests, NULL, NULL);
}
