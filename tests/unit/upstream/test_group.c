/* Servers from text, whose turn it is among their peers, and peers that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/pool.h"
#include "upstream/balance.h"

static struct wr_group_server
like(uint32_t weight)
{
    return (struct wr_group_server){ .weight = weight, .max_fails = 1, .fail_timeout_ms = 10000 };
}

static void
add(weir_upstream *u, const char *address, struct wr_group_server settings)
{
    assert_true(wr_group_add(u, weir_str_c(address), 80, &settings, NULL));
}

static weir_upstream *
group_of(weir_pool *pool)
{
    return wr_group_create(pool, WEIR_STR("g"));
}

/* The last byte of a peer's address, as a letter. */
static char
letter(const struct wr_group_peer *p)
{
    return (char)('a' + (ntohl(p->addr.at.v4.sin_addr.s_addr) & 0xff) - 1);
}

/* Who is picked next for an attempt, which stays under way; `-`: none alive, `+`: all busy. */
static char
pick(weir_upstream *u, struct wr_attempt *a)
{
    struct wr_group_peer *p = NULL;
    int rc = wr_balance_pick(u, a, &p);

    return rc == WEIR_OK ? letter(p) : rc == WEIR_LIMIT ? '+' : '-';
}

static weir_pool *pool;

/* An exchange that ends with `result`; with whom. */
static char
turn(weir_upstream *u, int result)
{
    struct wr_attempt a;
    char who;

    wr_attempt_init(&a, u, NULL, pool);
    who = pick(u, &a);
    if (a.peer != NULL) {
        wr_balance_done(u, &a, a.peer, result);
    }
    return who;
}

/* One of which nothing is learned. */
static char
next(weir_upstream *u)
{
    return turn(u, WEIR_ABSENT);
}

/* Make the peer of that letter fail, or answer, once. */
static void
use(weir_upstream *u, char who, int result)
{
    for (;;) {
        uint64_t now = wr_clock.now_ms;
        struct wr_attempt a;
        char got;
        wr_attempt_init(&a, u, NULL, pool);
        got = pick(u, &a);
        assert_true(got != '-' && got != '+');
        wr_balance_done(u, &a, a.peer, got == who ? result : WEIR_ABSENT);
        wr_clock.now_ms = now; /* a line in the log reads the clock */
        if (got == who) {
            return;
        }
    }
}

/* Is it its turn within the next three? */
static bool
has_turn(weir_upstream *u, char who)
{
    return next(u) == who || next(u) == who || next(u) == who;
}

static int
setup(void **state)
{
    (void)state;
    pool = wr_pool_create("test", NULL);
    wr_clock.now_ms = 1000000;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    wr_pool_destroy(&pool);
    return 0;
}

/* Weights 5, 1, 1: each in proportion, and the heavy one never more than needed in a row. */
static void
test_turns_follow_weights_smoothly(void **state)
{
    weir_upstream *u = group_of(pool);
    char turns[15] = "";

    (void)state;
    add(u, "127.0.0.1:1", like(5));
    add(u, "127.0.0.2:1", like(1));
    add(u, "127.0.0.3:1", like(1));
    for (int i = 0; i < 14; i++) {
        turns[i] = next(u);
    }
    assert_string_equal(turns, "aabacaaaabacaa");
}

static void
test_tried_and_down_peers_are_not_picked(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_server down = like(1);
    struct wr_attempt a;
    char first, second;

    (void)state;
    down.down = true;
    add(u, "127.0.0.1:1", down);
    add(u, "127.0.0.2:1", like(1));
    add(u, "127.0.0.3:1", like(1));
    wr_attempt_init(&a, u, NULL, pool);
    first = pick(u, &a);
    wr_balance_done(u, &a, a.peer, WEIR_ABSENT);
    second = pick(u, &a);
    wr_balance_done(u, &a, a.peer, WEIR_ABSENT);
    assert_int_equal(a.pub.number, 1);
    assert_true((first == 'b' && second == 'c') || (first == 'c' && second == 'b'));
    assert_int_equal(pick(u, &a), '-');
}

static void
test_a_failed_peer_is_left_out_for_fail_timeout(void **state)
{
    weir_upstream *u = group_of(pool);

    (void)state;
    add(u, "127.0.0.1:1", like(1));
    add(u, "127.0.0.2:1", like(1));
    use(u, 'a', WEIR_ERROR);
    assert_true(weir_upstream_peer(u, 0)->flags & WEIR_PEER_FAILED);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(next(u), 'b');
    }
    wr_clock.now_ms += 10001;
    assert_true(has_turn(u, 'a')); /* one attempt */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(next(u), 'b'); /* whose result is not known yet */
    }
    wr_clock.now_ms += 10001;
    use(u, 'a', WEIR_OK);
    assert_int_equal(weir_upstream_peer(u, 0)->flags, 0);
    assert_true(has_turn(u, 'a'));
    assert_true(has_turn(u, 'a'));
}

static void
test_failures_within_fail_timeout_add_up(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_server two = like(1);

    (void)state;
    two.max_fails = 2;
    add(u, "127.0.0.1:1", two);
    add(u, "127.0.0.2:1", two);
    use(u, 'a', WEIR_TIMEOUT);
    use(u, 'a', WEIR_OK); /* between two failures */
    use(u, 'a', WEIR_ERROR);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(next(u), 'b');
    }
}

static void
test_what_our_side_gave_up_is_no_failure(void **state)
{
    weir_upstream *u = group_of(pool);

    (void)state;
    add(u, "127.0.0.1:1", like(1));
    add(u, "127.0.0.2:1", like(1));
    for (int i = 0; i < 4; i++) {
        use(u, 'a', WEIR_ABSENT);
    }
    assert_int_equal(weir_upstream_peer(u, 0)->fails, 0);
}

static void
test_backups_serve_when_no_other_is_left(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_server backup = like(1);

    (void)state;
    backup.backup = true;
    add(u, "127.0.0.2:1", backup);
    add(u, "127.0.0.1:1", like(1));
    assert_int_equal(next(u), 'a');
    assert_int_equal(next(u), 'a');
    use(u, 'a', WEIR_ERROR);
    assert_int_equal(next(u), 'b');
}

static void
test_a_peer_has_max_conns_at_most(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_server narrow = like(1);
    struct wr_attempt a[4];

    (void)state;
    narrow.max_conns = 1;
    add(u, "127.0.0.1:1", narrow);
    narrow.max_conns = 2;
    add(u, "127.0.0.2:1", narrow);
    for (int i = 0; i < 4; i++) {
        wr_attempt_init(&a[i], u, NULL, pool);
    }
    assert_int_not_equal(pick(u, &a[0]), '+');
    assert_int_not_equal(pick(u, &a[1]), '+');
    assert_int_not_equal(pick(u, &a[2]), '+');
    assert_int_equal(weir_upstream_peer(u, 0)->active, 1);
    assert_int_equal(weir_upstream_peer(u, 1)->active, 2);
    assert_int_equal(pick(u, &a[3]), '+');
    wr_balance_done(u, &a[1], a[1].peer, WEIR_OK);
    assert_int_not_equal(pick(u, &a[3]), '+');
    for (int i = 0; i < 4; i++) {
        if (a[i].peer != NULL) {
            wr_balance_done(u, &a[i], a[i].peer, WEIR_OK);
        }
    }
    assert_int_equal(weir_upstream_peer(u, 0)->active + weir_upstream_peer(u, 1)->active, 0);
}

static void
test_a_busy_group_with_a_dead_backup_is_busy_not_dead(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_server narrow = like(1), backup = like(1);
    struct wr_attempt a, b;

    (void)state;
    narrow.max_conns = 1;
    backup.backup = backup.down = true;
    add(u, "127.0.0.1:1", narrow);
    add(u, "127.0.0.2:1", backup);
    wr_attempt_init(&a, u, NULL, pool);
    wr_attempt_init(&b, u, NULL, pool);
    assert_int_equal(pick(u, &a), 'a');
    assert_int_equal(pick(u, &b), '+');
    wr_balance_done(u, &a, a.peer, WEIR_OK);
}

/* After a failure the weight grows from nothing to all of it: a third of slow_start gone, a peer
 * has a third of its weight, one turn for three of another's. */
static void
test_a_peer_that_is_back_starts_slowly(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_server slow = like(1);
    unsigned turns[2] = { 0, 0 };

    (void)state;
    slow.slow_start_ms = 9000;
    add(u, "127.0.0.1:1", slow);
    add(u, "127.0.0.2:1", like(1));
    use(u, 'a', WEIR_ERROR);
    wr_clock.now_ms += 10001;
    use(u, 'a', WEIR_OK);
    wr_clock.now_ms += 3000;
    for (int i = 0; i < 40; i++) {
        turns[next(u) - 'a']++;
    }
    assert_in_range(turns[0], 9, 11);
    assert_int_equal(weir_upstream_peer(u, 0)->share, 333);
    wr_clock.now_ms += 6000;
    turns[0] = 0;
    for (int i = 0; i < 40; i++) {
        turns[0] += next(u) == 'a';
    }
    assert_in_range(turns[0], 19, 21);
    assert_int_equal(weir_upstream_peer(u, 0)->share, 1000);
}

/* ---- Peers that come and go. ---- */

static struct wr_group_address
address(const char *text)
{
    struct wr_group_address at = { .weight = 0 };

    assert_true(wr_addr_parse(weir_str_c(text), 80, false, &at.addr, NULL));
    return at;
}

static void
test_addresses_of_a_name_are_changed_in_place(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_server name = like(1);
    struct wr_group_address at[3] = { address("127.0.0.1:80"), address("127.0.0.2:80"),
                                      address("127.0.0.3:80") };
    const struct wr_group_server *server;
    uint64_t generation, kept;
    struct wr_attempt a;

    (void)state;
    name.resolve = true;
    assert_true(wr_group_add(u, WEIR_STR("app.invalid"), 80, &name, NULL));
    assert_int_equal(next(u), '-');
    server = *wr_vec_at(&u->servers, struct wr_group_server *, 0);
    assert_int_equal(server->port, 80);
    assert_true(wr_group_set_addresses(u, server, at, 2));
    generation = weir_upstream_generation(u);
    assert_false(wr_group_set_addresses(u, server, at, 2));
    assert_int_equal(weir_upstream_generation(u), generation);
    use(u, 'b', WEIR_ERROR);
    kept = weir_upstream_peer(u, 1)->id;

    wr_attempt_init(&a, u, NULL, pool);
    assert_int_equal(pick(u, &a), 'a'); /* under way while its peer goes */
    assert_true(wr_group_set_addresses(u, server, at + 1, 2));
    assert_int_equal(weir_upstream_count(u), 2);
    assert_true(weir_upstream_generation(u) > generation);
    assert_int_equal(weir_upstream_peer(u, 0)->id, kept);
    assert_int_equal(weir_upstream_peer(u, 0)->fails, 1);
    wr_balance_done(u, &a, a.peer, WEIR_OK);
    assert_int_equal(next(u), 'c');

    assert_true(wr_group_set_addresses(u, server, NULL, 0));
    assert_int_equal(next(u), '-');
}

static void
test_a_record_may_bring_weight_and_priority(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_server name = like(1);
    struct wr_group_address at[2] = { address("127.0.0.1:80"), address("127.0.0.2:80") };

    (void)state;
    name.resolve = true;
    at[0].weight = 7;
    at[1].backup = true;
    assert_true(wr_group_add(u, WEIR_STR("app.invalid"), 80, &name, NULL));
    assert_true(wr_group_set_addresses(u, *wr_vec_at(&u->servers, struct wr_group_server *, 0), at,
                                       2));
    assert_int_equal(weir_upstream_peer(u, 0)->weight, 7);
    assert_int_equal(weir_upstream_peer(u, 1)->flags, WEIR_PEER_BACKUP);
    use(u, 'a', WEIR_ERROR);
    assert_int_equal(next(u), 'b');
}

/* Also when one address is written twice. */
static void
test_ids_are_the_same_for_the_same_name_and_address_alone(void **state)
{
    weir_upstream *u = group_of(pool), *v = group_of(pool);

    (void)state;
    add(u, "127.0.0.1:1", like(1));
    add(u, "127.0.0.1:1", like(1));
    add(u, "127.0.0.2:1", like(1));
    add(v, "127.0.0.2:1", like(5));
    assert_true(weir_upstream_peer(u, 0)->id != weir_upstream_peer(u, 1)->id);
    assert_true(weir_upstream_peer(u, 1)->id != weir_upstream_peer(u, 2)->id);
    assert_true(weir_upstream_peer(u, 2)->id == weir_upstream_peer(v, 0)->id);
}

/* ---- Methods. ---- */

/* What a method was told, and what it says. */
static struct {
    int answer;
    uint32_t choice;
    bool bound;
    int answered, done, result;
    uint32_t pass;
} method;

static int
method_pick(const weir_upstream *u, void *group, weir_attempt *a, uint32_t *i, bool *bound)
{
    (void)u;
    assert_ptr_equal(group, &method);
    method.pass = a->pass;
    *i = method.choice;
    *bound = method.bound;
    return method.answer;
}

static void
method_answered(const weir_upstream *u, void *group, weir_attempt *a, uint32_t i,
                const weir_reply *reply)
{
    (void)u;
    (void)group;
    (void)a;
    assert_int_equal(i, method.choice);
    assert_int_equal(reply->status, 200);
    method.answered++;
}

static void
method_done(const weir_upstream *u, void *group, weir_attempt *a, uint32_t i, int result)
{
    (void)u;
    (void)group;
    (void)a;
    assert_int_equal(i, method.choice);
    method.done++;
    method.result = result;
}

static const weir_balancer balancer = { .size = sizeof(balancer), .pick = method_pick,
                                        .answered = method_answered, .done = method_done };

static void
test_a_method_is_followed_and_told(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_attempt a;
    weir_reply reply = { .status = 200 };

    (void)state;
    memset(&method, 0, sizeof(method));
    add(u, "127.0.0.1:1", like(1));
    add(u, "127.0.0.2:1", like(1));
    u->method = (struct wr_group_method){ &balancer, &method, "test" };
    method.choice = 1;
    wr_attempt_init(&a, u, NULL, pool);
    assert_int_equal(pick(u, &a), 'b');
    wr_balance_answered(u, &a, a.peer, &reply);
    assert_int_equal(method.answered, 1);
    wr_balance_done(u, &a, a.peer, WEIR_OK);
    assert_int_equal(method.done, 1);
    assert_int_equal(method.result, WEIR_OK);
    assert_int_equal(pick(u, &a), 'a'); /* b was tried: not followed */
    method.choice = 0;
    wr_balance_done(u, &a, a.peer, WEIR_CLOSED);
    assert_int_equal(method.result, WEIR_CLOSED);
}

static void
test_only_a_bound_request_reaches_a_draining_peer(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_server drain = like(1);

    (void)state;
    memset(&method, 0, sizeof(method));
    drain.drain = true;
    add(u, "127.0.0.1:1", drain);
    add(u, "127.0.0.2:1", like(1));
    u->beside = (struct wr_group_method){ &balancer, &method, "test" };
    method.bound = true;
    assert_int_equal(next(u), 'a');
    assert_int_equal(weir_peer_set_down(u, weir_upstream_peer(u, 0)->id, true), WEIR_OK);
    method.choice = 1; /* what done is told of */
    u->beside.balancer = NULL;
    assert_int_equal(next(u), 'b');
    assert_int_equal(weir_peer_set_down(u, 1, true), WEIR_ABSENT);
}

static void
test_a_method_is_asked_for_the_backups_apart(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_server backup = like(1);

    (void)state;
    memset(&method, 0, sizeof(method));
    backup.backup = true;
    add(u, "127.0.0.1:1", like(1));
    add(u, "127.0.0.2:1", backup);
    u->method = (struct wr_group_method){ &balancer, &method, "test" };
    method.choice = 1; /* not usable in pass 0 */
    assert_int_equal(weir_peer_set_health(u, weir_upstream_peer(u, 0)->id, false), WEIR_OK);
    assert_int_equal(next(u), 'b');
    assert_int_equal(method.pass, 1);
}

static void
test_a_single_peer_is_always_tried(void **state)
{
    weir_upstream *u = group_of(pool);

    (void)state;
    add(u, "127.0.0.1:1", like(1));
    use(u, 'a', WEIR_ERROR);
    assert_int_equal(next(u), 'a');
}

static void
test_addresses_are_read_and_wrong_ones_refused(void **state)
{
    static const char *const wrong[] = { "",  "*:80", "80", ":80", "127.0.0.1:0", "127.0.0.1:65536",
                                         "[::1:80", "[x]:80", "unix:", "no host.invalid:80" };
    weir_upstream *u = group_of(pool);
    struct wr_group_server settings = like(1);

    (void)state;
    add(u, "127.0.0.1", settings);
    add(u, "[::1]:8080", settings);
    add(u, "unix:/tmp/s", settings);
    assert_int_equal(wr_group_count(u), 3);
    assert_string_equal(wr_group_peer(u, 0)->text.data, "127.0.0.1:80");
    assert_string_equal(wr_group_peer(u, 1)->text.data, "[::1]:8080");
    assert_string_equal(wr_group_peer(u, 2)->text.data, "unix:/tmp/s");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct wr_err err = { "" };
        assert_false(wr_group_add(u, weir_str_c(wrong[i]), 80, &settings, &err));
        assert_true(err.text[0] != '\0');
    }
    assert_false(wr_group_add(u, WEIR_STR("127.0.0.1"), 0, &settings, NULL)); /* a port is wanted */
    assert_int_equal(wr_group_count(u), 3);
}

static void
test_a_host_name_stands_for_the_addresses_it_is_given(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_server settings = like(3), *server;
    struct wr_group_address at = { .weight = 0 };

    (void)state;
    server = wr_group_add(u, WEIR_STR("app.example:81"), 0, &settings, NULL);
    assert_non_null(server);
    assert_true(weir_str_eq(server->host, WEIR_STR("app.example")));
    assert_int_equal(server->port, 81);
    assert_int_equal(wr_group_count(u), 0);
    assert_true(wr_addr_parse(WEIR_STR("192.0.2.1:81"), 0, false, &at.addr, NULL));
    assert_true(wr_group_set_addresses(u, server, &at, 1));
    assert_int_equal(wr_group_count(u), 1);
    assert_int_equal(wr_group_peer(u, 0)->weight, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_turns_follow_weights_smoothly),
        TEST(test_tried_and_down_peers_are_not_picked),
        TEST(test_a_failed_peer_is_left_out_for_fail_timeout),
        TEST(test_failures_within_fail_timeout_add_up),
        TEST(test_what_our_side_gave_up_is_no_failure),
        TEST(test_backups_serve_when_no_other_is_left),
        TEST(test_a_peer_has_max_conns_at_most),
        TEST(test_a_busy_group_with_a_dead_backup_is_busy_not_dead),
        TEST(test_a_peer_that_is_back_starts_slowly),
        TEST(test_addresses_of_a_name_are_changed_in_place),
        TEST(test_a_record_may_bring_weight_and_priority),
        TEST(test_ids_are_the_same_for_the_same_name_and_address_alone),
        TEST(test_a_method_is_followed_and_told),
        TEST(test_only_a_bound_request_reaches_a_draining_peer),
        TEST(test_a_method_is_asked_for_the_backups_apart),
        TEST(test_a_single_peer_is_always_tried),
        TEST(test_addresses_are_read_and_wrong_ones_refused),
        TEST(test_a_host_name_stands_for_the_addresses_it_is_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
