/* A request without a server: one location with a plan of the test's own hooks, and a driver that keeps what it is given. */
#ifndef WR_TESTS_HTTP_TOY_H
#define WR_TESTS_HTTP_TOY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/assert.h"
#include "http/limits.h"
#include "http/http.h"
#include "http/request.h"
#include "http/response.h"
#include "http/ticket.h"
#include "http/vhost.h"
#include "net/buf.h"

enum { TOY_HOOKS = 4, TOY_SLOTS = WR_SLOT_BUILTIN + TOY_HOOKS, TOY_BYTES = 1 << 20 };

static struct toy {
    struct wr_loop *loop;
    struct weir_pool pool;
    struct wr_conn conn;
    struct wr_http http;
    struct wr_server server;
    struct wr_plan plan;
    struct wr_plan_hook content, header[TOY_HOOKS], body[TOY_HOOKS];
    struct wr_server_conf server_conf;
    struct wr_loc_conf loc_conf;
    struct wr_files_conf files_conf;
    struct wr_body_conf body_conf;
    const void *conf[TOY_SLOTS];
    struct wr_request *r;
    /* What the driver was given. */
    unsigned heads, lasts, finishes;
    bool head_last, error;
    bool takes_whole; /* set by the test */
    unsigned wholes, wanted;
    size_t passes; /* set by the test: most bytes of a tunnel taken at once */
    size_t room;
    uint8_t bytes[TOY_BYTES];
    size_t len;
} toy;

static void
toy_head(struct wr_request *r, bool last)
{
    assert_ptr_equal(r, toy.r);
    toy.heads++;
    toy.head_last = last;
}

static void
toy_interim(struct wr_request *r, uint32_t status, const weir_header *first)
{
    (void)r;
    (void)status;
    (void)first;
}

static void
toy_body(struct wr_request *r, weir_chain *chain)
{
    weir_buf *b;

    assert_ptr_equal(r, toy.r);
    while ((b = weir_chain_pop(chain)) != NULL) {
        assert_int_equal(toy.lasts, 0); /* nothing comes behind the last buffer */
        assert_int_equal(b->flags & (WEIR_BUF_SUB), 0);
        assert_true(toy.len + b->len <= TOY_BYTES);
        if (b->len != 0 && !(b->flags & WEIR_BUF_FILE)) {
            memcpy(toy.bytes + toy.len, b->data, b->len);
        }
        toy.len += b->len;
        toy.room -= WR_MIN(toy.room, b->len);
        toy.lasts += (b->flags & WEIR_BUF_LAST) != 0;
        weir_buf_drop(b);
    }
}

static bool
toy_whole(struct wr_request *r, weir_str body)
{
    assert_ptr_equal(r, toy.r);
    if (!toy.takes_whole) {
        return false;
    }
    assert_true(toy.len + body.len <= TOY_BYTES);
    memcpy(toy.bytes + toy.len, body.data, body.len);
    toy.len += body.len;
    toy.wholes++;
    return true;
}

static size_t
toy_pass(struct wr_request *r, weir_str bytes)
{
    size_t n = WR_MIN(bytes.len, toy.passes);

    assert_ptr_equal(r, toy.r);
    memcpy(toy.bytes + toy.len, bytes.data, n);
    toy.len += n;
    return n;
}

static void
toy_want_body(struct wr_request *r)
{
    assert_ptr_equal(r, toy.r);
    toy.wanted++;
}

static size_t
toy_room(struct wr_request *r)
{
    (void)r;
    return toy.room;
}

static void
toy_finish(struct wr_request *r, bool error)
{
    assert_ptr_equal(r, toy.r);
    toy.finishes++;
    toy.error = error;
}

static const struct wr_driver toy_driver = { .name = "toy",
                                             .head = toy_head,
                                             .whole = toy_whole,
                                             .interim = toy_interim,
                                             .body = toy_body,
                                             .pass = toy_pass,
                                             .want_body = toy_want_body,
                                             .room = toy_room,
                                             .finish = toy_finish };

/* A hook of every phase the toy has; what it is called with is its own slot's. */
static void
toy_phase(uint32_t phase, const struct wr_plan_hook *at, uint32_t n)
{
    toy.plan.phase[phase] = (struct wr_plan_phase){ at, n };
}

static inline void
toy_filter(uint32_t i, weir_body_filter fn, uint32_t flags)
{
    toy.body[i] = (struct wr_plan_hook){
        .body = fn, .slot = WR_SLOT_BUILTIN + i, .flags = flags, .module = "toy"
    };
    toy_phase(WEIR_PHASE_BODY, toy.body, i + 1);
}

static inline void
toy_header(uint32_t i, weir_handler fn)
{
    toy.header[i] = (struct wr_plan_hook){ .handler = fn,
                                            .slot = WR_SLOT_BUILTIN + i,
                                            .bodies = UINT64_C(1) << i,
                                            .module = "toy" };
    toy_phase(WEIR_PHASE_HEADERS, toy.header, i + 1);
}

/* Run a request whose content is fn's. */
static inline void
toy_run(weir_handler fn)
{
    toy.content = (struct wr_plan_hook){ .handler = fn, .slot = WR_SLOT_BUILTIN, .module = "toy" };
    toy_phase(WEIR_PHASE_CONTENT, &toy.content, 1);
    toy.r = wr_request_create(&toy.pool, &toy.conn, &toy_driver, NULL, &toy.http, &toy.server);
    toy.r->pub.method = WEIR_GET;
    toy.r->pub.method_name = WEIR_STR("GET");
    toy.r->pub.version = 11;
    toy.r->pub.path = toy.r->pub.target = WEIR_STR("/");
    toy.r->phase = WEIR_PHASE_CONTENT;
    wr_request_run(toy.r);
}

/* The client has read everything: there is room again. */
static inline void
toy_drain(size_t room)
{
    toy.room = room;
    wr_request_can_send(toy.r);
}

/* Turns in which nothing is waited for, until nothing is left to do or `most` have passed. */
static inline void
toy_turns(unsigned most)
{
    while (most-- != 0) {
        wr_loop_turn(toy.loop, 0);
    }
}

static inline void
toy_assert_body(const char *want)
{
    assert_int_equal(toy.len, strlen(want));
    assert_memory_equal(toy.bytes, want, toy.len);
}

static int
toy_set_up(void **state)
{
    (void)state;
    memset(&toy, 0, sizeof(toy));
    toy.loop = wr_loop_create();
    wr_pool_init(&toy.pool, "request", NULL);
    toy.conn.tag = WR_CONN_TAG;
    toy.conn.transport = &wr_transport_plain;
    toy.conn.peer.family = AF_UNIX;
    toy.http.n_slots = TOY_SLOTS;
    toy.files_conf.sendfile = true;
    toy.files_conf.default_type = WEIR_STR("text/plain");
    toy.conf[WR_SLOT_SERVER] = &toy.server_conf;
    toy.conf[WR_SLOT_LOC] = &toy.loc_conf;
    toy.loc_conf.suspend_ms = 60 * 1000;
    toy.loc_conf.filter_keep = 1 << 20;
    toy.loc_conf.filter_whole = 8 << 20;
    toy.conf[WR_SLOT_FILES] = &toy.files_conf;
    toy.conf[WR_SLOT_BODY] = &toy.body_conf;
    toy.plan.sub = &toy.plan;
    toy.server.base.conf = toy.conf;
    toy.server.base.plan = &toy.plan;
    toy.server.base.server = &toy.server;
    toy.server.base.base = &toy.server.base;
    toy.room = TOY_BYTES;
    return 0;
}

static int
toy_tear_down(void **state)
{
    (void)state;
    if (toy.r != NULL && !toy.r->ended) {
        wr_request_end(toy.r, true);
    }
    wr_pool_fini(&toy.pool);
    wr_loop_destroy(&toy.loop);
    return 0;
}

#define TOY_TEST(f) cmocka_unit_test_setup_teardown(f, toy_set_up, toy_tear_down)

#endif
