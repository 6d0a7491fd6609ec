/* Posts come into the loop from any thread; offloaded work is done elsewhere and told here, or dropped with its owner. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <weir/event.h>

#include "base/pool.h"
#include "event/wake.h"

static struct wr_loop *loop;
static struct weir_pool pool;

static int
set_up(void **state)
{
    (void)state;
    loop = wr_loop_create();
    wr_pool_init(&pool, "test", NULL);
    return wr_wake_open(loop, 2, 4);
}

static int
tear_down(void **state)
{
    (void)state;
    wr_pool_fini(&pool);
    wr_wake_close();
    wr_loop_destroy(&loop);
    return 0;
}

/* ---- Posts. ---- */

static unsigned posted;
static pthread_t posted_in;

static void
count_post(void *data)
{
    (void)data;
    posted++;
    posted_in = pthread_self();
}

static void *
post_from_thread(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 100; i++) {
        if (weir_post(count_post, NULL) != WEIR_OK) {
            return loop;
        }
    }
    return NULL;
}

static void
test_posts_of_a_thread_run_in_the_loop(void **state)
{
    pthread_t thread;
    void *failed;

    (void)state;
    posted = 0;
    assert_int_equal(pthread_create(&thread, NULL, post_from_thread, NULL), 0);
    while (posted < 100) {
        wr_loop_turn(loop, 1000);
    }
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_int_equal(posted, 100);
    assert_true(pthread_equal(posted_in, pthread_self()));
}

static void
post_again(void *data)
{
    (void)data;
    if (++posted < 3) {
        assert_int_equal(weir_post(post_again, NULL), WEIR_OK);
    }
}

static void
test_a_post_may_post(void **state)
{
    (void)state;
    posted = 0;
    assert_int_equal(weir_post(post_again, NULL), WEIR_OK);
    while (posted < 3) {
        wr_loop_turn(loop, 1000);
    }
}

static void
test_posts_to_a_closed_loop_are_refused(void **state)
{
    (void)state;
    posted = 0;
    loop = wr_loop_create();
    assert_int_equal(weir_post(count_post, NULL), WEIR_CLOSED);
    assert_int_equal(wr_wake_open(loop, 1, 1), 0);
    wr_wake_close();
    assert_int_equal(weir_post(count_post, NULL), WEIR_CLOSED);
    wr_loop_destroy(&loop);
    assert_int_equal(posted, 0);
}

/* ---- Offloaded work. It waits at a gate, so that a test decides when it goes on. ---- */

struct work {
    pthread_t done_by;
    bool worked, done, dropped;
};

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void
do_work(void *data)
{
    struct work *w = data;

    pthread_mutex_lock(&gate);
    w->worked = true;
    w->done_by = pthread_self();
    pthread_mutex_unlock(&gate);
}

static void
note_done(void *data)
{
    ((struct work *)data)->done = true;
}

static void
note_dropped(void *data)
{
    ((struct work *)data)->dropped = true;
}

static void
test_work_is_done_elsewhere_and_told_here(void **state)
{
    struct work w = { .worked = false };

    (void)state;
    assert_int_equal(weir_offload(&pool, do_work, note_done, note_dropped, &w), WEIR_OK);
    while (!w.done) {
        wr_loop_turn(loop, 1000);
    }
    assert_true(w.worked);
    assert_false(w.dropped);
    assert_false(pthread_equal(w.done_by, pthread_self()));
}

static void
test_work_whose_owner_ended_is_dropped_after_it(void **state)
{
    struct work w = { .worked = false };

    (void)state;
    pthread_mutex_lock(&gate);
    assert_int_equal(weir_offload(&pool, do_work, note_done, note_dropped, &w), WEIR_OK);
    wr_pool_reset(&pool);
    assert_false(w.dropped);
    pthread_mutex_unlock(&gate);
    while (!w.dropped) {
        wr_loop_turn(loop, 1000);
    }
    assert_true(w.worked);
    assert_false(w.done);
}

static void
end_owner(void *data)
{
    wr_pool_reset(&pool);
    note_done(data);
}

static void
test_done_may_end_the_owner(void **state)
{
    struct work w = { .worked = false };

    (void)state;
    assert_int_equal(weir_offload(&pool, do_work, end_owner, note_dropped, &w), WEIR_OK);
    while (!w.done) {
        wr_loop_turn(loop, 1000);
    }
    assert_false(w.dropped);
}

static void
test_finished_work_leaves_nothing_with_a_long_lived_owner(void **state)
{
    struct weir_pool *owner = &pool;

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        struct work w = { .worked = false };
        assert_int_equal(weir_offload(owner, do_work, note_done, NULL, &w), WEIR_OK);
        while (!w.done) {
            wr_loop_turn(loop, 1000);
        }
    }
    assert_int_equal(owner->held, 0);
    assert_true(wr_list_empty(&owner->owned));
}

static void
test_a_full_queue_is_told(void **state)
{
    struct work w[8] = { { .worked = false } };
    unsigned taken = 0;

    (void)state;
    pthread_mutex_lock(&gate); /* two threads wait at it with one each; four more wait in the queue */
    while (taken < 8 && weir_offload(&pool, do_work, note_done, NULL, &w[taken]) == WEIR_OK) {
        taken++;
    }
    pthread_mutex_unlock(&gate);
    assert_true(taken >= 4 && taken <= 6);
    for (unsigned i = 0; i < taken; i++) {
        while (!w[i].done) {
            wr_loop_turn(loop, 1000);
        }
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_posts_to_a_closed_loop_are_refused),
        TEST(test_posts_of_a_thread_run_in_the_loop),
        TEST(test_a_post_may_post),
        TEST(test_work_is_done_elsewhere_and_told_here),
        TEST(test_work_whose_owner_ended_is_dropped_after_it),
        TEST(test_done_may_end_the_owner),
        TEST(test_finished_work_leaves_nothing_with_a_long_lived_owner),
        TEST(test_a_full_queue_is_told),
    };

    return cmocka_run_group_tests_name("wake", tests, NULL, NULL);
}
