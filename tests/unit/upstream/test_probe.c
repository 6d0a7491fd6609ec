/* What is learned from checks, and which worker makes them. */
#include "worker.h"

#include "upstream/probe.h"

static struct wr_probe probes[3];

/* u is checked from now on. */
static void
check_group(weir_upstream *u, struct wr_probe *probe)
{
    *probe = (struct wr_probe){ .interval_ms = 1000,
                                .fails = 2,
                                .passes = 3,
                                .match_name = WEIR_STR(""),
                                .group = u,
                                .owner = (uint64_t)(probe - probes) + 1 };
    u->probe = probe;
}

static uint32_t
flags(const struct worker *w)
{
    return weir_upstream_peer(w->u, 0)->flags;
}

static void
learn(struct worker *w, const char *fault)
{
    uint64_t now = wr_clock.now_ms;

    wr_probe_learn(w->u->probe, wr_group_peer(w->u, 0), fault);
    wr_clock.now_ms = now; /* a line in the log reads the clock */
}

static void
test_fails_and_passes_in_a_row_decide(void **state)
{
    struct worker w;

    (void)state;
    worker_load(&w, "z:64k", 2, 0);
    check_group(w.u, &probes[0]);
    learn(&w, "status");
    learn(&w, NULL);
    learn(&w, "status");
    assert_int_equal(flags(&w), 0);
    learn(&w, "status");
    assert_int_equal(flags(&w), WEIR_PEER_UNHEALTHY);
    learn(&w, NULL);
    learn(&w, NULL);
    learn(&w, "no response");
    learn(&w, NULL);
    learn(&w, NULL);
    assert_int_equal(flags(&w), WEIR_PEER_UNHEALTHY);
    learn(&w, NULL);
    assert_int_equal(flags(&w), 0);
    wr_pool_destroy(&w.pool);
}

static void
test_who_is_well_again_starts_slowly(void **state)
{
    struct worker w;
    struct wr_group_server slow = worker_server(0);

    (void)state;
    worker_load(&w, "z:64k", 0, 0);
    slow.slow_start_ms = 10000;
    assert_true(wr_group_add(w.u, WEIR_STR("127.0.0.1:80"), 0, &slow, NULL));
    check_group(w.u, &probes[0]);
    learn(&w, "status");
    learn(&w, "status");
    for (int i = 0; i < 3; i++) {
        learn(&w, NULL);
    }
    assert_int_equal(weir_upstream_peer(w.u, 0)->share, 1);
    wr_clock.now_ms += 5000;
    assert_int_equal(wr_peer_share(wr_group_peer(w.u, 0)), 500);
    wr_pool_destroy(&w.pool);
}

static void
test_what_is_not_known_is_decided_by_the_first_results(void **state)
{
    struct worker w;

    (void)state;
    worker_load(&w, "z:64k", 1, 0);
    check_group(w.u, &probes[0]);
    probes[0].passes = probes[0].fails = 1;
    wr_peer_flag(wr_group_peer(w.u, 0), WEIR_PEER_UNKNOWN, true);
    learn(&w, NULL);
    assert_int_equal(flags(&w), 0);
    wr_peer_flag(wr_group_peer(w.u, 0), WEIR_PEER_UNKNOWN, true);
    learn(&w, "status");
    assert_int_equal(flags(&w), WEIR_PEER_UNHEALTHY);
    wr_pool_destroy(&w.pool);
}

/* The lease is for twice the interval. */
static void
test_one_worker_has_the_lease_until_it_ends(void **state)
{
    struct worker a, b;

    (void)state;
    worker_load(&a, "z:64k", 1, 0);
    worker_load(&b, "z:64k", 1, 0);
    worker_start(&a);
    worker_start(&b);
    check_group(a.u, &probes[0]);
    check_group(b.u, &probes[1]);
    assert_true(wr_probe_lease(&probes[0]));
    assert_false(wr_probe_lease(&probes[1]));
    wr_clock.now_ms += 1999;
    assert_false(wr_probe_lease(&probes[1]));
    assert_true(wr_probe_lease(&probes[0])); /* renewed */
    wr_clock.now_ms += 1999;
    assert_false(wr_probe_lease(&probes[1]));
    wr_clock.now_ms += 1; /* it has died */
    assert_true(wr_probe_lease(&probes[1]));
    assert_false(wr_probe_lease(&probes[0]));
    worker_stop(&a);
    worker_stop(&b);
}

static void
test_a_newer_configuration_takes_the_lease(void **state)
{
    struct worker old, new;

    (void)state;
    worker_load(&old, "z:64k", 1, 0);
    wr_clock.now_ms += 10;
    worker_load(&new, "z:64k", 1, 0);
    worker_start(&old);
    worker_start(&new);
    check_group(old.u, &probes[0]);
    check_group(new.u, &probes[1]);
    assert_true(wr_probe_lease(&probes[0]));
    assert_true(wr_probe_lease(&probes[1]));
    assert_false(wr_probe_lease(&probes[0]));
    worker_stop(&old);
    worker_stop(&new);
}

static void
test_without_a_zone_every_worker_checks(void **state)
{
    struct worker a;

    (void)state;
    worker_load(&a, "z:64k", 1, 0);
    check_group(a.u, &probes[0]);
    assert_true(wr_probe_lease(&probes[0]));
    wr_pool_destroy(&a.pool);
}

/* What a reload makes of what is known: of a group that is checked no more nothing stays; where
 * checks come first they come first again, but for what is persistent. */
static void
test_a_reload_asks_anew_unless_persistent(void **state)
{
    static const struct {
        bool checked, first, persistent;
        uint32_t flags;
    } cases[] = {
        { false, false, false, 0 },
        { true, false, false, WEIR_PEER_UNHEALTHY },
        { true, true, false, WEIR_PEER_UNKNOWN },
        { true, true, true, WEIR_PEER_UNHEALTHY },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct worker old, new;
        worker_load(&old, "z:64k", 1, 0);
        worker_start(&old);
        check_group(old.u, &probes[0]);
        learn(&old, "status");
        learn(&old, "status");
        wr_clock.now_ms += 10;
        worker_load(&new, "z:64k", 1, 0);
        if (cases[i].checked) {
            check_group(new.u, &probes[1]);
            probes[1].persistent = cases[i].persistent;
            new.u->checks_first = cases[i].first;
        }
        worker_start(&new);
        assert_int_equal(flags(&new), cases[i].flags);
        worker_stop(&old);
        worker_stop(&new);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, worker_setup)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fails_and_passes_in_a_row_decide),
        TEST(test_who_is_well_again_starts_slowly),
        TEST(test_what_is_not_known_is_decided_by_the_first_results),
        TEST(test_one_worker_has_the_lease_until_it_ends),
        TEST(test_a_newer_configuration_takes_the_lease),
        TEST(test_without_a_zone_every_worker_checks),
        TEST(test_a_reload_asks_anew_unless_persistent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
