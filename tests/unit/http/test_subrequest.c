/* What a subrequest answers stands where its parent wants it, whole or not at all, and ends with its parent. */
#include "course.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_subrequests_body_appears_where_a_filter_put_it),
        TEST(test_a_subrequests_body_that_is_too_long_cuts_the_response),
        TEST(test_a_subrequests_body_may_be_as_long_as_the_limit),
        TEST(test_a_subrequests_body_goes_through_the_filters_behind),
        TEST(test_a_request_that_ends_takes_its_subrequests_along),
        TEST(test_a_kept_body_outlives_its_subrequest),
    };

    return cmocka_run_group_tests_name("subrequest", tests, NULL, NULL);
}
