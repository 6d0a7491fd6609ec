/* An answer goes to the driver in one piece exactly when nothing has to see it on its way. */
#include "course.h"

static int
passes(weir_request *r, const void *conf)
{
    (void)r;
    (void)conf;
    calls++;
    return WEIR_NEXT;
}

static int
copies(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    (void)r;
    (void)conf;
    weir_chain_take(out, in);
    return WEIR_NEXT;
}

static void
test_an_answer_that_nothing_filters_is_given_whole(void **state)
{
    (void)state;
    toy.takes_whole = true;
    toy_run(hello);
    toy_assert_body("hello");
    assert_int_equal(toy.wholes, 1);
    assert_int_equal(toy.heads, 0);
    assert_int_equal(toy.r->answer, WR_ANSWER_LAST);
    assert_true(toy.r->pub.flags & WEIR_R_HEAD_SENT);
}

static void
test_a_filter_whose_field_did_not_come_is_no_filter(void **state)
{
    (void)state;
    toy.takes_whole = true;
    toy_header(0, passes);
    toy_filter(0, copies, 0);
    toy.header[0].field = WEIR_H_RANGE;
    toy_run(hello);
    assert_int_equal(toy.wholes, 1);
    assert_int_equal(calls, 0);
}

static void
test_a_header_filter_sees_the_answer_before_it_goes(void **state)
{
    (void)state;
    toy.takes_whole = true;
    toy_header(0, passes);
    toy_run(hello);
    assert_int_equal(calls, 1);
    assert_int_equal(toy.wholes, 1);
    assert_int_equal(toy.heads, 0);
    assert_int_equal(toy.r->answer, WR_ANSWER_LAST);
    toy_assert_body("hello");
}

static void
test_what_a_header_filter_lets_a_body_filter_see_goes_in_parts(void **state)
{
    (void)state;
    toy.takes_whole = true;
    toy_header(0, passes);
    toy_filter(0, copies, 0);
    toy_run(hello);
    assert_int_equal(calls, 1);
    assert_int_equal(toy.wholes, 0);
    toy_assert_body("hello");
}

static int
hello_copied(weir_request *r, const void *conf)
{
    weir_chain chain = { NULL, NULL };
    weir_buf *b = weir_buf_copy(r->pool, WEIR_STR("hello"));

    (void)conf;
    b->flags = WEIR_BUF_LAST;
    weir_chain_push(&chain, b);
    r->status = 200;
    r->out_length = 5;
    wr_response_begin(wr_request_of(r), &chain);
    return WEIR_DONE;
}

static void
test_memory_that_may_go_before_the_request_is_not_given_whole(void **state)
{
    (void)state;
    toy.takes_whole = true;
    toy_header(0, passes);
    toy_run(hello_copied);
    assert_int_equal(toy.wholes, 0);
    toy_assert_body("hello");
}

static void
test_a_body_filter_alone_sees_the_answer(void **state)
{
    (void)state;
    toy.takes_whole = true;
    toy_filter(0, copies, 0);
    toy_run(hello);
    assert_int_equal(toy.wholes, 0);
    toy_assert_body("hello");
}

static void
test_what_has_no_body_is_not_given_whole(void **state)
{
    (void)state;
    toy.takes_whole = true;
    toy_run(hello_for_head);
    toy_run(no_content);
    toy_run(empty);
    assert_int_equal(toy.wholes, 0);
    toy_assert_body("");
}

static void
test_a_driver_may_decline_and_gets_it_in_parts(void **state)
{
    (void)state;
    toy_run(hello);
    assert_int_equal(toy.wholes, 0);
    assert_int_equal(toy.heads, 1);
    assert_int_equal(toy.lasts, 1);
    toy_assert_body("hello");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_answer_that_nothing_filters_is_given_whole),
        TEST(test_a_filter_whose_field_did_not_come_is_no_filter),
        TEST(test_a_header_filter_sees_the_answer_before_it_goes),
        TEST(test_what_a_header_filter_lets_a_body_filter_see_goes_in_parts),
        TEST(test_memory_that_may_go_before_the_request_is_not_given_whole),
        TEST(test_a_body_filter_alone_sees_the_answer),
        TEST(test_what_has_no_body_is_not_given_whole),
        TEST(test_a_driver_may_decline_and_gets_it_in_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
