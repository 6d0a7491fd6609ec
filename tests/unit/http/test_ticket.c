/* A ticket resumes its hook once; used twice, late or from the wrong place it is refused and nothing happens. */
#include "toy.h"

#include <pthread.h>
#include <unistd.h>
#include <weir/event.h>

#include "event/wake.h"

static weir_ticket *ticket;
static unsigned cancels, handlers;
static int returns;

static void
cancelled(void *data)
{
    assert_ptr_equal(data, &cancels);
    cancels++;
}

static int
suspend(weir_request *r, const void *conf)
{
    (void)conf;
    handlers++;
    ticket = weir_suspend(r, 0, cancelled, &cancels);
    assert_non_null(ticket);
    assert_null(weir_suspend(r, 0, NULL, NULL)); /* one a hook */
    return returns;
}

static int
set_up(void **state)
{
    ticket = NULL;
    cancels = handlers = 0;
    returns = WEIR_AGAIN;
    return toy_set_up(state);
}

static void
test_a_resumed_hook_is_taken_to_have_returned_that(void **state)
{
    (void)state;
    toy_run(suspend);
    assert_int_equal(toy.heads, 0);
    assert_int_equal(weir_resume(ticket, 404), WEIR_OK);
    assert_int_equal(toy.heads, 0); /* not inside the call */
    toy_turns(2);
    assert_int_equal(toy.heads, 1);
    assert_int_equal(toy.r->pub.status, 404);
    assert_int_equal(handlers, 1);
    assert_int_equal(cancels, 0);
}

static void
test_a_ticket_used_twice_is_refused(void **state)
{
    (void)state;
    toy_run(suspend);
    assert_int_equal(weir_resume(ticket, 404), WEIR_OK);
    assert_int_equal(weir_resume(ticket, 403), WEIR_CLOSED);
    toy_turns(2);
    assert_int_equal(weir_resume(ticket, 403), WEIR_CLOSED);
    assert_int_equal(toy.r->pub.status, 404);
}

static void
test_the_ticket_of_a_request_that_ended_is_refused_and_was_cancelled(void **state)
{
    (void)state;
    toy_run(suspend);
    wr_request_gone(toy.r, 499, false);
    assert_int_equal(cancels, 1);
    assert_int_equal(toy.finishes, 1);
    assert_int_equal(weir_resume(ticket, 404), WEIR_CLOSED);
    toy_turns(2);
    assert_int_equal(toy.heads, 0);
}

static void
test_a_request_that_ends_after_the_resumption_is_not_resumed(void **state)
{
    (void)state;
    toy_run(suspend);
    assert_int_equal(weir_resume(ticket, 404), WEIR_OK);
    wr_request_gone(toy.r, 499, false);
    toy_turns(2);
    assert_int_equal(toy.heads, 0);
    assert_int_equal(cancels, 0); /* it had been resumed */
}

static void
test_the_place_of_an_old_ticket_makes_a_new_one(void **state)
{
    weir_ticket *old;

    (void)state;
    toy_run(suspend);
    old = ticket;
    wr_request_gone(toy.r, 499, false);
    toy_run(suspend);
    assert_ptr_not_equal(old, ticket);
    assert_int_equal(weir_resume(old, 404), WEIR_CLOSED);
    assert_int_equal(weir_resume(ticket, 403), WEIR_OK);
    toy_turns(2);
    assert_int_equal(toy.r->pub.status, 403);
}

static void
test_what_never_was_a_ticket_is_refused(void **state)
{
    (void)state;
    assert_int_equal(weir_resume(NULL, 404), WEIR_CLOSED);
    assert_int_equal(weir_resume((weir_ticket *)(uintptr_t)12345678, 404), WEIR_CLOSED);
    assert_int_equal(weir_resume((weir_ticket *)UINTPTR_MAX, 404), WEIR_CLOSED);
}

static int
suspend_for_a_moment(weir_request *r, const void *conf)
{
    (void)conf;
    ticket = weir_suspend(r, 1, cancelled, &cancels);
    return WEIR_AGAIN;
}

static void
test_a_ticket_nobody_uses_becomes_a_504(void **state)
{
    (void)state;
    toy_run(suspend_for_a_moment);
    while (toy.heads == 0) {
        wr_loop_turn(toy.loop, 100);
    }
    assert_int_equal(toy.r->pub.status, 504);
    assert_int_equal(weir_resume(ticket, 404), WEIR_CLOSED);
}

static void
test_a_ticket_taken_for_nothing_is_cancelled(void **state)
{
    (void)state;
    returns = 404;
    toy_run(suspend);
    assert_int_equal(cancels, 1);
    assert_int_equal(weir_resume(ticket, 403), WEIR_CLOSED);
    assert_int_equal(toy.r->pub.status, 404);
}

static int
say_again(weir_request *r, const void *conf)
{
    (void)r;
    (void)conf;
    return WEIR_AGAIN;
}

static void
test_waiting_without_a_ticket_is_an_error(void **state)
{
    (void)state;
    toy_run(say_again);
    assert_int_equal(toy.r->pub.status, 500);
}

static void
test_outside_of_a_hook_there_is_no_ticket(void **state)
{
    (void)state;
    toy_run(suspend);
    assert_null(weir_suspend(&toy.r->pub, 0, NULL, NULL));
    assert_int_equal(weir_resume(ticket, 404), WEIR_OK);
    toy_turns(2);
    assert_null(weir_suspend(&toy.r->pub, 0, NULL, NULL));
}

static void *
resume_from_thread(void *unused)
{
    (void)unused;
    return weir_resume(ticket, 403) == WEIR_OK ? NULL : &ticket;
}

static void
test_a_thread_may_resume(void **state)
{
    pthread_t thread;
    void *failed;

    (void)state;
    assert_int_equal(wr_wake_open(toy.loop, 1, 1), 0);
    toy_run(suspend);
    assert_int_equal(pthread_create(&thread, NULL, resume_from_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    while (toy.heads == 0) {
        wr_loop_turn(toy.loop, 1000);
    }
    assert_int_equal(toy.r->pub.status, 403);
    wr_wake_close();
}

static void
test_many_tickets_are_told_apart(void **state)
{
    enum { MANY = 1000 };
    static weir_ticket *tickets[MANY];
    static struct wr_request *requests[MANY];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        toy_run(suspend);
        tickets[i] = ticket;
        requests[i] = toy.r;
    }
    for (unsigned i = 0; i < MANY; i++) {
        toy.r = requests[i];
        toy.heads = toy.len = toy.lasts = 0;
        assert_int_equal(weir_resume(tickets[i], 400 + (int)(i % 3)), WEIR_OK);
        toy_turns(1);
        assert_int_equal(toy.heads, 1);
        assert_int_equal(requests[i]->pub.status, 400 + i % 3);
        wr_request_end(toy.r, false);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, toy_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_resumed_hook_is_taken_to_have_returned_that),
        TEST(test_a_ticket_used_twice_is_refused),
        TEST(test_the_ticket_of_a_request_that_ended_is_refused_and_was_cancelled),
        TEST(test_a_request_that_ends_after_the_resumption_is_not_resumed),
        TEST(test_the_place_of_an_old_ticket_makes_a_new_one),
        TEST(test_what_never_was_a_ticket_is_refused),
        TEST(test_a_ticket_nobody_uses_becomes_a_504),
        TEST(test_a_ticket_taken_for_nothing_is_cancelled),
        TEST(test_waiting_without_a_ticket_is_an_error),
        TEST(test_outside_of_a_hook_there_is_no_ticket),
        TEST(test_a_thread_may_resume),
        TEST(test_many_tickets_are_told_apart),
    };

    return cmocka_run_group_tests_name("ticket", tests, NULL, NULL);
}
