/* Questions and answers over a real socket on loopback; the test is the name server, between turns
 * of the loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pool.h"
#include "event/loop.h"
#include "net/resolve.h"
#include "net/resolve_live.h"

enum { TURNS = 500, PATIENCE_MS = 20, T_A = 1, T_CNAME = 5, T_AAAA = 28, T_SRV = 33 };

static struct wr_loop *loop;
static weir_pool *conf_pool, *owner;
static struct wr_resolver *resolver;
static int server;
static uint32_t counts[WR_RESOLVE_EVENTS];

static void
count(enum wr_resolve_event what)
{
    counts[what]++;
}

static int
open_server(uint16_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void
add_server(uint16_t port)
{
    struct wr_addr *a = wr_vec_add(&resolver->servers);

    a->at.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    a->len = sizeof(a->at.v4);
}

/* The name server's port for streams, at which it listens when an answer is too long. */
static int stream = -1;

static bool
open_stream(uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(stream >= 0);
    if (bind(stream, (struct sockaddr *)&at, sizeof(at)) == 0) {
        return true;
    }
    (void)close(stream);
    return false;
}

static int
set_up(void **state)
{
    uint16_t port;

    (void)state;
    loop = wr_loop_create();
    conf_pool = wr_pool_create("conf", NULL);
    owner = wr_pool_create("owner", NULL);
    resolver = wr_resolver_create(conf_pool);
    resolver->ipv6 = false;
    resolver->hosts = "/nonexistent";
    resolver->count = count;
    memset(counts, 0, sizeof(counts));
    server = open_server(&port);
    while (!open_stream(port)) { /* somebody else has that port for streams */
        (void)close(server);
        server = open_server(&port);
    }
    add_server(port);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    wr_pool_destroy(&owner);
    wr_resolver_close(resolver);
    wr_pool_destroy(&conf_pool);
    (void)close(server);
    (void)close(stream);
    wr_loop_destroy(&loop);
    return 0;
}

/* ---- The name server. ---- */

struct question {
    struct sockaddr_in from;
    uint8_t bytes[512];
    size_t len; /* of the head and the question */
    char name[256];
    uint16_t type;
};

static uint16_t
number(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* False: nothing was asked. */
static bool
take_question(struct question *q)
{
    socklen_t len = sizeof(q->from);
    ssize_t n = recvfrom(server, q->bytes, sizeof(q->bytes), 0, (struct sockaddr *)&q->from, &len);
    size_t at = 12, to = 0;

    if (n <= 12) {
        return false;
    }
    while (q->bytes[at] != 0) {
        memcpy(q->name + to, q->bytes + at + 1, q->bytes[at]);
        to += q->bytes[at];
        q->name[to++] = '.';
        at += q->bytes[at] + 1u;
    }
    q->name[to - 1] = '\0';
    q->type = number(q->bytes + at + 1);
    q->len = at + 5;
    return true;
}

static void
await_question(struct question *q)
{
    for (int i = 0; i < TURNS; i++) {
        if (take_question(q)) {
            return;
        }
        wr_loop_turn(loop, PATIENCE_MS);
    }
    fail_msg("nothing was asked");
}

static void
assert_nothing_asked(void)
{
    struct question q;

    for (int i = 0; i < 3; i++) {
        wr_loop_turn(loop, 1);
    }
    assert_false(take_question(&q));
}

struct reply {
    uint8_t bytes[8192];
    size_t len;
};

static void
put(struct reply *r, const void *bytes, size_t len)
{
    assert_true(r->len + len <= sizeof(r->bytes));
    memcpy(r->bytes + r->len, bytes, len);
    r->len += len;
}

static void
put_number(struct reply *r, uint32_t value, size_t size)
{
    for (size_t i = size; i-- != 0;) {
        uint8_t byte = (uint8_t)(value >> 8 * i);
        put(r, &byte, 1);
    }
}

static void
put_name(struct reply *r, const char *name)
{
    while (*name != '\0') {
        size_t len = strcspn(name, ".");
        put_number(r, (uint32_t)len, 1);
        put(r, name, len);
        name += len + (name[len] == '.' ? 1 : 0);
    }
    put_number(r, 0, 1);
}

static struct reply
begin(const struct question *q, int code)
{
    struct reply r = { .len = 0 };

    put(&r, q->bytes, 2);
    put_number(&r, 0x8180u | (unsigned)code, 2);
    put_number(&r, 1, 2);
    put_number(&r, 0, 2);
    put_number(&r, 0, 4);
    put(&r, q->bytes + 12, q->len - 12);
    return r;
}

static void
put_record(struct reply *r, const char *name, uint16_t type, uint32_t ttl, size_t len)
{
    uint16_t answers = (uint16_t)(number(r->bytes + 6) + 1);

    r->bytes[6] = (uint8_t)(answers >> 8);
    r->bytes[7] = (uint8_t)answers;
    put_name(r, name);
    put_number(r, type, 2);
    put_number(r, 1, 2);
    put_number(r, ttl, 4);
    put_number(r, (uint32_t)len, 2);
}

static void
put_a(struct reply *r, const char *name, uint32_t ttl, const char *addr)
{
    put_record(r, name, T_A, ttl, 4);
    put_number(r, ntohl(inet_addr(addr)), 4);
}

static void
put_srv(struct reply *r, const char *name, unsigned priority, unsigned weight, unsigned port,
        const char *target)
{
    put_record(r, name, T_SRV, 60, 6 + strlen(target) + 2);
    put_number(r, priority, 2);
    put_number(r, weight, 2);
    put_number(r, port, 2);
    put_name(r, target);
}

static void
send_reply(const struct question *q, const struct reply *r)
{
    assert_int_equal(sendto(server, r->bytes, r->len, 0, (const struct sockaddr *)&q->from,
                            sizeof(q->from)),
                     r->len);
}

/* Answer the next question with one address. */
static void
answer(const char *name, uint32_t ttl, const char *addr)
{
    struct question q;
    struct reply r;

    await_question(&q);
    assert_string_equal(q.name, name);
    r = begin(&q, 0);
    put_a(&r, name, ttl, addr);
    send_reply(&q, &r);
}

static void
answer_code(const char *name, int code)
{
    struct question q;
    struct reply r;

    await_question(&q);
    assert_string_equal(q.name, name);
    r = begin(&q, code);
    send_reply(&q, &r);
}

/* Say that the answer does not fit, and give it to whom comes for it. */
static void
reply_over_tcp(const struct question *q, struct reply *r)
{
    struct reply cut = begin(q, 0), framed = { .len = 0 };
    int fd = -1;
    uint8_t question[512];

    assert_int_equal(listen(stream, 1), 0);
    cut.bytes[2] |= 2;
    send_reply(q, &cut);
    for (int i = 0; i < TURNS && fd < 0; i++) {
        wr_loop_turn(loop, PATIENCE_MS);
        fd = accept4(stream, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    assert_true(fd >= 0);
    for (int i = 0; i < TURNS && recv(fd, question, sizeof(question), 0) <= 2; i++) {
        wr_loop_turn(loop, PATIENCE_MS);
    }
    memcpy(r->bytes, question + 2, 2);
    put_number(&framed, (uint32_t)r->len, 2);
    put(&framed, r->bytes, r->len);
    assert_int_equal(send(fd, framed.bytes, framed.len, 0), framed.len);
    (void)close(fd);
}

/* ---- Who asks. ---- */

struct seen {
    int calls;
    bool in_call;
    enum wr_resolve_code code;
    uint64_t until_ms;
    char text[1024]; /* "127.0.0.1:0/priority/weight " each */
    /* what to do when told */
    struct wr_resolve_wait **cancels;
    bool ends_owner;
    struct seen *asks;
};

static void ask(struct seen *s, const char *name);

static void
on_answer(void *data, const struct wr_resolved *a)
{
    struct seen *s = data;
    size_t len = 0;

    assert_false(s->in_call);
    s->calls++;
    s->code = a->code;
    s->until_ms = a->until_ms;
    s->text[0] = '\0';
    for (uint32_t i = 0; i < a->count; i++) {
        const struct wr_resolved_addr *at = &a->at[i];
        len += (size_t)snprintf(s->text + len, sizeof(s->text) - len, "%s%s:%u/%u/%u",
                                i != 0 ? " " : "", inet_ntoa(at->addr.v4.sin_addr),
                                ntohs(at->addr.v4.sin_port), at->priority, at->weight);
    }
    if (s->cancels != NULL) {
        wr_resolve_cancel(*s->cancels);
    }
    if (s->asks != NULL) {
        ask(s->asks, "app.test");
    }
    if (s->ends_owner) {
        wr_pool_destroy(&owner);
    }
}

static struct wr_resolve_wait *
ask_kind(struct seen *s, enum wr_resolve_kind kind, const char *name, uint64_t ms)
{
    struct wr_resolve_wait *w;

    s->in_call = true;
    w = wr_resolve_ask(resolver, owner, kind, weir_str_c(name), ms, on_answer, s);
    s->in_call = false;
    return w;
}

static void
ask(struct seen *s, const char *name)
{
    (void)ask_kind(s, WR_RESOLVE_ADDRS, name, 0);
}

static void
await(const struct seen *s, int calls)
{
    for (int i = 0; i < TURNS && s->calls < calls; i++) {
        wr_loop_turn(loop, PATIENCE_MS);
    }
    assert_int_equal(s->calls, calls);
}

/* ---- Answers. ---- */

static void
test_an_address_is_told_once_from_the_loop(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "App.Test.");
    answer("app.test", 60, "192.0.2.1");
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_FOUND);
    assert_string_equal(s.text, "192.0.2.1:0/0/0");
    assert_int_equal(s.until_ms, wr_clock.now_ms + 60000);
    assert_int_equal(counts[WR_RESOLVE_ASKED], 1);
    assert_int_equal(counts[WR_RESOLVE_GOT_FOUND], 1);
    assert_int_equal(resolver->live->waiting, 0);
}

static void
test_questions_for_a_name_are_joined(void **state)
{
    struct seen s[3] = { { .calls = 0 } };

    (void)state;
    ask(&s[0], "app.test");
    ask(&s[1], "APP.test");
    ask(&s[2], "app.test");
    answer("app.test", 60, "192.0.2.1");
    for (int i = 0; i < 3; i++) {
        await(&s[i], 1);
    }
    assert_nothing_asked();
    assert_int_equal(counts[WR_RESOLVE_JOINED], 2);
}

static void
test_a_good_answer_needs_no_question(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "app.test");
    answer("app.test", 60, "192.0.2.1");
    await(&s, 1);
    ask(&s, "app.test");
    await(&s, 2);
    assert_string_equal(s.text, "192.0.2.1:0/0/0");
    assert_nothing_asked();
    assert_int_equal(counts[WR_RESOLVE_FROM_CACHE], 1);
    assert_non_null(wr_resolve_known(resolver, WR_RESOLVE_ADDRS, WEIR_STR("app.TEST")));
    assert_null(wr_resolve_known(resolver, WR_RESOLVE_SRV, WEIR_STR("app.test")));
}

static void
test_an_answer_of_no_time_is_asked_for_again(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "app.test");
    answer("app.test", 0, "192.0.2.1");
    await(&s, 1);
    assert_null(wr_resolve_known(resolver, WR_RESOLVE_ADDRS, WEIR_STR("app.test")));
    ask(&s, "app.test");
    answer("app.test", 0, "192.0.2.2");
    await(&s, 2);
    assert_string_equal(s.text, "192.0.2.2:0/0/0");
}

static void
test_an_answer_is_forgotten_when_its_time_is_over(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "app.test");
    answer("app.test", 60, "192.0.2.1");
    await(&s, 1);
    wr_clock.now_ms += 60000;
    assert_null(wr_resolve_known(resolver, WR_RESOLVE_ADDRS, WEIR_STR("app.test")));
}

static void
test_valid_stands_for_the_time_of_the_answer(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    resolver->valid_ms = 5000;
    ask(&s, "app.test");
    answer("app.test", 60, "192.0.2.1");
    await(&s, 1);
    assert_int_equal(s.until_ms, wr_clock.now_ms + 5000);
}

static void
test_no_answer_is_believed_for_longer_than_a_day(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "app.test");
    answer("app.test", 0x7fffffff, "192.0.2.1");
    await(&s, 1);
    assert_int_equal(s.until_ms, wr_clock.now_ms + WR_RESOLVE_TTL_MAX_MS);
}

static void
test_that_there_is_no_such_name_is_believed_briefly(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "none.test");
    answer_code("none.test", 3);
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_NONE);
    assert_int_equal(s.until_ms, wr_clock.now_ms + WR_RESOLVE_NONE_MS);
    ask(&s, "none.test");
    await(&s, 2);
    assert_nothing_asked();
    assert_int_equal(counts[WR_RESOLVE_GOT_NONE], 1);
}

static void
test_who_asks_again_does_not_hear_of_it_twice(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "later.test");
    answer_code("later.test", 3);
    await(&s, 1);
    (void)wr_resolve_again(resolver, owner, WR_RESOLVE_ADDRS, WEIR_STR("later.test"), 0, on_answer,
                           &s);
    answer("later.test", 60, "192.0.2.1");
    await(&s, 2);
    (void)wr_resolve_again(resolver, owner, WR_RESOLVE_ADDRS, WEIR_STR("later.test"), 0, on_answer,
                           &s);
    await(&s, 3);
    assert_string_equal(s.text, "192.0.2.1:0/0/0");
    assert_nothing_asked();
}

static void
test_a_server_that_fails_is_a_failure(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "app.test");
    for (int i = 0; i < 8 && s.calls == 0; i++) {
        struct question q;
        wr_loop_turn(loop, PATIENCE_MS);
        if (take_question(&q)) {
            struct reply r = begin(&q, 2);
            send_reply(&q, &r);
        }
    }
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_SERVER);
    assert_int_equal(s.until_ms, wr_clock.now_ms + WR_RESOLVE_FAILED_MS);
}

static void
test_another_server_is_asked_when_one_fails(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;
    uint16_t port;
    int first = server, second = open_server(&port), asked[2] = { 0, 0 };

    (void)state;
    add_server(port);
    ask(&s, "app.test");
    for (int i = 0; i < TURNS && s.calls == 0; i++) {
        wr_loop_turn(loop, PATIENCE_MS);
        server = i % 2 == 0 ? first : second;
        if (take_question(&q)) {
            r = begin(&q, asked[0] + asked[1] == 0 ? 5 : 0); /* the first one refuses */
            if (asked[0] + asked[1] != 0) {
                put_a(&r, "app.test", 60, "192.0.2.1");
            }
            asked[i % 2]++;
            send_reply(&q, &r);
        }
    }
    server = first;
    (void)close(second);
    assert_int_equal(s.calls, 1);
    assert_int_equal(s.code, WR_RESOLVE_FOUND);
    assert_int_equal(asked[0], 1);
    assert_int_equal(asked[1], 1);
}

static void
test_nobody_answers_in_time(void **state)
{
    struct seen s = { .calls = 0 }, later = { .calls = 0 };

    (void)state;
    (void)ask_kind(&s, WR_RESOLVE_ADDRS, "app.test", 5);
    ask(&later, "app.test");
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_TIMEOUT);
    assert_int_equal(later.calls, 0);
    answer("app.test", 60, "192.0.2.1"); /* which the other one still waits for */
    await(&later, 1);
    assert_int_equal(later.code, WR_RESOLVE_FOUND);
    assert_int_equal(s.calls, 1);
}

static void
test_a_stranger_s_answer_is_not_heard(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;
    uint16_t port;
    int stranger = open_server(&port), own = server;

    (void)state;
    ask(&s, "app.test");
    await_question(&q);
    r = begin(&q, 0);
    put_a(&r, "app.test", 60, "192.0.2.66");
    server = stranger;
    send_reply(&q, &r); /* all right, but from another port */
    server = own;
    r.bytes[0] ^= 1;
    send_reply(&q, &r); /* another id */
    for (int i = 0; i < 5; i++) {
        wr_loop_turn(loop, 1);
    }
    assert_int_equal(s.calls, 0);
    r = begin(&q, 0);
    put_a(&r, "app.test", 60, "192.0.2.1");
    send_reply(&q, &r);
    await(&s, 1);
    assert_string_equal(s.text, "192.0.2.1:0/0/0");
    (void)close(stranger);
}

static void
test_records_of_other_names_are_not_believed(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;

    (void)state;
    ask(&s, "app.test");
    await_question(&q);
    r = begin(&q, 0);
    put_a(&r, "bank.test", 60, "192.0.2.66");
    send_reply(&q, &r);
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_NONE);
}

/* ---- Names that are not asked for. ---- */

static void
test_a_bad_name_is_told_and_not_asked(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "a b.test");
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_BAD_NAME);
    ask(&s, "127.0.0.1");
    await(&s, 2);
    assert_int_equal(s.code, WR_RESOLVE_BAD_NAME);
    assert_nothing_asked();
    assert_int_equal(counts[WR_RESOLVE_DENIED], 2);
}

static void
test_localhost_is_not_asked_of_name_servers(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "localhost");
    await(&s, 1);
    assert_string_equal(s.text, "127.0.0.1:0/0/0");
    assert_nothing_asked();
    assert_int_equal(counts[WR_RESOLVE_FROM_HOSTS], 1);
}

/* ---- Ends. ---- */

static void
test_nothing_is_told_after_the_owner_s_end(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    ask(&s, "app.test");
    wr_pool_destroy(&owner);
    answer("app.test", 60, "192.0.2.1");
    assert_nothing_asked();
    assert_int_equal(s.calls, 0);
    assert_int_equal(resolver->live->waiting, 0);
}

static void
test_nothing_is_told_after_a_cancel(void **state)
{
    struct seen s = { .calls = 0 }, other = { .calls = 0 };
    struct wr_resolve_wait *w = ask_kind(&s, WR_RESOLVE_ADDRS, "app.test", 0);

    (void)state;
    ask(&other, "app.test");
    wr_resolve_cancel(w);
    answer("app.test", 60, "192.0.2.1");
    await(&other, 1);
    assert_int_equal(s.calls, 0);
}

static void
test_one_told_may_cancel_the_next(void **state)
{
    struct seen first = { .calls = 0 }, second = { .calls = 0 };
    struct wr_resolve_wait *w;

    (void)state;
    ask(&first, "app.test");
    w = ask_kind(&second, WR_RESOLVE_ADDRS, "app.test", 0);
    first.cancels = &w;
    answer("app.test", 60, "192.0.2.1");
    await(&first, 1);
    assert_nothing_asked();
    assert_int_equal(second.calls, 0);
}

static void
test_one_told_may_end_the_owner_of_all(void **state)
{
    struct seen s[3] = { { .ends_owner = true } };

    (void)state;
    for (int i = 0; i < 3; i++) {
        ask(&s[i], "app.test");
    }
    answer("app.test", 60, "192.0.2.1");
    await(&s[0], 1);
    assert_nothing_asked();
    assert_int_equal(s[1].calls + s[2].calls, 0);
}

static void
test_one_told_may_ask_again_when_the_answer_has_no_time(void **state)
{
    struct seen again = { .calls = 0 }, s = { .asks = &again };

    (void)state;
    ask(&s, "app.test");
    answer("app.test", 0, "192.0.2.1");
    await(&s, 1);
    answer("app.test", 0, "192.0.2.2");
    await(&again, 1);
    assert_string_equal(again.text, "192.0.2.2:0/0/0");
}

static void
test_a_closed_resolver_tells_nobody(void **state)
{
    struct seen s = { .calls = 0 }, bad = { .calls = 0 };
    struct wr_resolve_wait *w = ask_kind(&s, WR_RESOLVE_ADDRS, "app.test", 5);

    (void)state;
    ask(&bad, "-");
    wr_resolver_close(resolver);
    wr_loop_turn(loop, PATIENCE_MS);
    wr_resolve_cancel(w); /* its owner still may */
    assert_int_equal(s.calls + bad.calls, 0);
}

/* ---- Limits. ---- */

static void
test_names_are_bounded_and_the_least_used_goes(void **state)
{
    struct seen s = { .calls = 0 };

    (void)state;
    resolver->names_max = 2;
    ask(&s, "a.test");
    answer("a.test", 60, "192.0.2.1");
    await(&s, 1);
    ask(&s, "b.test");
    answer("b.test", 60, "192.0.2.2");
    await(&s, 2);
    assert_non_null(wr_resolve_known(resolver, WR_RESOLVE_ADDRS, WEIR_STR("a.test")));
    ask(&s, "c.test");
    answer("c.test", 60, "192.0.2.3");
    await(&s, 3);
    assert_non_null(wr_resolve_known(resolver, WR_RESOLVE_ADDRS, WEIR_STR("a.test")));
    assert_null(wr_resolve_known(resolver, WR_RESOLVE_ADDRS, WEIR_STR("b.test")));
    assert_int_equal(resolver->live->count, 2);
}

static void
test_a_name_over_the_limit_is_denied_while_all_are_asked_for(void **state)
{
    struct seen s = { .calls = 0 }, over = { .calls = 0 };

    (void)state;
    resolver->names_max = 1;
    ask(&s, "a.test");
    ask(&over, "b.test");
    await(&over, 1);
    assert_int_equal(over.code, WR_RESOLVE_LIMIT);
    answer("a.test", 60, "192.0.2.1");
    await(&s, 1);
}

static void
test_names_that_nobody_waits_for_any_more_hold_no_places(void **state)
{
    struct seen s = { .calls = 0 }, gone = { .calls = 0 };
    struct question q;

    (void)state;
    resolver->names_max = 2;
    for (int round = 0; round < 3; round++) {
        char first[16], second[16];
        (void)snprintf(first, sizeof(first), "a%d.test", round);
        (void)snprintf(second, sizeof(second), "b%d.test", round);
        struct wr_resolve_wait *a = ask_kind(&gone, WR_RESOLVE_ADDRS, first, 0);
        struct wr_resolve_wait *b = ask_kind(&gone, WR_RESOLVE_ADDRS, second, 0);
        await_question(&q);
        await_question(&q);
        wr_resolve_cancel(a);
        wr_resolve_cancel(b);
    }
    ask(&s, "c.test");
    answer("c.test", 60, "192.0.2.3");
    await(&s, 1);
    assert_string_equal(s.text, "192.0.2.3:0/0/0");
    assert_int_equal(gone.calls, 0);
    assert_true(resolver->live->count <= 2);
}

static void
test_who_still_waits_is_answered_when_others_lose_their_places(void **state)
{
    struct seen s = { .calls = 0 }, stays = { .calls = 0 }, gone = { .calls = 0 };
    struct wr_resolve_wait *w;
    struct question q;
    struct reply r;

    (void)state;
    resolver->names_max = 2;
    ask(&stays, "a.test");
    await_question(&q);
    w = ask_kind(&gone, WR_RESOLVE_ADDRS, "b.test", 0);
    await_question(&q);
    wr_resolve_cancel(w);
    ask(&s, "c.test");
    for (int i = 0; i < 2; i++) { /* a.test once more, and c.test */
        await_question(&q);
        r = begin(&q, 0);
        put_a(&r, q.name, 60, "192.0.2.1");
        send_reply(&q, &r);
    }
    await(&s, 1);
    await(&stays, 1);
    assert_int_equal(stays.code, WR_RESOLVE_FOUND);
    assert_int_equal(s.code, WR_RESOLVE_FOUND);
    assert_int_equal(gone.calls, 0);
}

static void
test_who_waits_over_the_limit_is_denied(void **state)
{
    struct seen s = { .calls = 0 }, over = { .calls = 0 };

    (void)state;
    resolver->waiting_max = 1;
    ask(&s, "a.test");
    ask(&over, "a.test");
    await(&over, 1);
    assert_int_equal(over.code, WR_RESOLVE_LIMIT);
    answer("a.test", 60, "192.0.2.1");
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_FOUND);
}

/* ---- SRV. ---- */

static void
test_srv_records_become_places_by_priority(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;

    (void)state;
    (void)ask_kind(&s, WR_RESOLVE_SRV, "_http._tcp.test", 0);
    await_question(&q);
    assert_string_equal(q.name, "_http._tcp.test");
    assert_int_equal(q.type, T_SRV);
    r = begin(&q, 0);
    put_srv(&r, "_http._tcp.test", 20, 1, 8082, "b.test");
    put_srv(&r, "_http._tcp.test", 10, 5, 8081, "a.test");
    put_srv(&r, "_http._tcp.test", 10, 3, 8080, "a.test");
    send_reply(&q, &r);
    answer("a.test", 30, "192.0.2.1"); /* asked for once */
    answer("b.test", 60, "192.0.2.2");
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_FOUND);
    assert_string_equal(s.text, "192.0.2.1:8081/10/5 192.0.2.1:8080/10/3 192.0.2.2:8082/20/1");
    assert_true(s.until_ms <= wr_clock.now_ms + 30000);
    assert_true(s.until_ms > wr_clock.now_ms + 20000);
}

static void
test_an_srv_target_without_address_is_left_out(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;

    (void)state;
    (void)ask_kind(&s, WR_RESOLVE_SRV, "_http._tcp.test", 0);
    await_question(&q);
    r = begin(&q, 0);
    put_srv(&r, "_http._tcp.test", 1, 1, 80, "none.test");
    put_srv(&r, "_http._tcp.test", 1, 1, 80, "a.test");
    put_srv(&r, "_http._tcp.test", 1, 1, 0, "c.test");    /* no port */
    put_srv(&r, "_http._tcp.test", 1, 1, 80, "-b.test");  /* no host */
    put_srv(&r, "_http._tcp.test", 1, 1, 80, "127.0.0.1"); /* an address, and no name */
    send_reply(&q, &r);
    answer_code("none.test", 3);
    answer("a.test", 60, "192.0.2.1");
    await(&s, 1);
    assert_string_equal(s.text, "192.0.2.1:80/1/1");
}

static void
test_an_srv_target_of_a_dot_is_no_service(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;

    (void)state;
    (void)ask_kind(&s, WR_RESOLVE_SRV, "_http._tcp.test", 0);
    await_question(&q);
    r = begin(&q, 0);
    put_record(&r, "_http._tcp.test", T_SRV, 60, 7);
    put_number(&r, 0, 4);
    put_number(&r, 80, 2);
    put_number(&r, 0, 1);
    send_reply(&q, &r);
    await(&s, 1);
    assert_int_equal(s.code, WR_RESOLVE_NONE);
}

static void
test_targets_of_an_srv_answer_are_bounded(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;
    bool asked[WR_RESOLVE_TARGETS_MAX + 10] = { false }; /* once or, as their stream ends, again */

    (void)state;
    (void)ask_kind(&s, WR_RESOLVE_SRV, "s.test", 0);
    await_question(&q);
    r = begin(&q, 0);
    for (unsigned i = 0; i < WR_RESOLVE_TARGETS_MAX + 10; i++) {
        char name[32];
        snprintf(name, sizeof(name), "t%u", i);
        put_srv(&r, "s.test", i, 1, 80, name);
    }
    reply_over_tcp(&q, &r);
    for (int i = 0; i < TURNS && s.calls == 0; i++) {
        wr_loop_turn(loop, PATIENCE_MS);
        while (take_question(&q)) {
            struct reply none = begin(&q, 3);
            send_reply(&q, &none);
            asked[atoi(q.name + 1)] = true;
        }
    }
    assert_int_equal(s.calls, 1);
    for (int i = 0; i < WR_RESOLVE_TARGETS_MAX + 10; i++) {
        assert_int_equal(asked[i], i < WR_RESOLVE_TARGETS_MAX);
    }
    assert_int_equal(s.code, WR_RESOLVE_NONE);
}

static void
test_an_owner_may_end_while_targets_are_asked_for(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;

    (void)state;
    (void)ask_kind(&s, WR_RESOLVE_SRV, "s.test", 0);
    await_question(&q);
    r = begin(&q, 0);
    put_srv(&r, "s.test", 1, 1, 80, "a.test");
    send_reply(&q, &r);
    await_question(&q);
    wr_pool_destroy(&owner);
    r = begin(&q, 0);
    put_a(&r, "a.test", 60, "192.0.2.1");
    send_reply(&q, &r);
    assert_nothing_asked();
    assert_int_equal(s.calls, 0);
    assert_non_null(wr_resolve_known(resolver, WR_RESOLVE_SRV, WEIR_STR("s.test")));
}

static void
test_a_resolver_may_be_closed_while_targets_are_asked_for(void **state)
{
    struct seen s = { .calls = 0 };
    struct question q;
    struct reply r;

    (void)state;
    (void)ask_kind(&s, WR_RESOLVE_SRV, "s.test", 0);
    await_question(&q);
    r = begin(&q, 0);
    put_srv(&r, "s.test", 1, 1, 80, "a.test");
    send_reply(&q, &r);
    await_question(&q);
    wr_resolver_close(resolver);
    assert_int_equal(s.calls, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_address_is_told_once_from_the_loop),
        TEST(test_questions_for_a_name_are_joined),
        TEST(test_a_good_answer_needs_no_question),
        TEST(test_an_answer_of_no_time_is_asked_for_again),
        TEST(test_an_answer_is_forgotten_when_its_time_is_over),
        TEST(test_valid_stands_for_the_time_of_the_answer),
        TEST(test_no_answer_is_believed_for_longer_than_a_day),
        TEST(test_that_there_is_no_such_name_is_believed_briefly),
        TEST(test_who_asks_again_does_not_hear_of_it_twice),
        TEST(test_a_server_that_fails_is_a_failure),
        TEST(test_another_server_is_asked_when_one_fails),
        TEST(test_nobody_answers_in_time),
        TEST(test_a_stranger_s_answer_is_not_heard),
        TEST(test_records_of_other_names_are_not_believed),
        TEST(test_a_bad_name_is_told_and_not_asked),
        TEST(test_localhost_is_not_asked_of_name_servers),
        TEST(test_nothing_is_told_after_the_owner_s_end),
        TEST(test_nothing_is_told_after_a_cancel),
        TEST(test_one_told_may_cancel_the_next),
        TEST(test_one_told_may_end_the_owner_of_all),
        TEST(test_one_told_may_ask_again_when_the_answer_has_no_time),
        TEST(test_a_closed_resolver_tells_nobody),
        TEST(test_names_are_bounded_and_the_least_used_goes),
        TEST(test_a_name_over_the_limit_is_denied_while_all_are_asked_for),
        TEST(test_names_that_nobody_waits_for_any_more_hold_no_places),
        TEST(test_who_still_waits_is_answered_when_others_lose_their_places),
        TEST(test_who_waits_over_the_limit_is_denied),
        TEST(test_srv_records_become_places_by_priority),
        TEST(test_an_srv_target_without_address_is_left_out),
        TEST(test_an_srv_target_of_a_dot_is_no_service),
        TEST(test_targets_of_an_srv_answer_are_bounded),
        TEST(test_an_owner_may_end_while_targets_are_asked_for),
        TEST(test_a_resolver_may_be_closed_while_targets_are_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
