/* Listening sockets: opened, taken over, passed on, accepted from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/conn.h"
#include "net/listen.h"

static struct wr_err err;

/* An entry at a port that the kernel has just given out and taken back. */
static struct wr_listen
entry(void)
{
    struct wr_listen l = { .addr = { .at.v4 = { .sin_family = AF_INET } } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    l.addr.at.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l.addr.len = sizeof(l.addr.at);
    assert_int_equal(bind(fd, &l.addr.at.any, sizeof(l.addr.at.v4)), 0);
    assert_int_equal(getsockname(fd, &l.addr.at.any, &l.addr.len), 0);
    (void)close(fd);
    return l;
}

static int
option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);

    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static bool
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* The number that the next descriptor will have. */
static int
next_descriptor(void)
{
    int fd = dup(STDERR_FILENO);

    (void)close(fd);
    return fd;
}

static void
test_a_socket_passes_to_the_next_generation(void **state)
{
    struct wr_listen a = entry(), b = entry(), again = a;
    int fd_a, fd_b;

    (void)state;
    a.next = &b;
    assert_true(wr_listen_open_all(&a, NULL, 1, false, &err));
    assert_false(a.inherited);
    fd_a = a.fds[0];
    fd_b = b.fds[0];
    assert_true(wr_listen_open_all(&again, &a, 1, false, &err));
    assert_true(again.inherited);
    assert_int_equal(again.fds[0], fd_a);
    wr_listen_close_unused(&a, &again, true);
    assert_true(is_open(fd_a));
    assert_false(is_open(fd_b));
    assert_int_equal(option(fd_a, SOL_SOCKET, SO_ACCEPTCONN), 1);
    wr_listen_close_all(&again, false);
    assert_false(is_open(fd_a));
}

static void
test_an_address_in_use_is_an_error_that_changes_nothing(void **state)
{
    struct wr_listen a = entry(), fresh = entry(), same = a;
    int unused;

    (void)state;
    assert_true(wr_listen_open_all(&a, NULL, 1, false, &err));
    unused = next_descriptor();
    assert_false(wr_listen_open_all(&same, NULL, 1, false, &err));
    assert_int_equal(next_descriptor(), unused);
    fresh.next = &same;
    err.text[0] = '\0';
    assert_false(wr_listen_open_all(&fresh, NULL, 1, false, &err));
    assert_int_equal(next_descriptor(), unused);
    assert_non_null(strstr(err.text, "bind() to 127.0.0.1:"));
    assert_non_null(strstr(err.text, "Address already in use"));
    assert_null(fresh.fds);
    assert_true(wr_listen_open_all(&fresh, NULL, 1, true, &err));
    assert_int_equal(same.n_fds, 0);
    wr_listen_close_all(&fresh, false);
    assert_true(is_open(a.fds[0]));
    wr_listen_close_all(&a, false);
}

static void
test_reuseport_opens_a_socket_a_worker(void **state)
{
    struct wr_listen two = entry(), three = two, one = two;

    (void)state;
    two.options.reuseport = three.options.reuseport = true;
    assert_true(wr_listen_open_all(&two, NULL, 2, false, &err));
    assert_int_equal(two.n_fds, 2);
    assert_true(wr_listen_open_all(&three, &two, 3, false, &err));
    assert_int_equal(three.n_fds, 3);
    assert_int_equal(three.fds[1], two.fds[1]);
    assert_true(wr_listen_open_all(&one, &three, 3, false, &err));
    assert_int_equal(one.n_fds, 1);
    wr_listen_close_unused(&two, &three, true);
    wr_listen_close_unused(&three, &one, true);
    wr_listen_close_all(&one, false);
}

static void
test_options_reach_the_socket(void **state)
{
    struct wr_listen l = entry(), changed;

    (void)state;
    l.options = (struct wr_listen_options){
        .rcvbuf = 65536, .fastopen = 5, .keepalive = true, .keepalive_set = true, .keep_idle = 77
    };
    assert_true(wr_listen_open_all(&l, NULL, 1, false, &err));
    assert_int_equal(option(l.fds[0], SOL_SOCKET, SO_RCVBUF), 2 * 65536); /* socket(7): doubled */
    assert_int_equal(option(l.fds[0], SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(l.fds[0], IPPROTO_TCP, TCP_KEEPIDLE), 77);
    assert_int_equal(option(l.fds[0], IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(l.fds[0], IPPROTO_TCP, TCP_FASTOPEN), 5);
    assert_int_equal(option(l.fds[0], IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
    changed = l;
    changed.options.keep_idle = 78;
    changed.options.deferred = true;
    assert_true(wr_listen_open_all(&changed, &l, 1, false, &err));
    assert_int_equal(option(l.fds[0], IPPROTO_TCP, TCP_KEEPIDLE), 78);
    assert_true(option(l.fds[0], IPPROTO_TCP, TCP_DEFER_ACCEPT) > 0);
    wr_listen_close_unused(&l, &changed, true);
    wr_listen_close_all(&changed, false);
}

static void
test_descriptors_go_to_another_binary_and_come_back(void **state)
{
    struct wr_listen a = entry(), b = entry(), *back;
    struct weir_pool *pool = wr_pool_create("test", NULL);
    char text[64];
    struct wr_strbuf to = wr_strbuf_over(text, sizeof(text));
    uint32_t found = 0;

    (void)state;
    a.next = &b;
    b.options.reuseport = true;
    assert_true(wr_listen_open_all(&a, NULL, 2, false, &err));
    wr_listen_export(&a, &to);
    back = wr_listen_import(pool, wr_strbuf_view(&to), &err);
    for (const struct wr_listen *l = back; l != NULL; l = l->next) {
        const struct wr_listen *from = wr_addr_eq(&l->addr, &a.addr) ? &a : &b;
        assert_true(wr_addr_eq(&l->addr, &from->addr));
        assert_int_equal(l->n_fds, from->n_fds);
        assert_memory_equal(l->fds, from->fds, l->n_fds * sizeof(int));
        found++;
    }
    assert_int_equal(found, 2);
    wr_listen_close_all(back, false);
    assert_null(wr_listen_import(pool, WEIR_STR("1;x;"), &err));
    assert_null(wr_listen_import(pool, WEIR_STR("1"), &err));
    free(a.fds);
    free(b.fds);
    wr_pool_destroy(&pool);
}

static struct wr_listen
unix_entry(const char *path)
{
    struct wr_listen l = { .next = NULL };
    char text[128];

    (void)snprintf(text, sizeof(text), "unix:%s", path);
    assert_true(wr_addr_parse(weir_str_c(text), 0, false, &l.addr, &err));
    return l;
}

static void
test_a_dead_servers_unix_socket_is_replaced_and_a_living_ones_is_not(void **state)
{
    char folder[] = "/tmp/weir-listen-XXXXXX", path[64];
    struct wr_listen a, b;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/s", folder);
    a = unix_entry(path);
    b = a;
    assert_true(wr_listen_open_all(&a, NULL, 1, false, &err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666);
    assert_false(wr_listen_open_all(&b, NULL, 1, false, &err));
    wr_listen_close_all(&a, false); /* as a killed process leaves it */
    assert_int_equal(stat(path, &st), 0);
    assert_true(wr_listen_open_all(&b, NULL, 1, false, &err));
    wr_listen_close_all(&b, true);
    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(rmdir(folder), 0);
}

/* ---- Accepting. ---- */

static uint32_t taken;
static int last_fd;

static void
take(struct wr_listen *l, int fd, const union wr_peer_addr *peer)
{
    assert_non_null(l);
    assert_int_equal(peer->family, AF_INET);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    last_fd = fd;
    taken++;
}

static int
client(const struct wr_listen *l)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &l->addr.at.any, sizeof(l->addr.at.v4)), 0);
    return fd;
}

static void
test_one_connection_an_event_unless_multi_accept(void **state)
{
    struct wr_loop *loop = wr_loop_create();
    struct wr_listen l = entry();
    int clients[3], servers[3];

    (void)state;
    l.accepted = take;
    taken = 0;
    assert_true(wr_listen_open_all(&l, NULL, 1, false, &err));
    wr_listen_start(&l, 0);
    for (int i = 0; i < 3; i++) {
        clients[i] = client(&l);
    }
    wr_loop_turn(loop, 1000);
    assert_int_equal(taken, 1);
    servers[0] = last_fd;
    l.multi_accept = true;
    wr_loop_turn(loop, 1000);
    assert_int_equal(taken, 3);
    wr_listen_stop(&l);
    servers[1] = client(&l);
    wr_loop_turn(loop, 10);
    assert_int_equal(taken, 3);
    for (int i = 0; i < 3; i++) {
        (void)close(clients[i]);
    }
    (void)close(servers[0]);
    (void)close(servers[1]);
    (void)close(last_fd);
    wr_listen_close_all(&l, false);
    wr_loop_destroy(&loop);
}

static void
test_accepting_stops_short_of_the_last_descriptors_and_resumes(void **state)
{
    struct wr_loop *loop = wr_loop_create();
    struct wr_listen l = entry();
    struct rlimit before, now;
    int fill[64], n = 0, clients[2];

    (void)state;
    l.accepted = take;
    taken = 0;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    now = before;
    now.rlim_cur = 64;
    assert_true(wr_listen_open_all(&l, NULL, 1, false, &err));
    clients[0] = client(&l);
    clients[1] = client(&l);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    wr_listen_start(&l, 0);
    do {
        fill[n] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    } while (fill[n++] < 64 - 16 - 1);
    wr_loop_turn(loop, 1000); /* takes the first of the last 16, and stops */
    assert_int_equal(taken, 1);
    assert_int_equal(last_fd, 64 - 16);
    wr_loop_turn(loop, 150);
    wr_loop_turn(loop, 10);
    assert_int_equal(taken, 1);
    (void)close(fill[0]);
    (void)close(last_fd);
    for (int i = 0; i < 20 && taken == 1; i++) {
        wr_loop_turn(loop, 150);
    }
    assert_int_equal(taken, 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 1; i < n; i++) {
        (void)close(fill[i]);
    }
    (void)close(last_fd);
    (void)close(clients[0]);
    (void)close(clients[1]);
    wr_listen_stop(&l);
    wr_listen_close_all(&l, false);
    wr_loop_destroy(&loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_socket_passes_to_the_next_generation),
        cmocka_unit_test(test_an_address_in_use_is_an_error_that_changes_nothing),
        cmocka_unit_test(test_reuseport_opens_a_socket_a_worker),
        cmocka_unit_test(test_options_reach_the_socket),
        cmocka_unit_test(test_descriptors_go_to_another_binary_and_come_back),
        cmocka_unit_test(test_a_dead_servers_unix_socket_is_replaced_and_a_living_ones_is_not),
        cmocka_unit_test(test_one_connection_an_event_unless_multi_accept),
        cmocka_unit_test(test_accepting_stops_short_of_the_last_descriptors_and_resumes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
