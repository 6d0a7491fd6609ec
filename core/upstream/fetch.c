/* upstream/fetch.c - weir_fetch: an exchange whose response is collected, and told once.
 *
 * A fetch has a pool of its own, which the reply lives in: it ends when done has returned, so that
 * what fetches for as long as a worker lives does not grow.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "module/running.h"
#include "net/buf.h"
#include "upstream/exchange.h"
#include "wire/fields.h"
#include "wire/names.h"

#define FETCH_TAG WR_TAG('f', 'e', 't', 'c')

enum {
    HEAD_MAX = 16 * 1024,   /* request line and fields */
    WANT = 64 * 1024,       /* asked for at once */
    DROPPED_MAX = 64 * 1024 /* of a body that nobody wants, read so that the connection is kept */
};

struct fetch {
    uint32_t tag;
    bool over;
    int result; /* to be told by the task; 0: none */
    weir_pool *pool;
    struct wr_owned owned;
    struct wr_task task;
    struct wr_timer timer;
    weir_exchange *x; /* NULL: none yet */
    weir_chain body;
    uint64_t kept, keep;
    const char *module;
    void (*done)(void *data, int result, const weir_reply *reply);
    void *data;
};

/* ---- The end. ---- */

static void
free_fetch(struct wr_task *t)
{
    struct fetch *f = WR_CONTAINER(t, struct fetch, task);

    f->tag = 0;
    free(f);
}

static void
retire(struct fetch *f)
{
    f->over = true;
    wr_timer_clear(wr_loop_self(), &f->timer);
    wr_pool_disown(&f->owned);
    wr_pool_destroy(&f->pool); /* the exchange with it */
    wr_loop_bury(wr_loop_self(), &f->task, free_fetch);
}

static void
owner_ended(struct wr_owned *o)
{
    struct fetch *f = WR_CONTAINER(o, struct fetch, owned);

    WR_CHECK(f, FETCH_TAG);
    retire(f);
}

static void
finish(struct fetch *f, int result)
{
    weir_reply *reply = result == WEIR_OK ? f->x->reply : NULL;

    if (reply != NULL) {
        reply->body = &f->body;
    }
    wr_running_enter(f->module, NULL, 0);
    f->done(f->data, result, reply);
    wr_running_leave();
    if (!f->over) { /* else its owner has ended */
        retire(f);
    }
}

/* ---- What the exchange tells. ---- */

/* Take what there is. */
static void
collect(struct fetch *f)
{
    int rc;

    do {
        weir_chain piece = { NULL, NULL };
        rc = weir_exchange_read(f->x, f->pool, &piece, WANT);
        f->kept += weir_chain_len(&piece);
        if (f->keep == 0) {
            wr_chain_drop(&piece);
            rc = rc == WEIR_OK && f->kept > DROPPED_MAX ? WEIR_DONE : rc;
        } else {
            weir_chain_take(&f->body, &piece);
            rc = f->kept > f->keep ? WEIR_LIMIT : rc;
        }
    } while (rc == WEIR_OK);
    if (rc != WEIR_AGAIN) {
        finish(f, rc == WEIR_DONE ? WEIR_OK : rc);
    }
}

static void
on_head(weir_exchange *x, void *data, const weir_reply *reply)
{
    (void)x;
    (void)reply;
    collect(data);
}

static void
on_readable(weir_exchange *x, void *data)
{
    (void)x;
    collect(data);
}

static void
on_failed(weir_exchange *x, void *data, int result)
{
    (void)x;
    finish(data, result);
}

static const weir_exchange_ops ops = { .head = on_head,
                                       .readable = on_readable,
                                       .failed = on_failed };

static void
expired(struct wr_timer *t)
{
    struct fetch *f = WR_CONTAINER(t, struct fetch, timer);

    WR_CHECK(f, FETCH_TAG);
    if (f->x != NULL) {
        wr_exchange_say(f->x, ETIMEDOUT, "upstream timed out");
    }
    finish(f, WEIR_TIMEOUT);
}

static void
run(struct wr_task *t)
{
    struct fetch *f = WR_CONTAINER(t, struct fetch, task);

    WR_CHECK(f, FETCH_TAG);
    finish(f, f->result);
}

/* ---- The request. ---- */

static bool
is_target(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((uint8_t)s.data[i] <= 0x20 || (uint8_t)s.data[i] >= 0x7f) {
            return false;
        }
    }
    return s.len != 0 && (s.data[0] == '/' || s.data[0] == '*');
}

static bool
add_field(struct wr_strbuf *to, weir_str name, weir_str value)
{
    if (!wr_field_valid(name, value)) {
        return false;
    }
    wr_strbuf_str(to, name);
    wr_strbuf_lit(to, ": ");
    wr_strbuf_str(to, value);
    wr_strbuf_lit(to, "\r\n");
    return true;
}

static weir_str
host_of(const weir_fetch_options *o)
{
    weir_str name = o->host.len != 0 ? o->host : weir_upstream_name(o->to);

    return weir_str_starts(name, WEIR_STR("unix:")) ? WEIR_STR("localhost") : name;
}

/* Fields that the exchange says itself. */
static bool
is_ours(weir_str name)
{
    uint32_t id = wr_name_id(name);

    return id == WEIR_H_HOST || id == WEIR_H_CONTENT_LENGTH || id == WEIR_H_TRANSFER_ENCODING ||
           id == WEIR_H_CONNECTION || id == WEIR_H_EXPECT;
}

/* The head; absent when there is something in it that cannot be sent. */
static weir_str
make_head(const struct fetch *f, const weir_fetch_options *o, uint32_t method)
{
    struct wr_strbuf b = wr_strbuf_over(weir_alloc(f->pool, HEAD_MAX), HEAD_MAX);
    const weir_str none = { NULL, 0 };
    weir_str name = wr_method_text(method);

    if (name.len == 0 || !is_target(o->target)) {
        return none;
    }
    wr_strbuf_str(&b, name);
    wr_strbuf_byte(&b, ' ');
    wr_strbuf_str(&b, o->target);
    wr_strbuf_lit(&b, " HTTP/1.1\r\n");
    if (!add_field(&b, WEIR_STR("Host"), host_of(o))) {
        return none;
    }
    for (uint32_t i = 0; i < o->n_headers; i++) {
        if (is_ours(o->headers[i].name) ||
            !add_field(&b, o->headers[i].name, o->headers[i].value)) {
            return none;
        }
    }
    if (o->body != NULL) {
        wr_strbuf_lit(&b, "Content-Length: ");
        wr_strbuf_num(&b, weir_chain_len(o->body));
        wr_strbuf_lit(&b, "\r\n");
    }
    wr_strbuf_lit(&b, "\r\n");
    return b.full ? none : wr_strbuf_view(&b);
}

static struct fetch *
create(weir_pool *owner, void (*done)(void *data, int result, const weir_reply *reply), void *data)
{
    struct fetch *f = calloc(1, sizeof(*f));

    WR_ASSERT(f != NULL);
    f->tag = FETCH_TAG;
    f->pool = wr_pool_create("fetch", NULL);
    f->module = wr_running.module;
    f->done = done;
    f->data = data;
    f->timer.fire = expired;
    wr_task_init(&f->task, run);
    wr_pool_own(owner, &f->owned, owner_ended);
    return f;
}

void
weir_fetch(weir_pool *owner, const weir_fetch_options *options,
           void (*done)(void *data, int result, const weir_reply *reply), void *data)
{
    struct fetch *f = create(owner, done, data);
    weir_fetch_options o = { .size = 0 };
    weir_exchange_options e = { .size = sizeof(e), .ops = &ops, .data = f };

    memcpy(&o, options, WR_MIN(options->size, sizeof(o)));
    f->keep = o.keep;
    e.to = o.to;
    e.policy = o.policy;
    e.method = o.method != 0 ? o.method : WEIR_GET;
    e.body = o.body;
    e.peer = o.peer;
    e.log = o.log;
    e.tls_name = o.tls_name.len != 0 ? o.tls_name : o.host;
    e.head = make_head(f, &o, e.method);
    if (e.head.data == NULL) {
        f->result = WEIR_INVALID;
        wr_task_add(wr_loop_self(), &f->task);
        return;
    }
    if (o.timeout_ms != 0) {
        wr_timer_set(wr_loop_self(), &f->timer, o.timeout_ms);
    }
    f->x = weir_exchange_start(f->pool, &e);
}
