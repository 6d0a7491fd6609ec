/* The parameters of proxy_cache_path that say how the cache is looked after: each test fails if its
 * parameter does nothing. */
#include "unit/cache/disk.h"

#include "../modules/cache/sys.h"

enum { MANY = 200, AGE_S = 700 };

static uint64_t clock_ms; /* of a system whose clock jumps at each look */
static int64_t room;

static uint64_t
jumping_ms(void)
{
    return clock_ms += 1000;
}

static int64_t
little_room(const char *path)
{
    (void)path;
    return room;
}

static void
use_system(bool jumping, bool little)
{
    static struct sys other;

    other = sys_real;
    other.ms = jumping ? jumping_ms : sys_real.ms;
    other.room = little ? little_room : sys_real.room;
    sys = &other;
}

static void
begin(struct worker *w, const struct store_options *o)
{
    worker_load(w, o, NULL);
    worker_start(w);
    turn_until(is_loaded(w));
}

static void
put_many(struct worker *w, int n)
{
    char text[32];

    for (int i = 0; i < n; i++) {
        (void)snprintf(text, sizeof(text), "/a/%d", i);
        put(w, text, "body");
    }
}

static uint64_t
count(const struct worker *w, uint64_t (*of)(const struct store_stats *st))
{
    struct store_stats st;

    store_stats(w->store, &st);
    return of(&st);
}

static uint64_t
expired(const struct store_stats *st)
{
    return st->expired;
}

static uint64_t
evicted(const struct store_stats *st)
{
    return st->evicted;
}

static uint64_t
purged(const struct store_stats *st)
{
    return st->purged;
}

struct course {
    uint64_t most; /* in one turn of the loop */
    uint32_t goes; /* turns in which some went */
    uint64_t ms;   /* from before the first of them till after the last */
};

/* Turn until as many are counted. */
static struct course
watch(const struct worker *w, uint64_t (*of)(const struct store_stats *st), uint64_t until)
{
    struct course c = { 0 };
    uint64_t first = 0, n = count(w, of);

    for (int turns = 0; n < until; turns++) {
        uint64_t before = sys_real.ms(), now;
        assert_true(turns < 20000);
        wr_loop_turn(loop, 50);
        now = count(w, of);
        if (now != n) {
            first = first != 0 ? first : before;
            c.goes++;
            c.most = now - n > c.most ? now - n : c.most;
        }
        n = now;
    }
    c.ms = sys_real.ms() - first;
    return c;
}

/* As if nobody had asked for any of them for longer than the usual 10 minutes. */
static void
make_old(struct worker *w)
{
    assert_true(shared_lock(w->store));
    for (uint32_t i = 0; i < w->store->root->n_buckets; i++) {
        for (struct entry *e = w->store->root->buckets[i]; e != NULL; e = e->next) {
            e->used_s -= AGE_S;
        }
    }
    shared_unlock(w->store);
}

/* ---- manager_files, manager_sleep, manager_threshold, inactive. ---- */

static void
test_inactive_responses_leave_by_manager_files_at_a_time(void **state)
{
    struct store_options o = worker_options();
    struct worker w;
    struct course c;

    (void)state;
    o.manager_files = 40;
    o.manager_sleep_ms = 30;
    begin(&w, &o);
    put_many(&w, MANY);
    make_old(&w);
    put(&w, "/new", "body");
    c = watch(&w, expired, MANY);
    assert_true(c.most <= 40);
    assert_true(c.ms >= (c.goes - 1) * 30);
    turn_a_little();
    assert_int_equal(look_up(&w, "/new", "body"), STORE_HELD);
    worker_end(&w);
}

static void
test_used_responses_outlive_inactive(void **state)
{
    struct store_options o = worker_options();
    struct worker w;

    (void)state;
    o.inactive_ms = 2 * AGE_S * 1000;
    begin(&w, &o);
    put_many(&w, 3);
    make_old(&w);
    for (uint32_t ticks = 0; ticks < 30; ticks++) {
        wr_loop_turn(loop, 50);
    }
    assert_int_equal(count(&w, expired), 0);
    worker_end(&w);
}

static void
test_one_go_ends_at_manager_threshold(void **state)
{
    struct store_options o = worker_options();
    struct worker w;
    struct course c;

    (void)state;
    o.manager_files = 100000;
    o.manager_sleep_ms = 1;
    begin(&w, &o);
    put_many(&w, MANY);
    make_old(&w);
    use_system(true, false);
    c = watch(&w, expired, MANY);
    assert_true(c.goes > 2); /* a look at the clock every 512 of 4096 buckets */
    worker_end(&w);
}

static void
test_what_is_past_max_size_leaves_by_manager_files_at_a_time(void **state)
{
    struct store_options o = worker_options();
    struct worker w;
    struct course c;

    (void)state;
    o.manager_files = 20;
    begin(&w, &o);
    put_many(&w, MANY);
    for (int i = 0; i < MANY; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "/a/%d", i);
        turn_until(is_written(&w, text));
    }
    w.store->o.max_size = 1;
    c = watch(&w, evicted, MANY);
    assert_true(c.most <= 20);
    assert_int_equal(w.store->root->disk_bytes, 0);
    worker_end(&w);
}

/* ---- min_free. ---- */

static void
test_below_min_free_nothing_is_written_and_files_leave(void **state)
{
    struct store_options o = worker_options();
    struct worker w;

    (void)state;
    o.min_free = 1 << 20;
    room = INT64_MAX / 2;
    use_system(false, true);
    begin(&w, &o);
    put_many(&w, 5);
    turn_until(is_written(&w, "/a/4") && is_written(&w, "/a/0"));
    room = 0;
    turn_until(count(&w, evicted) != 0 && w.store->root->disk_bytes == 0);
    put(&w, "/late", "body");
    turn_until(w.store->n_writing == 0);
    assert_false(is_written(&w, "/late"));
    room = INT64_MAX / 2;
    turn_until(is_written(&w, "/late")); /* there is room again */
    worker_end(&w);
}

/* ---- purger, purger_files, purger_sleep, purger_threshold. ---- */

static struct course
purge_all(struct worker *w)
{
    struct counted c = { 0 };
    struct course course;

    store_purge(w->store, w->pool, &(struct store_match){ .prefix = WEIR_STR("/a/") }, counted, &c);
    turn_until(c.told == 1);
    assert_true(c.what.lasting);
    assert_int_equal(look_up(w, "/a/0", NULL), STORE_ABSENT); /* it holds */
    course = watch(w, purged, MANY - 1);
    turn_until(w->store->root->n_bans == 0);
    return course;
}

static void
test_the_purger_takes_out_purger_files_and_sleeps(void **state)
{
    struct store_options o = worker_options();
    struct worker w;
    struct course c;

    (void)state;
    o.purger = true;
    o.purger_files = 25;
    o.purger_sleep_ms = 30;
    begin(&w, &o);
    put_many(&w, MANY);
    c = purge_all(&w);
    assert_true(c.most <= 25 && c.goes >= MANY / 25 - 2); /* some may go before the watch */
    assert_true(c.ms >= (c.goes - 3) * 30);
    worker_end(&w);
}

static void
test_the_purger_stops_at_its_threshold(void **state)
{
    struct store_options o = worker_options();
    struct worker w;
    struct course c;

    (void)state;
    o.purger = true;
    o.purger_files = 100000;
    o.purger_sleep_ms = 1;
    begin(&w, &o);
    put_many(&w, MANY);
    use_system(true, false);
    c = purge_all(&w);
    assert_true(c.goes > 2);
    worker_end(&w);
}

static void
test_without_the_purger_who_asked_waits_for_the_counts(void **state)
{
    struct worker w;
    struct counted c = { 0 };

    (void)state;
    worker_begin(&w);
    put_many(&w, MANY);
    store_purge(w.store, w.pool, &(struct store_match){ .prefix = WEIR_STR("/a/") }, counted, &c);
    turn_until(c.told == 1);
    assert_int_equal(c.what.entries, MANY);
    worker_end(&w);
}

/* ---- loader_files, loader_sleep, loader_threshold. ---- */

/* How long it takes to load MANY files without a snapshot. */
static uint64_t
load_ms(uint32_t files, uint64_t sleep_ms, bool jumping)
{
    struct store_options o = worker_options();
    struct worker w;
    char text[128];
    uint64_t began;

    begin(&w, &o);
    put_many(&w, MANY);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(text, sizeof(text), "/a/%d", i);
        turn_until(is_written(&w, text));
    }
    worker_end(&w);
    process_end();
    (void)snprintf(text, sizeof(text), "%s/index", folder);
    assert_int_equal(unlink(text), 0);
    process_start();
    use_system(jumping, false);
    o.loader_files = files;
    o.loader_sleep_ms = sleep_ms;
    o.loader_threshold_ms = 100;
    began = sys_real.ms();
    begin(&w, &o);
    began = sys_real.ms() - began;
    assert_int_equal(w.store->root->stats.entries, MANY);
    worker_end(&w);
    return began;
}

static void
test_the_loader_reads_loader_files_and_sleeps(void **state)
{
    (void)state;
    assert_true(load_ms(50, 60, false) >= (MANY / 50 - 1) * 60);
}

static void
test_the_loader_stops_at_its_threshold(void **state)
{
    (void)state;
    /* a look at the clock every 64 names of all kinds */
    assert_true(load_ms(100000, 60, true) >= (MANY / 64 - 1) * 60);
}

static int
end(void **state)
{
    sys = &sys_real;
    return teardown(state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_inactive_responses_leave_by_manager_files_at_a_time),
        T(test_used_responses_outlive_inactive),
        T(test_one_go_ends_at_manager_threshold),
        T(test_what_is_past_max_size_leaves_by_manager_files_at_a_time),
        T(test_below_min_free_nothing_is_written_and_files_leave),
        T(test_the_purger_takes_out_purger_files_and_sleeps),
        T(test_the_purger_stops_at_its_threshold),
        T(test_without_the_purger_who_asked_waits_for_the_counts),
        T(test_the_loader_reads_loader_files_and_sleeps),
        T(test_the_loader_stops_at_its_threshold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
