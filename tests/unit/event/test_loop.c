/* The loop calls what is ready, runs tasks once, and frees what died only when nothing can name it any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/clock.h"
#include "event/loop.h"

static struct wr_loop *loop;

static int
set_up(void **state)
{
    (void)state;
    loop = wr_loop_create();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    wr_loop_destroy(&loop);
    return 0;
}

/* A descriptor that is always readable, and counts how often that was said. */
struct watched {
    struct wr_io io;
    unsigned calls;
    struct watched *removes; /* on being called; NULL: nothing */
};

static void
on_ready(struct wr_io *io, uint32_t events)
{
    struct watched *w = WR_CONTAINER(io, struct watched, io);

    assert_true(events & EPOLLIN);
    w->calls++;
    if (w->removes != NULL) {
        wr_loop_remove(loop, &w->removes->io);
    }
}

static void
watched_open(struct watched *w)
{
    *w = (struct watched){ .io = { .fd = eventfd(1, EFD_CLOEXEC), .ready = on_ready } };
    assert_true(w->io.fd >= 0);
    assert_int_equal(wr_loop_add(loop, &w->io, EPOLLIN), 0);
}

static void
test_a_ready_descriptor_is_told(void **state)
{
    struct watched w;

    (void)state;
    watched_open(&w);
    wr_loop_turn(loop, 1000);
    assert_int_equal(w.calls, 1);
    wr_loop_remove(loop, &w.io);
    wr_loop_turn(loop, 0);
    assert_int_equal(w.calls, 1);
    (void)close(w.io.fd);
}

static void
test_an_io_removed_by_another_of_the_same_turn_is_not_told(void **state)
{
    struct watched a, b;

    (void)state;
    watched_open(&a);
    watched_open(&b);
    a.removes = &b;
    b.removes = &a;
    wr_loop_turn(loop, 1000);
    assert_int_equal(a.calls + b.calls, 1);
    wr_loop_remove(loop, &a.io);
    wr_loop_remove(loop, &b.io);
    (void)close(a.io.fd);
    (void)close(b.io.fd);
}

static void
test_adding_a_closed_descriptor_is_an_error(void **state)
{
    struct wr_io io = { .fd = -1, .ready = on_ready };

    (void)state;
    assert_true(wr_loop_add(loop, &io, EPOLLIN) < 0);
    assert_int_equal(io.events, 0);
}

/* ---- Tasks. ---- */

struct counted {
    struct wr_task task;
    unsigned runs;
    unsigned at; /* when it ran: its place among all that ran */
    bool again;
};

static unsigned runs;

static void
count_run(struct wr_task *t)
{
    struct counted *c = WR_CONTAINER(t, struct counted, task);

    c->runs++;
    c->at = ++runs;
    if (c->again) {
        wr_task_add(loop, t);
    }
}

static void
test_a_task_added_twice_runs_once(void **state)
{
    struct counted c = { .runs = 0 };

    (void)state;
    wr_task_init(&c.task, count_run);
    wr_task_add(loop, &c.task);
    wr_task_add(loop, &c.task);
    wr_loop_turn(loop, 0);
    wr_loop_turn(loop, 0);
    assert_int_equal(c.runs, 1);
}

static void
test_a_removed_task_does_not_run(void **state)
{
    struct counted c = { .runs = 0 };

    (void)state;
    wr_task_init(&c.task, count_run);
    wr_task_add(loop, &c.task);
    wr_task_remove(&c.task);
    wr_task_remove(&c.task);
    wr_loop_turn(loop, 0);
    assert_int_equal(c.runs, 0);
}

static void
test_a_task_that_adds_itself_runs_once_a_turn_and_without_waiting(void **state)
{
    struct counted c = { .again = true };

    (void)state;
    wr_task_init(&c.task, count_run);
    wr_task_add(loop, &c.task);
    for (unsigned i = 1; i <= 5; i++) {
        wr_loop_turn(loop, -1); /* would wait for ever without the task */
        assert_int_equal(c.runs, i);
    }
}

/* A task that has others done, one behind the other. */
struct relay {
    struct wr_task task;
    struct wr_task *next; /* NULL: the last */
    unsigned runs;
    unsigned at; /* as in struct counted */
};

static void
hand_on(struct wr_task *t)
{
    struct relay *r = WR_CONTAINER(t, struct relay, task);

    r->runs++;
    r->at = ++runs;
    if (r->next != NULL) {
        wr_task_add(loop, r->next);
    }
}

static void
test_what_a_task_has_done_is_done_in_the_same_turn(void **state)
{
    struct relay third = { .runs = 0 }, second = { .next = &third.task },
                 first = { .next = &second.task };

    (void)state;
    wr_task_init(&first.task, hand_on);
    wr_task_init(&second.task, hand_on);
    wr_task_init(&third.task, hand_on);
    wr_task_add(loop, &first.task);
    wr_loop_turn(loop, -1);
    assert_int_equal(third.runs, 1);
}

static void
test_what_follows_of_a_task_comes_before_other_tasks(void **state)
{
    struct relay follows = { .runs = 0 }, first = { .next = &follows.task }, other = { .runs = 0 };

    (void)state;
    wr_task_init(&first.task, hand_on);
    wr_task_init(&other.task, hand_on);
    wr_task_init(&follows.task, hand_on);
    wr_task_add(loop, &first.task);
    wr_task_add(loop, &other.task);
    wr_loop_turn(loop, -1);
    assert_true(first.at < follows.at && follows.at < other.at);
}

static void
test_two_tasks_that_call_each_other_run_once_a_turn_each(void **state)
{
    struct relay a = { .runs = 0 }, b = { .next = &a.task };

    (void)state;
    a.next = &b.task;
    wr_task_init(&a.task, hand_on);
    wr_task_init(&b.task, hand_on);
    wr_task_add(loop, &a.task);
    for (unsigned i = 1; i <= 5; i++) {
        wr_loop_turn(loop, -1);
        assert_int_equal(a.runs, i);
        assert_int_equal(b.runs, i);
    }
}

static void
test_last_things_run_behind_all_tasks(void **state)
{
    struct counted last = { .runs = 0 }, a = { .runs = 0 }, b = { .runs = 0 };

    (void)state;
    wr_task_init(&last.task, count_run);
    wr_task_init(&a.task, count_run);
    wr_task_init(&b.task, count_run);
    wr_task_add_last(loop, &last.task);
    wr_task_add(loop, &a.task);
    wr_task_add(loop, &b.task);
    wr_loop_turn(loop, -1);
    assert_true(a.at < b.at && b.at < last.at);
}

static void
add_last(struct wr_task *t)
{
    wr_task_add_last(loop, t);
    t->run = count_run;
}

static void
test_last_things_of_a_turns_end_do_not_wait_for_an_event(void **state)
{
    struct counted c = { .runs = 0 };

    (void)state;
    wr_task_init(&c.task, add_last);
    wr_loop_bury(loop, &c.task, add_last); /* a burial that logs */
    wr_loop_turn(loop, 0);
    assert_int_equal(c.runs, 0);
    wr_loop_turn(loop, -1);
    assert_int_equal(c.runs, 1);
}

static void
test_the_buried_are_freed_at_the_end_of_the_turn(void **state)
{
    struct counted dead = { .runs = 0 }, task = { .runs = 0 };

    (void)state;
    wr_task_init(&dead.task, count_run);
    wr_task_init(&task.task, count_run);
    wr_task_add(loop, &dead.task);
    wr_loop_bury(loop, &dead.task, count_run); /* its task is off the queue by that */
    wr_task_add(loop, &task.task);
    wr_loop_turn(loop, -1);
    assert_int_equal(dead.runs, 1);
    assert_true(task.at < dead.at);
}

/* ---- Timers. ---- */

struct timed {
    struct wr_timer timer;
    unsigned fired;
    uint64_t again_ms; /* UINT64_MAX: not again */
};

static void
on_time(struct wr_timer *t)
{
    struct timed *own = WR_CONTAINER(t, struct timed, timer);

    own->fired++;
    if (own->again_ms != UINT64_MAX) {
        wr_timer_set(loop, t, own->again_ms);
    }
}

static void
test_a_timer_fires_once_and_not_early(void **state)
{
    struct timed t = { .timer.fire = on_time, .again_ms = UINT64_MAX };
    uint64_t began;

    (void)state;
    wr_clock_update();
    began = wr_clock.now_ms;
    wr_timer_set(loop, &t.timer, 20);
    assert_true(wr_timer_running(&t.timer));
    while (t.fired == 0) {
        wr_loop_turn(loop, -1);
    }
    assert_true(wr_clock.now_ms - began >= 20);
    assert_false(wr_timer_running(&t.timer));
    wr_loop_turn(loop, 0);
    assert_int_equal(t.fired, 1);
}

static void
test_a_timer_moved_later_fires_later(void **state)
{
    struct timed t = { .timer.fire = on_time, .again_ms = UINT64_MAX };
    uint64_t began = wr_clock.now_ms;

    (void)state;
    wr_timer_set(loop, &t.timer, 5);
    wr_timer_set(loop, &t.timer, 40);
    while (t.fired == 0) {
        wr_loop_turn(loop, -1);
    }
    assert_true(wr_clock.now_ms - began >= 40);
}

static void
test_a_timer_moved_earlier_fires_earlier(void **state)
{
    struct timed t = { .timer.fire = on_time, .again_ms = UINT64_MAX };

    (void)state;
    wr_timer_set(loop, &t.timer, 3600 * 1000);
    wr_timer_set(loop, &t.timer, 1);
    while (t.fired == 0) {
        wr_loop_turn(loop, 1000);
    }
    assert_int_equal(t.fired, 1);
}

static void
test_a_cleared_timer_does_not_fire(void **state)
{
    struct timed t = { .timer.fire = on_time, .again_ms = UINT64_MAX };

    (void)state;
    wr_timer_set(loop, &t.timer, 0);
    wr_timer_clear(loop, &t.timer);
    wr_timer_clear(loop, &t.timer);
    wr_loop_turn(loop, 0);
    assert_int_equal(t.fired, 0);
}

static void
test_a_timer_set_to_nothing_while_it_fires_waits_for_the_next_turn(void **state)
{
    struct timed t = { .timer.fire = on_time, .again_ms = 0 };

    (void)state;
    wr_timer_set(loop, &t.timer, 0);
    wr_loop_turn(loop, -1);
    assert_int_equal(t.fired, 1);
    while (t.fired == 1) {
        wr_loop_turn(loop, -1);
    }
    assert_int_equal(t.fired, 2);
    wr_timer_clear(loop, &t.timer);
}

static void
test_a_timer_that_rests_does_not_fire_and_can_be_set_again(void **state)
{
    struct timed t = { .timer.fire = on_time, .again_ms = UINT64_MAX };

    (void)state;
    wr_timer_set(loop, &t.timer, 1);
    wr_timer_rest(&t.timer);
    assert_false(wr_timer_running(&t.timer));
    for (int i = 0; i < 3; i++) {
        wr_loop_turn(loop, 2);
    }
    assert_int_equal(t.fired, 0);
    wr_timer_set(loop, &t.timer, 1);
    wr_timer_rest(&t.timer);
    wr_timer_set(loop, &t.timer, 2);
    while (t.fired == 0) {
        wr_loop_turn(loop, -1);
    }
    wr_timer_set(loop, &t.timer, 1000);
    wr_timer_rest(&t.timer);
    wr_timer_clear(loop, &t.timer); /* before its memory goes */
    assert_false(wr_heap_holds(&t.timer.node));
}

static void
test_a_time_past_the_end_of_time_is_never(void **state)
{
    struct timed t = { .timer.fire = on_time, .again_ms = UINT64_MAX };

    (void)state;
    wr_timer_set(loop, &t.timer, UINT64_MAX);
    wr_loop_turn(loop, 0);
    assert_int_equal(t.fired, 0);
    assert_true(wr_timer_running(&t.timer));
    wr_timer_clear(loop, &t.timer);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_ready_descriptor_is_told),
        TEST(test_an_io_removed_by_another_of_the_same_turn_is_not_told),
        TEST(test_adding_a_closed_descriptor_is_an_error),
        TEST(test_a_task_added_twice_runs_once),
        TEST(test_a_removed_task_does_not_run),
        TEST(test_a_task_that_adds_itself_runs_once_a_turn_and_without_waiting),
        TEST(test_what_a_task_has_done_is_done_in_the_same_turn),
        TEST(test_what_follows_of_a_task_comes_before_other_tasks),
        TEST(test_two_tasks_that_call_each_other_run_once_a_turn_each),
        TEST(test_last_things_run_behind_all_tasks),
        TEST(test_last_things_of_a_turns_end_do_not_wait_for_an_event),
        TEST(test_the_buried_are_freed_at_the_end_of_the_turn),
        TEST(test_a_timer_fires_once_and_not_early),
        TEST(test_a_timer_moved_later_fires_later),
        TEST(test_a_timer_moved_earlier_fires_earlier),
        TEST(test_a_cleared_timer_does_not_fire),
        TEST(test_a_timer_that_rests_does_not_fire_and_can_be_set_again),
        TEST(test_a_timer_set_to_nothing_while_it_fires_waits_for_the_next_turn),
        TEST(test_a_time_past_the_end_of_time_is_never),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
