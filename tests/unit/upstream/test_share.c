/* What workers share of a group in a zone. A second worker is a second configuration over the same
 * regions, or a forked child; who dies, dies without a word. */
#include "worker.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int
pick(struct worker *w, struct wr_attempt *a)
{
    struct wr_group_peer *p;

    wr_attempt_init(a, w->u, NULL, w->pool);
    return wr_balance_pick(w->u, a, &p);
}

static void
done(struct worker *w, struct wr_attempt *a, int result)
{
    uint64_t now = wr_clock.now_ms;

    wr_balance_done(w->u, a, a->peer, result);
    wr_clock.now_ms = now; /* a line in the log reads the clock */
}

static const weir_peer *
peer(const struct worker *w, uint32_t i)
{
    return weir_upstream_peer(w->u, i);
}

static void
test_what_one_worker_sees_all_know(void **state)
{
    struct worker a, b;
    struct wr_attempt x;

    (void)state;
    worker_load(&a, "z:64k", 2, 0);
    worker_load(&b, "z:64k", 2, 0);
    worker_start(&a);
    worker_start(&b);
    assert_ptr_equal(peer(&a, 0), peer(&b, 0));
    assert_string_equal(weir_dup(a.pool, peer(&b, 1)->addr).data, "127.0.0.2:80");
    assert_int_equal(pick(&a, &x), WEIR_OK);
    assert_int_equal(peer(&b, x.peer->index)->active, 1);
    done(&a, &x, WEIR_ERROR);
    assert_int_equal(peer(&b, 0)->active, 0);
    assert_true(peer(&b, 0)->flags & WEIR_PEER_FAILED);
    assert_int_equal(weir_peer_set_down(b.u, peer(&b, 1)->id, true), WEIR_OK);
    assert_int_equal(pick(&a, &x), WEIR_ABSENT);
    worker_stop(&a);
    worker_stop(&b);
}

static void
test_max_conns_holds_for_all_workers_together(void **state)
{
    struct worker a, b;
    struct wr_attempt x, y;

    (void)state;
    worker_load(&a, "z:64k", 1, 1);
    worker_load(&b, "z:64k", 1, 1);
    worker_start(&a);
    worker_start(&b);
    assert_int_equal(pick(&a, &x), WEIR_OK);
    assert_int_equal(pick(&b, &y), WEIR_LIMIT);
    done(&a, &x, WEIR_OK);
    assert_int_equal(pick(&b, &y), WEIR_OK);
    done(&b, &y, WEIR_OK);
    worker_stop(&a);
    worker_stop(&b);
}

static void
test_a_dead_worker_gives_back_what_it_had(void **state)
{
    struct worker a, b;
    struct wr_attempt x, y;
    pid_t child;
    int status;

    (void)state;
    worker_load(&a, "z:64k", 1, 2);
    worker_load(&b, "z:64k", 1, 2);
    worker_start(&a);
    assert_int_equal(pick(&a, &x), WEIR_OK);
    child = fork();
    if (child == 0) {
        worker_start(&b);
        _exit(pick(&b, &y) == WEIR_OK && peer(&b, 0)->active == 2 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(peer(&a, 0)->active, 2);
    worker_start(&b); /* its successor */
    assert_int_equal(peer(&a, 0)->active, 1);
    assert_int_equal(pick(&b, &y), WEIR_OK);
    assert_int_equal(peer(&a, 0)->active, 2);
    done(&b, &y, WEIR_OK);
    done(&a, &x, WEIR_OK);
    assert_int_equal(peer(&a, 0)->active, 0);
    worker_stop(&a);
    worker_stop(&b);
}

/* What an operator changed is what the configuration said, until that is read anew. */
static void
test_a_reload_keeps_failures_and_brings_its_settings(void **state)
{
    struct worker old, new, again;
    struct wr_attempt x;

    (void)state;
    worker_load(&old, "z:64k", 2, 0);
    worker_start(&old);
    assert_int_equal(pick(&old, &x), WEIR_OK);
    done(&old, &x, WEIR_ERROR);
    assert_int_equal(weir_peer_set_down(old.u, peer(&old, 1)->id, true), WEIR_OK);
    wr_clock.now_ms += 100;
    worker_load(&new, "z:64k", 2, 7);
    worker_load(&again, "z:64k", 2, 7);
    worker_start(&new);
    assert_true(peer(&new, 0)->flags & WEIR_PEER_FAILED);
    assert_int_equal(peer(&new, 0)->max_conns, 7);
    assert_int_equal(peer(&new, 1)->flags & WEIR_PEER_DOWN, 0);
    assert_int_equal(weir_peer_set_down(new.u, peer(&new, 1)->id, true), WEIR_OK);
    worker_start(&again); /* another worker of the same configuration */
    assert_true(peer(&new, 1)->flags & WEIR_PEER_DOWN);
    worker_stop(&old);
    worker_stop(&new);
    worker_stop(&again);
}

static void
test_exchanges_that_outlast_their_worker_s_share_end_well(void **state)
{
    struct worker a, b;
    struct wr_attempt x;

    (void)state;
    worker_load(&a, "z:64k", 1, 0);
    worker_load(&b, "z:64k", 1, 0);
    worker_start(&a);
    worker_start(&b);
    assert_int_equal(pick(&a, &x), WEIR_OK);
    wr_share_leave_group(a.u);
    wr_share_leave(a.share);
    assert_int_equal(peer(&b, 0)->active, 0);
    assert_int_equal(peer(&a, 0)->active, 1);
    done(&a, &x, WEIR_OK);
    assert_int_equal(peer(&a, 0)->active, 0);
    wr_pool_destroy(&a.pool);
    worker_stop(&b);
}

/* 32k hold 28 peers: 1k each of what is left for use. Addresses that come and go have room for
 * ever, since those that nobody has make it. */
static void
test_addresses_that_come_and_go_have_room(void **state)
{
    struct worker a;
    struct wr_group_server name = worker_server(0);
    const struct wr_group_server *server;

    (void)state;
    worker_load(&a, "z:32k", 0, 0);
    name.resolve = true;
    assert_true(wr_group_add(a.u, WEIR_STR("app.invalid"), 80, &name, NULL));
    server = *wr_vec_at(&a.u->servers, struct wr_group_server *, 0);
    worker_start(&a);
    for (uint32_t i = 0; i < 300; i++) {
        struct wr_group_address at = { .weight = 0 };
        weir_str text = weir_print(a.pool, "127.0.%u.%u:80", i / 250, i % 250 + 1);
        assert_true(wr_addr_parse(text, 0, false, &at.addr, NULL));
        assert_true(wr_group_set_addresses(a.u, server, &at, 1));
        assert_ptr_not_equal(wr_group_peer(a.u, 0)->state, &wr_group_peer(a.u, 0)->own);
    }
    worker_stop(&a);
}

static void
test_peers_without_room_count_for_themselves(void **state)
{
    struct worker a;
    struct wr_attempt x;

    (void)state;
    worker_load(&a, "z:32k", 60, 0);
    worker_start(&a);
    assert_ptr_equal(wr_group_peer(a.u, 59)->state, &wr_group_peer(a.u, 59)->own);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(pick(&a, &x), WEIR_OK);
        done(&a, &x, WEIR_OK);
    }
    worker_stop(&a);
}

#define TEST(name) cmocka_unit_test_setup(name, worker_setup)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_one_worker_sees_all_know),
        TEST(test_max_conns_holds_for_all_workers_together),
        TEST(test_a_dead_worker_gives_back_what_it_had),
        TEST(test_a_reload_keeps_failures_and_brings_its_settings),
        TEST(test_exchanges_that_outlast_their_worker_s_share_end_well),
        TEST(test_addresses_that_come_and_go_have_room),
        TEST(test_peers_without_room_count_for_themselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
