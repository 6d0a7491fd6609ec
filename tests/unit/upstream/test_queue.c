/* Who waits for a peer, in which order, and how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/pool.h"
#include "upstream/queue.h"

enum { TURNS = 200, PATIENCE_MS = 10 };

/* One exchange. */
struct user {
    struct wr_attempt a;
    struct wr_queue_place place;
    int order, result; /* order: 0 not called; in which it was */
};

static struct wr_loop *loop;
static weir_pool *pool;
static weir_upstream *u;
static struct user users[4];
static int calls;

static void
add(const char *address, uint32_t max_conns)
{
    struct wr_group_server like = { .weight = 1, .max_conns = max_conns };

    assert_true(wr_group_add(u, weir_str_c(address), 80, &like, NULL));
}

static int
setup(void **state)
{
    (void)state;
    loop = wr_loop_create();
    pool = wr_pool_create("test", NULL);
    u = wr_group_create(pool, WEIR_STR("g"));
    add("127.0.0.1", 1);
    u->queue = wr_queue_create(u, 2, 60000);
    calls = 0;
    for (int i = 0; i < 4; i++) {
        users[i] = (struct user){ .order = 0 };
        wr_attempt_init(&users[i].a, u, NULL, pool);
    }
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    wr_pool_destroy(&pool);
    wr_loop_destroy(&loop);
    return 0;
}

static void
over(struct wr_queue_place *place, int result)
{
    struct user *x = WR_CONTAINER(place, struct user, place);

    x->order = ++calls;
    x->result = result;
}

/* WEIR_OK: has a peer; WEIR_AGAIN: waits. */
static int
begin(int i)
{
    struct wr_group_peer *p;
    int rc = wr_balance_pick(u, &users[i].a, &p);

    return rc == WEIR_LIMIT ? wr_queue_wait(u, &users[i].a, &users[i].place, over) : rc;
}

static void
end(int i)
{
    wr_balance_done(u, &users[i].a, users[i].a.peer, WEIR_OK);
}

static void
turn_until_calls(int n)
{
    for (int i = 0; i < TURNS && calls < n; i++) {
        wr_loop_turn(loop, PATIENCE_MS);
    }
    assert_int_equal(calls, n);
}

static void
test_who_waits_is_served_in_order(void **state)
{
    (void)state;
    assert_int_equal(begin(0), WEIR_OK);
    assert_int_equal(begin(1), WEIR_AGAIN);
    assert_int_equal(begin(2), WEIR_AGAIN);
    end(0);
    turn_until_calls(1);
    assert_int_equal(users[1].order, 1);
    assert_int_equal(users[1].result, WEIR_OK);
    assert_non_null(users[1].a.peer);
    end(1);
    turn_until_calls(2);
    assert_int_equal(users[2].order, 2);
    end(2);
}

static void
test_nobody_passes_who_waits(void **state)
{
    (void)state;
    assert_int_equal(begin(0), WEIR_OK);
    assert_int_equal(begin(1), WEIR_AGAIN);
    end(0); /* a peer is free before the queue is looked at */
    assert_int_equal(begin(2), WEIR_AGAIN);
    turn_until_calls(1);
    assert_int_equal(users[1].order, 1);
    end(1);
    turn_until_calls(2);
    end(2);
    assert_int_equal(begin(3), WEIR_OK); /* the queue is empty */
    end(3);
}

static void
test_a_full_queue_takes_nobody(void **state)
{
    (void)state;
    assert_int_equal(begin(0), WEIR_OK);
    assert_int_equal(begin(1), WEIR_AGAIN);
    assert_int_equal(begin(2), WEIR_AGAIN);
    assert_int_equal(begin(3), WEIR_LIMIT);
    wr_queue_leave(&users[1].place);
    assert_int_equal(begin(3), WEIR_AGAIN);
    end(0);
    turn_until_calls(1);
    assert_int_equal(users[1].order, 0);
    assert_int_equal(users[2].order, 1);
    end(2);
    turn_until_calls(2);
    end(3);
}

static void
test_a_wait_has_an_end(void **state)
{
    (void)state;
    u->queue = wr_queue_create(u, 2, 1);
    assert_int_equal(begin(0), WEIR_OK);
    assert_int_equal(begin(1), WEIR_AGAIN);
    turn_until_calls(1);
    assert_int_equal(users[1].result, WEIR_LIMIT);
    assert_null(users[1].a.peer);
    end(0);
}

/* Another worker's exchange ends, or a peer is well again, without a word. */
static void
test_the_queue_is_looked_at_now_and_then(void **state)
{
    (void)state;
    assert_int_equal(begin(0), WEIR_OK);
    assert_int_equal(begin(1), WEIR_AGAIN);
    wr_loop_turn(loop, 0);
    assert_int_equal(calls, 0);
    wr_group_peer(u, 0)->state->pub.max_conns = 2;
    turn_until_calls(1);
    assert_int_equal(users[1].result, WEIR_OK);
    end(0);
    end(1);
}

static void
test_without_a_live_peer_nobody_waits_on(void **state)
{
    (void)state;
    assert_int_equal(begin(0), WEIR_OK);
    assert_int_equal(begin(1), WEIR_AGAIN);
    assert_int_equal(weir_peer_set_down(u, weir_upstream_peer(u, 0)->id, true), WEIR_OK);
    turn_until_calls(1);
    assert_int_equal(users[1].result, WEIR_ABSENT);
    end(0);
}

/* The first has tried the peer that is free; the second has not. */
static void
test_who_cannot_use_a_free_peer_does_not_hold_up_others(void **state)
{
    struct wr_group_peer *p;

    (void)state;
    add("127.0.0.2", 1);
    assert_int_equal(begin(1), WEIR_OK); /* a */
    p = users[1].a.peer;
    wr_balance_done(u, &users[1].a, p, WEIR_ABSENT);
    assert_int_equal(begin(0), WEIR_OK); /* b */
    assert_int_equal(begin(3), WEIR_OK); /* a */
    assert_ptr_equal(users[3].a.peer, p);
    assert_int_equal(begin(1), WEIR_AGAIN); /* for b */
    assert_int_equal(begin(2), WEIR_AGAIN); /* for either */
    end(3);
    turn_until_calls(1);
    assert_int_equal(users[2].order, 1);
    end(0);
    turn_until_calls(2);
    assert_int_equal(users[1].order, 2);
    end(1);
    end(2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_waits_is_served_in_order),
        TEST(test_nobody_passes_who_waits),
        TEST(test_a_full_queue_takes_nobody),
        TEST(test_a_wait_has_an_end),
        TEST(test_the_queue_is_looked_at_now_and_then),
        TEST(test_without_a_live_peer_nobody_waits_on),
        TEST(test_who_cannot_use_a_free_peer_does_not_hold_up_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
