/* A response's bytes come out once, in order and whole, or the client is told: whatever sources and filters do. */
#include "toy.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static weir_ticket *ticket;
static unsigned calls, cancels;

static int
set_up(void **state)
{
    ticket = NULL;
    calls = cancels = 0;
    return toy_set_up(state);
}

/* ---- Whole bodies. ---- */

static int
hello(weir_request *r, const void *conf)
{
    (void)conf;
    return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("hello"));
}

static int
empty(weir_request *r, const void *conf)
{
    (void)conf;
    return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR(""));
}

static int
no_content(weir_request *r, const void *conf)
{
    (void)conf;
    return weir_respond(r, 204, WEIR_STR("text/plain"), WEIR_STR("hello"));
}

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

static int
hello_for_head(weir_request *r, const void *conf)
{
    r->method = WEIR_HEAD;
    return hello(r, conf);
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

/* ---- Sources: one step a call, told by a letter.
 * a..z: that letter; '.': nothing, but there is more; 'W': wait; 'E': an error; 'D': done; at the end: done. ---- */

static const char *script;

static int
scripted(weir_request *r, void *data, weir_chain *out, size_t want)
{
    char step = *script != '\0' ? *script++ : 'D';

    (void)data;
    assert_true(want != 0);
    calls++;
    switch (step) {
    case '.':
        return WEIR_NEXT;
    case 'W':
        ticket = weir_suspend(r, 0, NULL, NULL);
        assert_non_null(ticket);
        return WEIR_AGAIN;
    case 'w': /* a letter, and then a wait */
        weir_chain_push(out, weir_buf_copy(r->pool, WEIR_STR("w")));
        ticket = weir_suspend(r, 0, NULL, NULL);
        assert_non_null(ticket);
        return WEIR_AGAIN;
    case 'E':
        return WEIR_ERROR;
    case 'D':
        return WEIR_DONE;
    default:
        weir_chain_push(out, weir_buf_copy(r->pool, (weir_str){ &step, 1 }));
        return WEIR_NEXT;
    }
}

static int
from_script(weir_request *r, const void *conf)
{
    (void)conf;
    return weir_respond_from(r, 200, scripted, NULL);
}

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

/* ---- Body filters. ---- */

static int
pass(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    (void)r;
    (void)conf;
    calls++;
    weir_chain_take(out, in);
    return WEIR_NEXT;
}

/* Every byte doubled. */
static int
twice(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    weir_buf *b;

    (void)conf;
    while ((b = weir_chain_pop(in)) != NULL) {
        for (size_t i = 0; i < b->len; i++) {
            assert_non_null(b->data);
            weir_chain_push(out, weir_buf_copy(r->pool, (weir_str){ (const char *)b->data + i, 1 }));
            weir_chain_push(out, weir_buf_copy(r->pool, (weir_str){ (const char *)b->data + i, 1 }));
        }
        weir_chain_push(out, weir_buf_mark(r->pool, b->flags));
        weir_buf_drop(b);
    }
    return WEIR_NEXT;
}

static int
from_script_unknown(weir_request *r, const void *conf)
{
    (void)weir_out_length(r, -1);
    return from_script(r, conf);
}

static void
test_filters_run_in_order(void **state)
{
    (void)state;
    toy_filter(0, pass, 0);
    toy_filter(1, twice, 0);
    toy_filter(2, twice, 0);
    script = "ab";
    toy_run(from_script_unknown);
    toy_assert_body("aaaabbbb");
    assert_int_equal(toy.lasts, 1);
}

static int
lose_last(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    weir_buf *b;

    (void)r;
    (void)conf;
    while ((b = weir_chain_pop(in)) != NULL) {
        b->flags &= ~(uint32_t)WEIR_BUF_LAST;
        weir_chain_push(out, b);
    }
    return WEIR_NEXT;
}

static void
test_a_filter_that_loses_the_end_cuts_the_response(void **state)
{
    (void)state;
    toy_filter(0, lose_last, 0);
    toy_run(hello);
    assert_int_equal(toy.lasts, 0);
    assert_int_equal(toy.finishes, 1);
    assert_true(toy.error);
}

static int
end_early(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    (void)conf;
    weir_chain_take(out, in);
    weir_chain_push(out, weir_buf_mark(r->pool, WEIR_BUF_LAST));
    return WEIR_NEXT;
}

static void
test_a_filter_that_ends_too_early_cuts_the_response(void **state)
{
    (void)state;
    toy_filter(0, end_early, 0);
    script = "ab";
    toy_run(from_script);
    assert_int_equal(toy.lasts, 0);
    assert_true(toy.error);
}

/* One byte a call, the rest stays. */
static int
one_a_call(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    (void)conf;
    weir_chain_move(r->pool, out, in, 1);
    return WEIR_NEXT;
}

static void
test_what_a_filter_keeps_is_presented_again_until_the_end_is_out(void **state)
{
    (void)state;
    toy_filter(0, one_a_call, 0);
    toy_run(hello);
    toy_assert_body("hello");
    assert_int_equal(toy.lasts, 1);
}

static void
test_what_a_filter_keeps_waits_for_the_clients_room(void **state)
{
    (void)state;
    toy_filter(0, one_a_call, 0);
    toy.room = 2;
    toy_run(hello);
    toy_assert_body("he");
    toy_drain(10);
    toy_assert_body("hello");
}

static int
keep_all(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    (void)r;
    (void)conf;
    (void)in;
    (void)out;
    calls++;
    return WEIR_NEXT;
}

static void
test_a_filter_that_keeps_the_end_for_ever_cuts_the_response(void **state)
{
    (void)state;
    toy_filter(0, keep_all, 0);
    toy_run(hello);
    assert_int_equal(toy.finishes, 1);
    assert_true(toy.error);
    assert_true(calls <= 3);
}

static void
test_a_whole_filter_sees_everything_at_once(void **state)
{
    (void)state;
    toy_filter(0, pass, WEIR_HOOK_WHOLE);
    script = "abcdef";
    toy_run(from_script);
    assert_int_equal(calls, 7 + 1); /* the source's, and one of the filter's */
    toy_assert_body("abcdef");
}

/* Waits once with what it has, having let one byte go. */
static bool waited;

static int
wait_once(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    (void)conf;
    if (!waited) {
        waited = true;
        weir_chain_move(r->pool, out, in, 1);
        ticket = weir_suspend(r, 0, NULL, NULL);
        assert_non_null(ticket);
        return WEIR_AGAIN;
    }
    weir_chain_take(out, in);
    return WEIR_NEXT;
}

static void
test_the_filter_that_waits_is_the_one_that_resumes(void **state)
{
    (void)state;
    waited = false;
    toy_filter(0, wait_once, 0);
    toy_filter(1, twice, 0);
    toy_filter(2, pass, 0);
    script = "abcd";
    toy_run(from_script_unknown);
    assert_int_equal(calls, 1);
    toy_turns(2);
    assert_int_equal(weir_resume(ticket, WEIR_NEXT), WEIR_OK);
    toy_turns(2);
    toy_assert_body("aabbccdd");
    assert_int_equal(toy.lasts, 1);
}

static void
test_a_filter_may_wait_while_the_source_does(void **state)
{
    weir_ticket *of_filter;

    (void)state;
    waited = false;
    toy_filter(0, wait_once, 0);
    script = "wb";
    toy_run(from_script); /* "w" comes with the source's wait, and makes the filter wait: that ticket is the later one */
    of_filter = ticket;
    assert_non_null(toy.r->source_suspended);
    assert_non_null(toy.r->suspended);
    assert_int_equal(weir_resume(of_filter, WEIR_NEXT), WEIR_OK);
    toy_turns(2);
    toy_assert_body("w");
    assert_null(toy.r->suspended);
    wr_request_gone(toy.r, 499, false);
    assert_null(toy.r->source_suspended);
}

static void
test_a_filter_that_is_resumed_with_an_error_cuts_the_response(void **state)
{
    (void)state;
    waited = false;
    toy_filter(0, wait_once, 0);
    toy_run(hello);
    assert_int_equal(weir_resume(ticket, WEIR_ERROR), WEIR_OK);
    toy_turns(2);
    assert_true(toy.error);
    assert_int_equal(toy.lasts, 0);
}

static int
say_again(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    (void)r;
    (void)conf;
    (void)in;
    (void)out;
    return WEIR_AGAIN;
}

static void
test_a_filter_that_waits_without_a_ticket_cuts_the_response(void **state)
{
    (void)state;
    toy_filter(0, say_again, 0);
    toy_run(hello);
    assert_true(toy.error);
}

/* ---- Files. ---- */

static int file_fd;

static int
a_file(weir_request *r, const void *conf)
{
    weir_chain body = { NULL, NULL };

    (void)conf;
    r->status = 200;
    weir_chain_push(&body, weir_buf_file(r->pool, file_fd, 0, 100000, false));
    body.tail->flags |= WEIR_BUF_LAST;
    wr_response_begin(wr_request_of(r), &body);
    return WEIR_DONE;
}

static void
open_file(size_t size)
{
    char name[] = "/tmp/weir-test-XXXXXX";
    static char bytes[200000];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)('a' + i % 26);
    }
    file_fd = mkstemp(name);
    assert_true(file_fd >= 0);
    (void)unlink(name);
    assert_int_equal(write(file_fd, bytes, size), size);
}

static void
test_a_file_comes_in_memory_to_filters_that_want_that(void **state)
{
    (void)state;
    open_file(100000);
    toy_filter(0, pass, WEIR_HOOK_FILES);
    toy_filter(1, twice, 0);
    toy_run(a_file);
    assert_int_equal(toy.len, 200000);
    assert_memory_equal(toy.bytes, "aabbcc", 6);
    assert_int_equal(toy.lasts, 1);
    (void)close(file_fd);
}

static void
test_a_file_stays_one_where_nobody_looks_into_it(void **state)
{
    (void)state;
    open_file(100000);
    toy_filter(0, pass, WEIR_HOOK_FILES);
    toy_run(a_file);
    assert_int_equal(toy.len, 100000);
    assert_int_equal(calls, 1);
    assert_int_equal(toy.lasts, 1);
    (void)close(file_fd);
}

static void
test_a_file_that_became_shorter_cuts_the_response(void **state)
{
    (void)state;
    open_file(50000);
    toy_filter(0, pass, 0);
    toy_run(a_file);
    assert_int_equal(toy.len, 50000);
    assert_int_equal(toy.lasts, 0);
    assert_true(toy.error);
    (void)close(file_fd);
}

/* ---- Subrequests. ---- */

static int
main_or_sub(weir_request *r, const void *conf)
{
    (void)conf;
    if (r->flags & WEIR_R_SUBREQUEST) {
        return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("<sub>"));
    }
    (void)weir_out_length(r, -1);
    return from_script(r, conf);
}

/* Puts a subrequest's body in the place of every 'S'. */
static int
include(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    weir_buf *b;

    if (r->flags & WEIR_R_SUBREQUEST) {
        return pass(r, conf, in, out);
    }
    while ((b = weir_chain_pop(in)) != NULL) {
        if (b->len == 1 && b->data[0] == 'S') {
            weir_chain_push(out, weir_sub_buf(r, WEIR_STR("/part")));
            weir_buf_drop(b);
        } else {
            weir_chain_push(out, b);
        }
    }
    return WEIR_NEXT;
}

static void
test_a_subrequests_body_appears_where_a_filter_put_it(void **state)
{
    (void)state;
    toy_filter(0, include, 0);
    script = "aSbSSc";
    toy_run(main_or_sub);
    toy_assert_body("a");
    toy_turns(20);
    toy_assert_body("a<sub>b<sub><sub>c");
    assert_int_equal(toy.lasts, 1);
}

static void
test_a_subrequests_body_that_is_too_long_cuts_the_response(void **state)
{
    (void)state;
    toy_filter(0, include, 0);
    script = "aSb";
    toy.loc_conf.filter_whole = 4; /* "<sub>" has five */
    toy_run(main_or_sub);
    toy_turns(20);
    toy_assert_body("a");
    assert_int_equal(toy.lasts, 0);
    assert_true(toy.error);
}

static void
test_a_subrequests_body_may_be_as_long_as_the_limit(void **state)
{
    (void)state;
    toy_filter(0, include, 0);
    script = "aSb";
    toy.loc_conf.filter_whole = 5;
    toy_run(main_or_sub);
    toy_turns(20);
    toy_assert_body("a<sub>b");
    assert_int_equal(toy.lasts, 1);
}

static int
twice_in_main(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    return r->flags & WEIR_R_SUBREQUEST ? pass(r, conf, in, out) : twice(r, conf, in, out);
}

static void
test_a_subrequests_body_goes_through_the_filters_behind(void **state)
{
    (void)state;
    toy_filter(0, include, 0);
    toy_filter(1, twice_in_main, 0);
    script = "aSb";
    toy_run(main_or_sub);
    toy_turns(20);
    toy_assert_body("aa<<ssuubb>>bb");
    assert_int_equal(toy.lasts, 1);
}

static void
test_a_request_that_ends_takes_its_subrequests_along(void **state)
{
    (void)state;
    toy_filter(0, include, 0);
    script = "aSb";
    toy_run(main_or_sub);
    wr_request_gone(toy.r, 499, false);
    toy_turns(5);
    toy_assert_body("a");
    assert_int_equal(toy.finishes, 1);
    assert_true(wr_list_empty(&toy.r->subs));
}

static weir_chain kept;

static void
keep_body(weir_request *r, void *data, int result, weir_request *sub, weir_chain *body)
{
    (void)r;
    (void)data;
    assert_int_equal(result, WEIR_OK);
    assert_int_equal(sub->status, 200);
    kept = (weir_chain){ NULL, NULL };
    weir_chain_take(&kept, body);
    assert_int_equal(weir_resume(ticket, WEIR_NEXT), WEIR_OK);
}

static int
ask_first(weir_request *r, const void *conf)
{
    weir_sub_options o = { .size = sizeof(o), .target = WEIR_STR("/part"), .keep = 100 };

    if (r->flags & WEIR_R_SUBREQUEST) {
        return main_or_sub(r, conf);
    }
    ticket = weir_suspend(r, 0, NULL, NULL);
    assert_int_equal(weir_subrequest(r, &o, keep_body, NULL), WEIR_OK);
    return WEIR_AGAIN;
}

static void
test_a_kept_body_outlives_its_subrequest(void **state)
{
    weir_str text;

    (void)state;
    toy_run(ask_first);
    toy_turns(10);
    assert_true(wr_list_empty(&toy.r->subs));
    text = weir_chain_str(&toy.pool, &kept, 100);
    assert_int_equal(text.len, 5);
    assert_memory_equal(text.data, "<sub>", 5);
    wr_chain_drop(&kept);
}

/* ---- Pushing, and the end. ---- */

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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, toy_tear_down)

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
        TEST(test_filters_run_in_order),
        TEST(test_a_filter_that_loses_the_end_cuts_the_response),
        TEST(test_a_filter_that_ends_too_early_cuts_the_response),
        TEST(test_what_a_filter_keeps_is_presented_again_until_the_end_is_out),
        TEST(test_what_a_filter_keeps_waits_for_the_clients_room),
        TEST(test_a_filter_that_keeps_the_end_for_ever_cuts_the_response),
        TEST(test_a_whole_filter_sees_everything_at_once),
        TEST(test_the_filter_that_waits_is_the_one_that_resumes),
        TEST(test_a_filter_may_wait_while_the_source_does),
        TEST(test_a_filter_that_is_resumed_with_an_error_cuts_the_response),
        TEST(test_a_filter_that_waits_without_a_ticket_cuts_the_response),
        TEST(test_a_file_comes_in_memory_to_filters_that_want_that),
        TEST(test_a_file_stays_one_where_nobody_looks_into_it),
        TEST(test_a_file_that_became_shorter_cuts_the_response),
        TEST(test_a_subrequests_body_appears_where_a_filter_put_it),
        TEST(test_a_subrequests_body_that_is_too_long_cuts_the_response),
        TEST(test_a_subrequests_body_may_be_as_long_as_the_limit),
        TEST(test_a_subrequests_body_goes_through_the_filters_behind),
        TEST(test_a_request_that_ends_takes_its_subrequests_along),
        TEST(test_a_kept_body_outlives_its_subrequest),
        TEST(test_a_client_that_left_ends_the_request_once),
    };

    return cmocka_run_group_tests_name("response", tests, NULL, NULL);
}
