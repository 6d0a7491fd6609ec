/* Servers that are named by host get the peers of their names; who comes too early waits. The names stand in a file of hosts of
 * this test's own, so that no name server is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "event/loop.h"
#include "net/hosts.h"
#include "upstream/lookup.h"

static char path[] = "/tmp/weir-test-lookup-XXXXXX";
static struct wr_loop *loop;
static weir_pool *pool, *worker;
static struct wr_resolver *resolver;
static weir_upstream *u;
static int told;

static void
write_hosts(const char *text)
{
    assert_int_equal(wr_file_replace(AT_FDCWD, path, weir_str_c(text), 0644), 0);
    wr_clock.now_ms += WR_HOSTS_CHECK_MS; /* for it to be looked at again */
}

static int
set_up(void **state)
{
    int fd;

    (void)state;
    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    loop = wr_loop_create();
    pool = wr_pool_create("conf", NULL);
    worker = wr_pool_create("worker", NULL);
    resolver = wr_resolver_create(pool);
    resolver->hosts = path;
    u = wr_group_create(pool, WEIR_STR("g"));
    told = 0;
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    wr_lookup_stop(u);
    wr_resolver_close(resolver);
    wr_pool_destroy(&worker);
    wr_pool_destroy(&pool);
    wr_loop_destroy(&loop);
    (void)unlink(path);
    return 0;
}

static struct wr_group_server *
add(const char *address, enum wr_lookup_manner manner)
{
    const struct wr_group_server like = { .weight = 2 };
    struct wr_group_server *s = wr_group_add(u, weir_str_c(address), 80, &like, NULL);

    assert_non_null(s);
    wr_lookup_add(u, s, manner, resolver, 1000);
    return s;
}

static void
on_known(struct wr_lookup_wait *w)
{
    (void)w;
    told++;
}

static void
turn(void)
{
    for (int i = 0; i < 4; i++) {
        wr_loop_turn(loop, 1);
    }
}

static void
test_a_resolved_server_has_the_addresses_of_its_name(void **state)
{
    (void)state;
    write_hosts("192.0.2.1 app.example\n192.0.2.2 app.example\n");
    add("app.example:8080", WR_LOOKUP_RESOLVED);
    wr_lookup_start(u, worker);
    assert_int_equal(wr_group_count(u), 0);
    turn();
    assert_int_equal(wr_group_count(u), 2);
    assert_string_equal(wr_group_peer(u, 0)->text.data, "192.0.2.1:8080");
    assert_string_equal(wr_group_peer(u, 1)->text.data, "192.0.2.2:8080");
    assert_int_equal(wr_group_peer(u, 0)->weight, 2);
}

static void
test_who_comes_before_the_first_answer_waits_for_it(void **state)
{
    struct wr_lookup_wait w[2] = { { .fn = NULL } };

    (void)state;
    write_hosts("192.0.2.1 app.example\n");
    add("app.example", WR_LOOKUP_RESOLVED);
    assert_false(wr_lookup_pending(u));
    wr_lookup_start(u, worker);
    assert_true(wr_lookup_pending(u));
    wr_lookup_wait(u, &w[0], on_known);
    wr_lookup_wait(u, &w[1], on_known);
    assert_int_equal(told, 0);
    turn();
    assert_int_equal(told, 2);
    assert_false(wr_lookup_pending(u));
    assert_int_equal(wr_group_count(u), 1);
}

static void
test_who_waits_may_leave(void **state)
{
    struct wr_lookup_wait w[2] = { { .fn = NULL } };

    (void)state;
    wr_lookup_leave(&w[0]); /* waits for nothing */
    write_hosts("192.0.2.1 app.example\n");
    add("app.example", WR_LOOKUP_RESOLVED);
    wr_lookup_start(u, worker);
    wr_lookup_wait(u, &w[0], on_known);
    wr_lookup_wait(u, &w[1], on_known);
    wr_lookup_leave(&w[0]);
    turn();
    assert_int_equal(told, 1);
    wr_lookup_leave(&w[1]); /* is told already */
}

static void
test_a_group_with_a_peer_keeps_nobody_waiting(void **state)
{
    const struct wr_group_server like = { .weight = 1 };

    (void)state;
    assert_non_null(wr_group_add(u, WEIR_STR("192.0.2.9:80"), 0, &like, NULL));
    add("app.example", WR_LOOKUP_RESOLVED);
    wr_lookup_start(u, worker);
    assert_false(wr_lookup_pending(u));
}

static void
test_a_peer_whose_address_stays_is_the_same(void **state)
{
    const struct wr_group_peer *first;

    (void)state;
    write_hosts("192.0.2.1 app.example\n192.0.2.2 app.example\n");
    add("app.example", WR_LOOKUP_RESOLVED);
    wr_lookup_start(u, worker);
    turn();
    assert_int_equal(wr_group_count(u), 2);
    first = wr_group_peer(u, 1);
    write_hosts("192.0.2.3 app.example\n192.0.2.2 app.example\n");
    wr_clock.now_ms += WR_HOSTS_CHECK_MS * 2;
    wr_lookup_stop(u);
    wr_lookup_start(u, worker);
    turn();
    assert_int_equal(wr_group_count(u), 2);
    assert_ptr_equal(wr_group_peer(u, 0), first);
    assert_string_equal(wr_group_peer(u, 1)->text.data, "192.0.2.3:80");
}

static void
test_peers_stand_in_the_order_of_their_servers(void **state)
{
    const struct wr_group_server like = { .weight = 1 };

    (void)state;
    write_hosts("192.0.2.2 b.example\n192.0.2.3 b.example\n192.0.2.5 d.example\n");
    assert_non_null(wr_group_add(u, WEIR_STR("192.0.2.1:80"), 0, &like, NULL));
    add("b.example", WR_LOOKUP_RESOLVED);
    assert_non_null(wr_group_add(u, WEIR_STR("192.0.2.4:80"), 0, &like, NULL));
    add("d.example", WR_LOOKUP_RESOLVED);
    wr_lookup_start(u, worker);
    turn();
    assert_int_equal(wr_group_count(u), 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(wr_group_peer(u, i)->index, i);
        assert_int_equal(wr_group_peer(u, i)->text.data[8], '1' + (int)i);
    }
}

static void
test_a_wanted_name_is_asked_for_when_it_is_wanted(void **state)
{
    struct wr_lookup_wait w = { .fn = NULL };

    (void)state;
    write_hosts("192.0.2.1 app.example\n");
    add("app.example", WR_LOOKUP_WANTED);
    wr_lookup_start(u, worker);
    turn();
    assert_int_equal(wr_group_count(u), 0);
    wr_lookup_want(u);
    assert_true(wr_lookup_pending(u));
    wr_lookup_wait(u, &w, on_known);
    turn();
    assert_int_equal(told, 1);
    assert_int_equal(wr_group_count(u), 1);
    wr_lookup_want(u); /* the answer is still good */
    assert_false(wr_lookup_pending(u));
}

static void
test_a_missing_name_is_told_of(void **state)
{
    const struct wr_group_server *s = add("app.example", WR_LOOKUP_FIXED);

    (void)state;
    assert_ptr_equal(wr_lookup_missing(u), s);
}

static void
test_localhost_is_found_at_load(void **state)
{
    weir_upstream *groups[] = { u };

    (void)state;
    add("localhost:81", WR_LOOKUP_FIXED);
    add("127.0.0.1.localhost:82", WR_LOOKUP_FIXED);
    wr_lookup_load(groups, 1);
    assert_null(wr_lookup_missing(u));
    assert_true(wr_group_count(u) >= 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_resolved_server_has_the_addresses_of_its_name),
        TEST(test_who_comes_before_the_first_answer_waits_for_it),
        TEST(test_who_waits_may_leave),
        TEST(test_a_group_with_a_peer_keeps_nobody_waiting),
        TEST(test_a_peer_whose_address_stays_is_the_same),
        TEST(test_peers_stand_in_the_order_of_their_servers),
        TEST(test_a_wanted_name_is_asked_for_when_it_is_wanted),
        TEST(test_a_missing_name_is_told_of),
        TEST(test_localhost_is_found_at_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
