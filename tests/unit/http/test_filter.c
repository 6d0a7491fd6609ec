/* Body filters see every byte once and in order, keep what they like, and are held to their contract. */
#include "course.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
