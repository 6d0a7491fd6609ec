/* Peers that are left out for errors in a row, and how many tries may be second ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/pool.h"
#include "upstream/balance.h"
#include "upstream/budget.h"

static weir_pool *pool;
static weir_upstream *u;

static int
setup(void **state)
{
    const struct wr_group_server like = { .weight = 1 };

    (void)state;
    pool = wr_pool_create("test", NULL);
    wr_clock.now_ms = 1000000;
    u = wr_group_create(pool, WEIR_STR("g"));
    for (uint32_t i = 0; i < 4; i++) {
        weir_str at = weir_print(pool, "127.0.0.%u:80", i + 1);
        assert_true(wr_group_add(u, at, 0, &like, NULL));
    }
    u->outlier = (struct wr_group_outlier){
        .errors = 3, .max_percent = 50, .window_ms = 1000, .time_ms = 5000
    };
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    wr_pool_destroy(&pool);
    return 0;
}

/* An exchange with peer i that ends with that status; 0: it failed. */
static void
answer(uint32_t i, uint32_t status)
{
    uint64_t now = wr_clock.now_ms;
    weir_reply reply = { .status = status };
    struct wr_group_peer *p;
    struct wr_attempt a;

    wr_attempt_init(&a, u, NULL, pool);
    do {
        assert_int_equal(wr_balance_pick(u, &a, &p), WEIR_OK);
        if (p->index != i) {
            wr_balance_done(u, &a, p, WEIR_ABSENT);
        }
    } while (a.peer == NULL);
    if (status != 0) {
        wr_balance_answered(u, &a, p, &reply);
    }
    wr_balance_done(u, &a, p, status != 0 ? WEIR_OK : WEIR_ERROR);
    wr_clock.now_ms = now; /* a line in the log reads the clock */
}

static void
answers(uint32_t i, uint32_t status, int times)
{
    while (times-- != 0) {
        answer(i, status);
    }
}

static bool
is_out(uint32_t i)
{
    return (weir_upstream_peer(u, i)->flags & WEIR_PEER_EJECTED) != 0;
}

static bool
is_usable(uint32_t i)
{
    struct wr_attempt a;

    wr_attempt_init(&a, u, NULL, pool);
    return weir_peer_usable(u, &a.pub, i);
}

static void
test_errors_in_a_row_leave_a_peer_out(void **state)
{
    (void)state;
    answers(0, 500, 2);
    answer(0, 0);
    assert_true(is_out(0) && !is_usable(0));
    wr_clock.now_ms += 4999;
    assert_false(is_usable(0));
    wr_clock.now_ms += 1;
    assert_true(is_usable(0));
    assert_false(is_out(0));
}

static void
test_an_answer_between_them_counts_anew(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        answers(0, 503, 2);
        answer(0, 404);
    }
    assert_false(is_out(0));
}

static void
test_errors_of_long_ago_do_not_count(void **state)
{
    (void)state;
    answers(0, 500, 2);
    wr_clock.now_ms += 1001;
    answers(0, 500, 2);
    assert_false(is_out(0));
}

static void
test_no_more_than_the_part_are_left_out(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        answers(i, 500, 3);
    }
    assert_true(is_out(0) && is_out(1));
    assert_false(is_out(2) || is_out(3));
    answers(2, 500, 20);
    assert_false(is_out(2));
}

static void
test_off_is_off(void **state)
{
    (void)state;
    u->outlier.errors = 0;
    answers(0, 500, 50);
    assert_false(is_out(0));
}

/* ---- The retry budget. ---- */

static uint32_t
retries(void)
{
    uint32_t n = 0;

    while (n < 1000000 && wr_group_may_retry(u)) {
        n++;
    }
    return n;
}

static void
requests(int n)
{
    while (n-- != 0) {
        wr_budget_request(u);
    }
}

static void
test_a_fifth_of_the_requests_may_be_tried_again(void **state)
{
    (void)state;
    u->budget_percent = 20;
    u->budget_min = 0;
    for (int i = 0; i < 10; i++) { /* until what fades is made up for */
        requests(1000);
        (void)retries();
        wr_clock.now_ms += 1000;
    }
    requests(1000);
    assert_in_range(retries(), 190, 215); /* of which 4 peers have 4 a second */
}

static void
test_a_few_may_always_be_tried_again(void **state)
{
    (void)state;
    u->budget_percent = 1;
    u->budget_min = 10;
    assert_int_equal(retries(), 20); /* at first two seconds' worth */
    assert_int_equal(retries(), 0);
    for (int i = 0; i < 5; i++) {
        wr_clock.now_ms += 1000;
        assert_int_equal(retries(), 10);
    }
    wr_clock.now_ms += 3600 * 1000;
    assert_int_equal(retries(), 20);
}

/* All servers but one are down, nothing is known yet: the first request reaches that one. */
static void
test_every_peer_may_be_asked_once(void **state)
{
    (void)state;
    u->budget_percent = 20;
    u->budget_min = 0;
    assert_in_range(retries(), 4, 8);
}

static void
test_without_a_budget_all_may(void **state)
{
    (void)state;
    u->budget_percent = 0;
    assert_int_equal(retries(), 1000000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_errors_in_a_row_leave_a_peer_out),
        TEST(test_an_answer_between_them_counts_anew),
        TEST(test_errors_of_long_ago_do_not_count),
        TEST(test_no_more_than_the_part_are_left_out),
        TEST(test_off_is_off),
        TEST(test_a_fifth_of_the_requests_may_be_tried_again),
        TEST(test_a_few_may_always_be_tried_again),
        TEST(test_every_peer_may_be_asked_once),
        TEST(test_without_a_budget_all_may),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
