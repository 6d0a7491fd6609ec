/* An HTTP/2 connection over memory: a site with one handler, a connection whose transport is two buffers, and a reader of the
 * frames that come out. Used by unit tests and by the fuzz target, so nothing here is cmocka's; CHECK(condition) is the user's. */
#ifndef WR_TEST_HTTP2_MEMORY_H
#define WR_TEST_HTTP2_MEMORY_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/tree.h"
#include "event/loop.h"
#include "http/http.h"
#include "http/request.h"
#include "http2/http2.h"
#include "module/metric.h"
#include "module/registry.h"
#include "net/conn.h"

#define MEMORY_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

enum { MEMORY_OUT = 8 << 20 };

static struct memory {
    struct wr_http_home home; /* first: cf.owner points here */
    struct weir_pool *pool;
    struct wr_diag diag;
    struct wr_conf_tree tree;
    struct wr_registry registry;
    struct weir_conf cf;
    struct wr_metrics *metrics;
    struct wr_loop *loop;
    struct wr_conn *conn;
    const uint8_t *in;
    size_t in_len, in_piece; /* most bytes of one read */
    bool in_ended, full;     /* full: the system takes nothing */
    uint8_t out[MEMORY_OUT];
    size_t out_len, out_read;
    unsigned requests, logged; /* that came to the handler, and that have ended */
} memory;

/* ---- The handler: what was asked, and how long a body came with it. ---- */

static int
memory_answer(weir_request *r, void *data, int result, weir_chain *body)
{
    weir_str text;

    (void)data;
    if (result != WEIR_OK) {
        return weir_body_status(result);
    }
    text = weir_print(r->pool, "%.*s %.*s %llu", WEIR_FMT(r->method_name), WEIR_FMT(r->path),
                      (unsigned long long)weir_chain_len(body));
    if (r->in[WEIR_H_COOKIE] != NULL) {
        text = weir_print(r->pool, "%.*s %.*s", WEIR_FMT(text), WEIR_FMT(r->in[WEIR_H_COOKIE]->value));
    }
    return weir_respond(r, 200, WEIR_STR("text/plain"), text);
}

static int
memory_handler(weir_request *r, const void *conf)
{
    (void)conf;
    memory.requests++;
    return weir_read_body(r, 0, memory_answer, NULL);
}

static int
memory_log(weir_request *r, const void *conf)
{
    (void)r;
    (void)conf;
    memory.logged++;
    return WEIR_NEXT;
}

static const weir_hook memory_hooks[] = {
    { .phase = WEIR_PHASE_CONTENT, .handler = memory_handler },
    { .phase = WEIR_PHASE_LOG, .handler = memory_log },
};
static weir_self memory_self = WR_SELF;
static const weir_module memory_module = { WR_BUILTIN(&memory_self, "memory"),
                                           .hooks = WEIR_ITEMS(memory_hooks) };

static const weir_directive memory_rows[] = {
    { .name = "http", .help = "", .where = WEIR_IN_MAIN, .type = WEIR_T_CUSTOM,
      .flags = WEIR_D_BLOCK | WR_D_SCOPE, .set = wr_http_block },
};
static weir_self memory_main_self = WR_SELF;
static const weir_module memory_main = { WR_BUILTIN(&memory_main_self, "core.main"),
                                         .directives = WEIR_ITEMS(memory_rows) };

/* Load `http { http2 on; MORE server { listen 127.0.0.1:80; } }`. */
static inline void
memory_load(const char *more)
{
    const weir_module *modules[32];
    struct wr_err err;
    char text[1024];
    uint32_t n = 0;

    memory.pool = wr_pool_create("test", NULL);
    wr_diag_init(&memory.diag, memory.pool);
    snprintf(text, sizeof(text), "http { http2 on; %s server { listen 127.0.0.1:80; } }", more);
    CHECK(wr_conf_read_text(memory.pool, WEIR_STR("a.conf"),
                            weir_dup(memory.pool, weir_str_c(text)), NULL, &memory.diag,
                            &memory.tree));
    modules[n++] = &memory_main;
    for (uint32_t i = 0; i < wr_http_builtin_count; i++) {
        modules[n++] = wr_http_builtin[i];
    }
    modules[n++] = &memory_module;
    wr_registry_init(&memory.registry, memory.pool, "/nonexistent", modules, n, NULL);
    CHECK(wr_registry_prepare(&memory.registry, &memory.tree, &memory.diag));
    memory.cf = (struct weir_conf){ .pool = memory.pool, .diag = &memory.diag,
                                    .space = &memory.registry.space, .owner = &memory.home,
                                    .prefix = WEIR_STR("/prefix/") };
    (void)wr_http_create(&memory.cf, &memory.registry);
    (void)wr_scope_bind(&memory.cf, wr_scope_create_main(&memory.cf), memory.tree.first);
    CHECK(wr_http_finish(&memory.cf, memory.home.http));
    CHECK((memory.metrics = wr_metrics_create(&err)) != NULL);
    CHECK(wr_metrics_add(memory.metrics, &memory.registry, &err));
    wr_metrics_use(memory.metrics, &memory.registry);
    wr_metrics_worker_start(memory.metrics, wr_metrics_row_take(memory.metrics));
    memory.loop = wr_loop_create();
}

/* ---- The connection. ---- */

static ssize_t
memory_recv(struct wr_conn *c, void *to, size_t room)
{
    size_t n = WR_MIN(WR_MIN(room, memory.in_len), memory.in_piece);

    if (n == 0) {
        c->can_read = false;
        return memory.in_ended ? 0 : -EAGAIN;
    }
    memcpy(to, memory.in, n);
    memory.in += n;
    memory.in_len -= n;
    return (ssize_t)n;
}

static ssize_t
memory_send(struct wr_conn *c, const struct iovec *pieces, int n, bool more)
{
    size_t sent = 0;

    (void)more;
    if (memory.full) {
        c->can_write = false;
        return -EAGAIN;
    }
    for (int i = 0; i < n; i++) {
        size_t part = WR_MIN(pieces[i].iov_len, MEMORY_OUT - memory.out_len);
        memcpy(memory.out + memory.out_len, pieces[i].iov_base, part);
        memory.out_len += part;
        sent += part;
    }
    return (ssize_t)sent;
}

static const struct wr_transport memory_transport = { .name = "memory", .recv = memory_recv,
                                                      .send = memory_send };
static const struct wr_conn_ops memory_ops = { .ready = NULL };

/* Run until nothing is left to do. */
static inline void
memory_turns(void)
{
    for (unsigned i = 0; i < 50; i++) {
        wr_loop_turn(memory.loop, 0);
    }
}

/* Begin a connection by what a client sends first; its preface is among it. */
static inline void
memory_connect(const void *bytes, size_t len)
{
    int pair[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    (void)close(pair[1]);
    memory.out_len = memory.out_read = 0;
    memory.requests = memory.logged = 0;
    memory.in_len = 0;
    memory.in_piece = SIZE_MAX;
    memory.in_ended = memory.full = false;
    memory.conn = wr_conn_open(pair[0], sizeof(struct wr_conn), &memory_ops,
                               memory.home.http->listens, NULL);
    memory.conn->transport = &memory_transport;
    memory.conn->io.events = 1; /* readiness is the test's to tell */
    wr_http2_adopt(memory.conn, bytes, len);
    memory_turns();
}

/* What the client sends next; the connection may be gone after it. */
static inline void
memory_feed(const void *bytes, size_t len)
{
    memory.in = bytes;
    memory.in_len = len;
    while (memory.in_len != 0 && !memory.conn->closed) {
        size_t left = memory.in_len;
        memory.conn->can_read = true;
        memory.conn->ops->ready(memory.conn);
        if (memory.conn->closed || left == memory.in_len) {
            break;
        }
    }
    if (!memory.conn->closed) {
        memory_turns();
    }
}

/* The client is gone. */
static inline void
memory_close(void)
{
    if (!memory.conn->closed) {
        memory.conn->ops->drop(memory.conn);
    }
    memory.conn = NULL;
    memory_turns();
}

/* ---- Frames. ---- */

struct memory_frame {
    uint32_t len;
    uint8_t type, flags;
    uint32_t stream;
    const uint8_t *payload;
};

/* The next frame that came out. False: there is none. */
static inline bool
memory_frame(struct memory_frame *f)
{
    const uint8_t *at = memory.out + memory.out_read;

    if (memory.out_len - memory.out_read < 9) {
        return false;
    }
    *f = (struct memory_frame){ .len = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2],
                                .type = at[3],
                                .flags = at[4],
                                .stream = (uint32_t)at[5] << 24 | (uint32_t)at[6] << 16 |
                                          (uint32_t)at[7] << 8 | at[8],
                                .payload = at + 9 };
    if (memory.out_len - memory.out_read - 9 < f->len) {
        return false;
    }
    memory.out_read += 9 + f->len;
    return true;
}

/* Put a frame at `to`; how many bytes it takes. */
static inline size_t
memory_put(uint8_t *to, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t len)
{
    uint8_t head[9] = { (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, type, flags,
                        (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8),
                        (uint8_t)stream };

    memcpy(to, head, sizeof(head));
    if (len != 0) {
        memcpy(to + sizeof(head), payload, len);
    }
    return sizeof(head) + len;
}

#endif
