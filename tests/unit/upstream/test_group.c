/* Whose turn it is in a group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/pool.h"
#include "upstream/group.h"

static struct wr_group_peer
like(uint32_t weight)
{
    return (struct wr_group_peer){ .weight = weight, .max_fails = 1, .fail_timeout_ms = 10000 };
}

static void
add(weir_upstream *u, const char *address, struct wr_group_peer settings)
{
    assert_true(wr_group_add(u, weir_str_c(address), 80, &settings, NULL));
}

static weir_upstream *
group_of(weir_pool *pool)
{
    return wr_group_create(pool, WEIR_STR("g"));
}

/* The last byte of the address of the next peer, as a letter; `-`: none. */
static char
next(weir_upstream *u)
{
    uint64_t tried[2] = { 0, 0 };
    const struct wr_group_peer *p = wr_group_pick(u, tried);

    return p != NULL ? (char)('a' + (ntohl(p->addr.at.v4.sin_addr.s_addr) & 0xff) - 1) : '-';
}

/* Is it its turn within the next two? */
static bool
has_turn(weir_upstream *u, char who)
{
    return next(u) == who || next(u) == who;
}

static weir_pool *pool;

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
    struct wr_group_peer down = like(1);
    uint64_t tried[1] = { 0 };

    (void)state;
    down.down = true;
    add(u, "127.0.0.1:1", down);
    add(u, "127.0.0.2:1", like(1));
    add(u, "127.0.0.3:1", like(1));
    assert_non_null(wr_group_pick(u, tried));
    assert_non_null(wr_group_pick(u, tried));
    assert_int_equal(tried[0], 6);
    assert_null(wr_group_pick(u, tried));
}

static void
test_a_failed_peer_is_left_out_for_fail_timeout(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_peer *a;

    (void)state;
    add(u, "127.0.0.1:1", like(1));
    add(u, "127.0.0.2:1", like(1));
    a = wr_vec_at(&u->peers, struct wr_group_peer, 0);
    wr_group_failed(a);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(next(u), 'b');
    }
    wr_clock.now_ms += 10001;
    assert_true(has_turn(u, 'a')); /* one attempt */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(next(u), 'b'); /* whose result is not known yet */
    }
    wr_clock.now_ms += 5;
    wr_group_worked(a);
    assert_true(has_turn(u, 'a'));
}

static void
test_failures_within_fail_timeout_add_up(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_peer two = like(1), *a;

    (void)state;
    two.max_fails = 2;
    add(u, "127.0.0.1:1", two);
    add(u, "127.0.0.2:1", two);
    a = wr_vec_at(&u->peers, struct wr_group_peer, 0);
    wr_group_failed(a);
    wr_group_worked(a); /* between two failures */
    wr_group_failed(a);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(next(u), 'b');
    }
}

static void
test_backups_serve_when_no_other_is_left(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_peer backup = like(1);

    (void)state;
    backup.backup = true;
    add(u, "127.0.0.2:1", backup);
    add(u, "127.0.0.1:1", like(1));
    assert_int_equal(u->primaries, 1);
    assert_int_equal(next(u), 'a');
    assert_int_equal(next(u), 'a');
    wr_group_failed(wr_vec_at(&u->peers, struct wr_group_peer, 1));
    assert_int_equal(next(u), 'b');
}

static void
test_a_single_peer_is_always_tried(void **state)
{
    weir_upstream *u = group_of(pool);

    (void)state;
    add(u, "127.0.0.1:1", like(1));
    wr_group_failed(wr_vec_at(&u->peers, struct wr_group_peer, 0));
    assert_int_equal(next(u), 'a');
}

static void
test_addresses_are_read_and_wrong_ones_refused(void **state)
{
    static const char *const wrong[] = { "",  "*:80", "80", ":80", "127.0.0.1:0", "127.0.0.1:65536",
                                         "[::1:80", "[x]:80", "unix:", "no host.invalid:80" };
    weir_upstream *u = group_of(pool);
    struct wr_group_peer settings = like(1);

    (void)state;
    add(u, "127.0.0.1", settings);
    add(u, "[::1]:8080", settings);
    add(u, "unix:/tmp/s", settings);
    assert_int_equal(wr_group_count(u), 3);
    assert_string_equal(wr_vec_at(&u->peers, struct wr_group_peer, 0)->text.data, "127.0.0.1:80");
    assert_string_equal(wr_vec_at(&u->peers, struct wr_group_peer, 1)->text.data, "[::1]:8080");
    assert_string_equal(wr_vec_at(&u->peers, struct wr_group_peer, 2)->text.data, "unix:/tmp/s");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct wr_err err = { "" };
        assert_false(wr_group_add(u, weir_str_c(wrong[i]), 80, &settings, &err));
        assert_true(err.text[0] != '\0');
    }
    assert_false(wr_group_add(u, WEIR_STR("127.0.0.1"), 0, &settings, NULL)); /* a port is wanted */
    assert_int_equal(wr_group_count(u), 3);
}

static void
test_a_host_name_stands_for_its_addresses(void **state)
{
    weir_upstream *u = group_of(pool);
    struct wr_group_peer settings = like(3);

    (void)state;
    assert_true(wr_group_add(u, WEIR_STR("localhost:81"), 0, &settings, NULL));
    assert_true(wr_group_count(u) >= 1);
    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        const struct wr_group_peer *p = wr_vec_at(&u->peers, struct wr_group_peer, i);
        assert_int_equal(wr_addr_port(&p->addr), 81);
        assert_int_equal(p->weight, 3);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_turns_follow_weights_smoothly, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tried_and_down_peers_are_not_picked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_peer_is_left_out_for_fail_timeout, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_failures_within_fail_timeout_add_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backups_serve_when_no_other_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_single_peer_is_always_tried, setup, teardown),
        cmocka_unit_test_setup_teardown(test_addresses_are_read_and_wrong_ones_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_host_name_stands_for_its_addresses, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
