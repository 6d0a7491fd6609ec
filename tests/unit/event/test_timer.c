/* The ABI's timers and watches end with their pool, and a paused watch is silent whatever the other end does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <weir/event.h>

#include "base/pool.h"
#include "event/loop.h"

static struct wr_loop *loop;
static struct weir_pool pool;
static int fds[2];
static unsigned calls;
static uint32_t said;
static weir_watch *watch;

static int
set_up(void **state)
{
    (void)state;
    loop = wr_loop_create();
    wr_pool_init(&pool, "test", NULL);
    calls = said = 0;
    watch = NULL;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
}

static int
tear_down(void **state)
{
    (void)state;
    wr_pool_fini(&pool);
    wr_loop_destroy(&loop);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return 0;
}

static void
count(void *data)
{
    (void)data;
    calls++;
}

static void
test_a_timer_ends_with_its_pool(void **state)
{
    (void)state;
    (void)weir_timer_start(&pool, 0, count, NULL);
    wr_pool_reset(&pool);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 0);
}

static void
end_pool(void *data)
{
    (void)data;
    calls++;
    wr_pool_reset(&pool);
}

static void
test_a_timer_may_end_its_own_pool(void **state)
{
    (void)state;
    (void)weir_timer_start(&pool, 0, end_pool, NULL);
    (void)weir_timer_start(&pool, 0, end_pool, NULL);
    wr_loop_turn(loop, 0);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 1);
}

static void
test_a_stopped_timer_may_be_set_again(void **state)
{
    weir_timer *t = weir_timer_start(&pool, 0, count, NULL);

    (void)state;
    weir_timer_stop(t);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 0);
    weir_timer_set(t, 0);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 1);
}

static void
note_ready(void *data, uint32_t ready)
{
    (void)data;
    calls++;
    said |= ready;
}

static void
test_a_watch_tells_what_it_was_asked_for(void **state)
{
    (void)state;
    watch = weir_watch_start(&pool, fds[0], WEIR_READABLE, note_ready, NULL);
    assert_non_null(watch);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    wr_loop_turn(loop, 0);
    assert_int_equal(said, WEIR_READABLE);
    weir_watch_set(watch, WEIR_READABLE | WEIR_WRITABLE);
    wr_loop_turn(loop, 0);
    assert_int_equal(said, WEIR_READABLE | WEIR_WRITABLE);
}

static void
test_a_paused_watch_says_nothing_of_a_hang_up(void **state)
{
    (void)state;
    watch = weir_watch_start(&pool, fds[0], WEIR_READABLE, note_ready, NULL);
    weir_watch_set(watch, 0);
    (void)shutdown(fds[1], SHUT_RDWR);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 0);
    weir_watch_set(watch, WEIR_READABLE);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 1);
    assert_true(said & WEIR_HANGUP);
}

static void
test_a_watch_may_begin_paused(void **state)
{
    (void)state;
    watch = weir_watch_start(&pool, fds[0], 0, note_ready, NULL);
    assert_non_null(watch);
    assert_int_equal(write(fds[1], "x", 1), 1);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 0);
    weir_watch_set(watch, WEIR_READABLE);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 1);
}

static void
test_a_watch_that_began_paused_ends_with_its_pool(void **state)
{
    (void)state;
    (void)weir_watch_start(&pool, fds[0], 0, note_ready, NULL);
    wr_pool_reset(&pool);
    (void)shutdown(fds[1], SHUT_RDWR);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 0);
}

static void
test_a_stopped_watch_stays_stopped(void **state)
{
    (void)state;
    watch = weir_watch_start(&pool, fds[0], WEIR_WRITABLE, note_ready, NULL);
    weir_watch_stop(watch);
    weir_watch_set(watch, WEIR_WRITABLE);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 0);
}

static void
pause_watch(void *data, uint32_t ready)
{
    (void)data;
    (void)ready;
    calls++;
    weir_watch_set(watch, 0);
}

static void
test_a_watch_may_pause_itself(void **state)
{
    (void)state;
    watch = weir_watch_start(&pool, fds[0], WEIR_WRITABLE, pause_watch, NULL);
    wr_loop_turn(loop, 0);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_timer_ends_with_its_pool),
        TEST(test_a_timer_may_end_its_own_pool),
        TEST(test_a_stopped_timer_may_be_set_again),
        TEST(test_a_watch_tells_what_it_was_asked_for),
        TEST(test_a_paused_watch_says_nothing_of_a_hang_up),
        TEST(test_a_watch_may_begin_paused),
        TEST(test_a_watch_that_began_paused_ends_with_its_pool),
        TEST(test_a_stopped_watch_stays_stopped),
        TEST(test_a_watch_may_pause_itself),
    };

    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
