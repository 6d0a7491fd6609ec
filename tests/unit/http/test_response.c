/* A response's bytes come out once, in order and whole, or the client is told: whatever sources and filters do. */
#include "course.h"

/* ---- Whole bodies. ---- */

static void
test_a_body_in_memory_goes_out_with_one_last(void **state)
{
    (void)state;
    toy_run(hello);
    toy_assert_body("hello");
    assert_int_equal(toy.lasts, 1);
    assert_false(toy.head_last);
    assert_int_equal(toy.r->answer, WR_ANSWER_LAST);
}

static void
test_without_a_body_the_head_is_the_last(void **state)
{
    (void)state;
    toy_run(empty);
    assert_true(toy.head_last);
    assert_int_equal(toy.r->pub.out_length, 0);
    toy_run(no_content);
    assert_true(toy.head_last);
    toy_assert_body("");
    assert_int_equal(toy.lasts, 0);
}

static void
test_head_has_the_length_and_no_body(void **state)
{
    (void)state;
    toy_run(hello_for_head);
    assert_true(toy.head_last);
    assert_int_equal(toy.r->pub.out_length, 5);
    toy_assert_body("");
}

/* ---- Sources. ---- */

static void
test_a_source_is_asked_until_it_is_done(void **state)
{
    (void)state;
    script = "abc";
    toy_run(from_script);
    toy_assert_body("abc");
    assert_int_equal(toy.lasts, 1);
    assert_int_equal(calls, 4);
}

static void
test_a_source_with_nothing_yet_is_asked_again(void **state)
{
    (void)state;
    script = "a..b.";
    toy_run(from_script);
    toy_turns(5);
    toy_assert_body("ab");
    assert_int_equal(toy.lasts, 1);
}

static void
test_a_source_may_wait_inside_the_handler_that_began_it(void **state)
{
    (void)state;
    script = "aWb";
    toy_run(from_script);
    toy_assert_body("a");
    toy_turns(2);
    assert_int_equal(weir_resume(ticket, WEIR_NEXT), WEIR_OK);
    toy_turns(2);
    toy_assert_body("ab");
    assert_int_equal(toy.lasts, 1);
}

static void
test_what_a_source_gave_before_it_waits_goes_out(void **state)
{
    (void)state;
    script = "w";
    toy_run(from_script);
    toy_assert_body("w");
    assert_int_equal(weir_resume(ticket, WEIR_DONE), WEIR_OK);
    toy_turns(2);
    toy_assert_body("w");
    assert_int_equal(toy.lasts, 1);
}

static void
test_room_does_not_resume_a_source_that_waits(void **state)
{
    (void)state;
    script = "aWb";
    toy_run(from_script);
    toy_drain(100);
    toy_assert_body("a");
    assert_int_equal(calls, 2);
}

static void
test_a_source_that_fails_cuts_the_response(void **state)
{
    (void)state;
    script = "aE";
    toy_run(from_script);
    toy_assert_body("a");
    assert_int_equal(toy.lasts, 0);
    assert_int_equal(toy.finishes, 1);
    assert_true(toy.error);
}

static void
test_a_source_that_is_not_resumed_in_time_cuts_the_response(void **state)
{
    (void)state;
    script = "aW";
    toy_run(from_script);
    assert_int_equal(weir_resume(ticket, WEIR_TIMEOUT), WEIR_OK);
    toy_turns(2);
    assert_int_equal(toy.finishes, 1);
    assert_true(toy.error);
    assert_int_equal(toy.lasts, 0);
}

static void
test_a_slow_client_stops_the_source(void **state)
{
    (void)state;
    script = "abcdef";
    toy.room = 2;
    toy_run(from_script);
    toy_assert_body("ab");
    assert_int_equal(calls, 2);
    toy_drain(1);
    toy_assert_body("abc");
    toy_drain(100);
    toy_assert_body("abcdef");
    assert_int_equal(toy.lasts, 1);
}

/* Never ends, and never gives anything a filter would let through. */
static int
endless(weir_request *r, void *data, weir_chain *out, size_t want)
{
    (void)data;
    (void)want;
    calls++;
    weir_chain_push(out, weir_buf_copy(r->pool, WEIR_STR("x")));
    return WEIR_NEXT;
}

static int
from_endless(weir_request *r, const void *conf)
{
    (void)conf;
    return weir_respond_from(r, 200, endless, NULL);
}

static int
swallow(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    weir_buf *b;

    (void)r;
    (void)conf;
    while ((b = weir_chain_pop(in)) != NULL) {
        if (b->flags & WEIR_BUF_LAST) {
            weir_chain_push(out, weir_buf_mark(r->pool, WEIR_BUF_LAST));
        }
        weir_buf_drop(b);
    }
    return WEIR_NEXT;
}

static void
test_an_endless_source_leaves_the_others_their_turn(void **state)
{
    unsigned after_run;

    (void)state;
    toy_filter(0, swallow, 0);
    toy_run(from_endless);
    after_run = calls;
    assert_true(after_run < 1000);
    toy_turns(1);
    assert_true(calls > after_run); /* and goes on */
}

/* ---- The announced length. ---- */

static int
with_length(weir_request *r, const void *conf)
{
    (void)conf;
    (void)weir_out_length(r, 3);
    return weir_respond_from(r, 200, scripted, NULL);
}

static void
test_a_body_of_the_announced_length_is_whole(void **state)
{
    (void)state;
    script = "abc";
    toy_run(with_length);
    toy_assert_body("abc");
    assert_int_equal(toy.lasts, 1);
}

static void
test_a_body_longer_than_announced_is_cut(void **state)
{
    (void)state;
    script = "abcd";
    toy_run(with_length);
    toy_assert_body("abc");
    assert_int_equal(toy.lasts, 0);
    assert_true(toy.error);
}

static void
test_a_body_shorter_than_announced_is_cut(void **state)
{
    (void)state;
    script = "ab";
    toy_run(with_length);
    assert_int_equal(toy.lasts, 0);
    assert_true(toy.error);
}

/* ---- Header filters. ---- */

static int
wait_in_header(weir_request *r, const void *conf)
{
    (void)conf;
    calls++;
    ticket = weir_suspend(r, 0, NULL, NULL);
    assert_non_null(ticket);
    return WEIR_AGAIN;
}

static int
count_header(weir_request *r, const void *conf)
{
    (void)r;
    (void)conf;
    calls += 100;
    return WEIR_NEXT;
}

static void
test_a_header_filter_may_wait_inside_the_handler(void **state)
{
    (void)state;
    toy_header(0, wait_in_header);
    toy_header(1, count_header);
    toy_run(hello);
    assert_int_equal(toy.heads, 0);
    wr_request_can_send(toy.r); /* is no resumption */
    assert_int_equal(toy.heads, 0);
    assert_int_equal(weir_resume(ticket, WEIR_NEXT), WEIR_OK);
    toy_turns(2);
    assert_int_equal(toy.heads, 1);
    assert_int_equal(calls, 101);
    toy_assert_body("hello");
}

static int
refuse_in_header(weir_request *r, const void *conf)
{
    (void)r;
    (void)conf;
    calls++;
    return 403;
}

static void
test_a_header_filter_may_answer_otherwise_once(void **state)
{
    (void)state;
    toy_header(0, refuse_in_header);
    toy_header(1, count_header);
    toy_run(hello);
    assert_int_equal(calls, 1);
    assert_int_equal(toy.heads, 1);
    assert_int_equal(toy.r->pub.status, 403);
    assert_int_equal(toy.lasts, 1);
    assert_int_equal(toy.r->pub.out_length, toy.len);
}

static int
leave_header(weir_request *r, const void *conf)
{
    (void)r;
    (void)conf;
    return WEIR_DONE;
}

static void
test_a_filter_whose_header_says_done_stays_out(void **state)
{
    (void)state;
    toy_header(0, leave_header);
    toy_filter(0, swallow, 0);
    toy_run(hello);
    toy_assert_body("hello");
}

/* ---- The end. ---- */

static void
test_a_client_that_left_ends_the_request_once(void **state)
{
    (void)state;
    script = "aWb";
    toy_run(from_script);
    wr_request_gone(toy.r, 499, false);
    wr_request_gone(toy.r, 499, false);
    assert_int_equal(toy.finishes, 1);
    assert_int_equal(weir_resume(ticket, WEIR_NEXT), WEIR_CLOSED);
    toy_turns(2);
    toy_assert_body("a");
    assert_int_equal(toy.r->pub.status, 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_body_in_memory_goes_out_with_one_last),
        TEST(test_without_a_body_the_head_is_the_last),
        TEST(test_head_has_the_length_and_no_body),
        TEST(test_a_source_is_asked_until_it_is_done),
        TEST(test_a_source_with_nothing_yet_is_asked_again),
        TEST(test_a_source_may_wait_inside_the_handler_that_began_it),
        TEST(test_what_a_source_gave_before_it_waits_goes_out),
        TEST(test_room_does_not_resume_a_source_that_waits),
        TEST(test_a_source_that_fails_cuts_the_response),
        TEST(test_a_source_that_is_not_resumed_in_time_cuts_the_response),
        TEST(test_a_slow_client_stops_the_source),
        TEST(test_an_endless_source_leaves_the_others_their_turn),
        TEST(test_a_body_of_the_announced_length_is_whole),
        TEST(test_a_body_longer_than_announced_is_cut),
        TEST(test_a_body_shorter_than_announced_is_cut),
        TEST(test_a_header_filter_may_wait_inside_the_handler),
        TEST(test_a_header_filter_may_answer_otherwise_once),
        TEST(test_a_filter_whose_header_says_done_stays_out),
        TEST(test_a_client_that_left_ends_the_request_once),
    };

    return cmocka_run_group_tests_name("response", tests, NULL, NULL);
}
