/* upstream/stream.c - weir_stream of the ABI: bytes to and from a peer over a link, told to a
 * module by callbacks.
 *
 * Every callback is called from here by the loop: by a ready link, a deadline, or the stream's own
 * task, in which what was written leaves and what failed at once is told. A callback may end the
 * stream or its owner, so after each the stream is looked at again; its memory stays until the
 * turn's end.
 */
#include "upstream/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weir/event.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "module/running.h"
#include "net/connect.h"
#include "upstream/balance.h"
#include "upstream/link.h"
#include "upstream/lookup.h"
#include "upstream/side.h"

#define STREAM_TAG WR_TAG('s', 't', 'r', 'm')

enum {
    ROUNDS = 16,       /* reads in a row before others have their turn */
    READ_ROOM = 4096   /* least room worth a read, when there is any */
};

enum state {
    AWAIT_CONNECT, /* or the telling of a failure */
    AWAIT_BYTES,
    AWAIT_SETTLE, /* kept from inside `received`: its result says whether the link is at rest */
    AWAIT_NOTHING /* over; freed at the turn's end */
};

struct weir_stream {
    uint32_t tag;
    enum state state;
    bool reused;
    bool tell_opened;
    bool receiving; /* `received` is running */
    bool asked;     /* something was written */
    bool answered;  /* something came since */
    int failure;    /* to be told; 0: none */
    uint32_t keep;  /* in AWAIT_SETTLE */
    struct wr_owned owned;
    struct wr_task task;
    weir_stream_options o;
    void *data;
    weir_upstream *to;
    struct wr_link *link;       /* NULL: none now */
    struct wr_attempt attempt;
    struct weir_pool memory; /* the attempt's */
    struct wr_lookup_wait wait; /* for the addresses of the group's names */
    const char *module;      /* whose hook opened it */
    struct wr_side in, out;
};

/* ---- The end. ---- */

static void
free_stream(struct wr_task *t)
{
    weir_stream *s = WR_CONTAINER(t, weir_stream, task);

    wr_side_free(&s->in);
    wr_side_free(&s->out);
    wr_pool_fini(&s->memory);
    s->tag = 0;
    free(s);
}

/* The peer is no longer used; result as for wr_balance_done. */
static void
leave_peer(weir_stream *s, int result)
{
    if (s->attempt.peer != NULL) {
        wr_balance_done(s->to, &s->attempt, s->attempt.peer, result);
    }
}

static void
drop_link(weir_stream *s, int result)
{
    struct wr_link *l = s->link;

    s->link = NULL;
    if (l != NULL) {
        wr_link_close(l);
    }
    leave_peer(s, result);
}

/* From here on nothing is called any more. */
static void
retire(weir_stream *s)
{
    s->state = AWAIT_NOTHING;
    wr_pool_disown(&s->owned);
    wr_lookup_leave(&s->wait);
    wr_loop_bury(wr_loop_self(), &s->task, free_stream);
}

static void
finish(weir_stream *s, int result)
{
    /* it took the connection, and then said nothing? */
    bool failed = s->link != NULL && s->asked && !s->answered &&
                  (!s->reused || result == WEIR_TIMEOUT);

    drop_link(s, failed ? result : WEIR_ABSENT);
    retire(s);
    if (s->o.closed != NULL) {
        wr_running_enter(s->module, NULL, 0);
        s->o.closed(s, s->data, result);
        wr_running_leave();
    }
}

static void
owner_ended(struct wr_owned *o)
{
    weir_stream *s = WR_CONTAINER(o, weir_stream, owned);

    WR_CHECK(s, STREAM_TAG);
    drop_link(s, WEIR_ABSENT);
    retire(s);
}

/* ---- Bytes. ---- */

static uint64_t
ms_or_default(uint64_t ms)
{
    return ms != 0 ? ms : WR_STREAM_DEFAULT_MS;
}

static void
progress(const weir_stream *s)
{
    wr_conn_deadline(&s->link->conn, ms_or_default(s->o.idle_ms));
}

/* Send what the kernel takes. A broken connection shows when it is read: what the peer said before
 * it broke comes first. */
static void
flush(weir_stream *s)
{
    struct wr_conn *c = &s->link->conn;

    while (s->out.len != 0 && c->can_write) {
        struct iovec piece = { s->out.data + s->out.at, s->out.len };
        ssize_t n = c->transport->send(c, &piece, 1, false);
        if (n == -EAGAIN) {
            return;
        }
        if (n < 0) {
            wr_side_free(&s->out);
            c->can_write = false;
            c->can_read = true;
            return;
        }
        wr_side_consume(&s->out, (size_t)n);
        progress(s);
    }
}

/* weir_stream_keep was called inside `received`: only a link of which nothing is left over can have
 * another user. */
static void
settle(weir_stream *s, bool at_rest)
{
    struct wr_link *l = s->link;

    s->state = AWAIT_NOTHING;
    s->link = NULL;
    if (l != NULL && at_rest) {
        wr_link_keep(l, s->keep);
    } else if (l != NULL) {
        wr_say(wr_log_process(), WARN, "%s kept a stream to %.*s with bytes unread; it is closed",
               s->module != NULL ? s->module : "a module", WEIR_FMT(s->attempt.peer->text));
        wr_link_close(l);
    }
    leave_peer(s, s->answered ? WEIR_OK : WEIR_ABSENT);
}

/* Hand over what has come. False: the stream is over. */
static bool
deliver(weir_stream *s)
{
    size_t len = s->in.len, used = len;

    if (s->o.received != NULL) {
        s->receiving = true;
        wr_running_enter(s->module, NULL, 0);
        used = s->o.received(s, s->data, (weir_str){ (char *)s->in.data + s->in.at, len });
        wr_running_leave();
        s->receiving = false;
    }
    if (s->state == AWAIT_SETTLE) {
        settle(s, used == len);
    }
    if (s->state != AWAIT_BYTES) {
        return false;
    }
    WR_ASSERT(used <= len);
    wr_side_consume(&s->in, used);
    return true;
}

/* Read once. False: the stream is over. */
static bool
receive(weir_stream *s)
{
    struct wr_conn *c = &s->link->conn;
    size_t want = WR_MIN(WR_STREAM_IN_MAX - s->in.len, READ_ROOM), room;
    uint8_t *tail;
    ssize_t n;

    if (want == 0 && wr_connect_quiet(c)) { /* full, but that was all */
        c->can_read = false;
        return true;
    }
    if (want == 0 || !wr_side_reserve(&s->in, want, WR_STREAM_IN_MAX)) {
        wr_say(wr_log_process(), ERROR, "upstream %.*s sent %u bytes that nobody takes",
               WEIR_FMT(s->attempt.peer->text), (unsigned)WR_STREAM_IN_MAX);
        finish(s, WEIR_ERROR);
        return false;
    }
    tail = wr_side_tail(&s->in, &room);
    n = wr_conn_recv(c, tail, WR_MIN(room, WR_STREAM_IN_MAX - s->in.len));
    if (n == -EAGAIN) {
        return true;
    }
    if (n <= 0) {
        finish(s, WEIR_CLOSED);
        return false;
    }
    s->in.len += (size_t)n;
    if (!s->answered) {
        s->answered = true;
        wr_balance_answered(s->to, &s->attempt, s->attempt.peer, NULL);
    }
    progress(s);
    return deliver(s);
}

/* All there is to do on an open stream. */
static void
serve(weir_stream *s)
{
    if (s->tell_opened) {
        s->tell_opened = false;
        if (s->o.opened != NULL) {
            wr_running_enter(s->module, NULL, 0);
            s->o.opened(s, s->data, s->reused);
            wr_running_leave();
        }
    }
    if (s->state != AWAIT_BYTES) {
        return;
    }
    flush(s);
    for (int i = 0; s->link->conn.can_read; i++) {
        if (i == ROUNDS) {
            wr_conn_wake(&s->link->conn);
            return;
        }
        if (!receive(s)) {
            return;
        }
    }
}

/* ---- Connecting. ---- */

static void connect_next(weir_stream *s, int result);

static void
refused(weir_stream *s, int error)
{
    wr_say(wr_log_process(), WARN,
           "%s (%d: %s) while connecting to upstream, upstream: \"%.*s\"",
           error == ETIMEDOUT ? "upstream timed out" : "connect() failed", error, strerror(error),
           WEIR_FMT(s->attempt.peer->text));
    leave_peer(s, error == ETIMEDOUT ? WEIR_TIMEOUT : WEIR_ERROR);
}

static void
opened(weir_stream *s)
{
    s->state = AWAIT_BYTES;
    s->tell_opened = true;
    progress(s);
}

static void
link_ready(void *user)
{
    weir_stream *s = user;
    int rc;

    WR_CHECK(s, STREAM_TAG);
    if (s->state == AWAIT_CONNECT) {
        rc = wr_connect_result(&s->link->conn);
        if (rc == -EINPROGRESS) {
            return;
        }
        if (rc != 0) {
            refused(s, -rc);
            drop_link(s, WEIR_ABSENT);
            connect_next(s, WEIR_ERROR);
            return;
        }
        opened(s);
    }
    serve(s);
}

static void
link_expired(void *user)
{
    weir_stream *s = user;

    WR_CHECK(s, STREAM_TAG);
    if (s->state == AWAIT_CONNECT) {
        refused(s, ETIMEDOUT);
        drop_link(s, WEIR_ABSENT);
        connect_next(s, WEIR_TIMEOUT);
        return;
    }
    finish(s, WEIR_TIMEOUT);
}

static void
link_drop(void *user)
{
    finish(user, WEIR_CLOSED);
}

static const struct wr_link_ops link_ops = { link_ready, link_expired, link_drop };

/* Shortages of our own: another peer would not help, and this one has not failed. */
static bool
is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static bool
connect_to(weir_stream *s, bool *shortage)
{
    const struct wr_link_want want = { .protocol = s->o.protocol, .sure = true };
    int rc = wr_link_open(s->to, s->attempt.peer, &want, &link_ops, s, &s->link);

    if (rc == 0) {
        s->reused = s->link->uses != 0;
        if (s->reused) {
            opened(s);
            wr_task_add(wr_loop_self(), &s->task);
        } else {
            wr_conn_deadline(&s->link->conn, ms_or_default(s->o.connect_ms));
        }
        return true;
    }
    *shortage = is_shortage(-rc);
    if (*shortage) {
        wr_log_errno(wr_log_process(), WR_LOG_ERROR, -rc, "no connection to upstream \"%.*s\"",
                     WEIR_FMT(s->attempt.peer->text));
        leave_peer(s, WEIR_ABSENT);
    } else {
        refused(s, -rc);
    }
    return false;
}

/* Try the next peer; when there is none, `result` is told from the task. */
static void
connect_next(weir_stream *s, int result)
{
    bool shortage = false;
    struct wr_group_peer *p;

    while (!shortage && wr_balance_pick(s->to, &s->attempt, &p) == WEIR_OK) {
        if (connect_to(s, &shortage)) {
            return;
        }
        result = WEIR_ERROR;
    }
    if (!shortage) {
        wr_say(wr_log_process(), ERROR, "no live upstreams while connecting to upstream \"%.*s\"",
               WEIR_FMT(s->to->name));
    }
    s->failure = result;
    wr_task_add(wr_loop_self(), &s->task);
}

static void
run(struct wr_task *t)
{
    weir_stream *s = WR_CONTAINER(t, weir_stream, task);

    WR_CHECK(s, STREAM_TAG);
    if (s->failure != 0) {
        finish(s, s->failure);
    } else if (s->state == AWAIT_BYTES) {
        serve(s);
    }
}

static void
addresses_known(struct wr_lookup_wait *w)
{
    weir_stream *s = WR_CONTAINER(w, weir_stream, wait);

    WR_CHECK(s, STREAM_TAG);
    connect_next(s, WEIR_ERROR);
}

/* ---- What modules call. ---- */

weir_stream *
weir_stream_open(weir_pool *owner, const weir_stream_options *o, void *data)
{
    weir_upstream *to = (weir_upstream *)(uintptr_t)o->to;
    weir_stream *s;

    WR_ASSERT(o->size >= sizeof(o->size) && o->protocol != NULL);
    WR_CHECK(to, WR_GROUP_TAG);
    s = calloc(1, sizeof(*s));
    WR_ASSERT(s != NULL);
    s->tag = STREAM_TAG;
    memcpy(&s->o, o, WR_MIN(o->size, sizeof(s->o)));
    s->data = data;
    s->to = to;
    s->module = wr_running.module;
    wr_pool_init(&s->memory, "stream", NULL);
    wr_attempt_init(&s->attempt, to, NULL, &s->memory);
    wr_task_init(&s->task, run);
    wr_pool_own(owner, &s->owned, owner_ended);
    if (wr_lookup_pending(to)) {
        wr_lookup_wait(to, &s->wait, addresses_known);
    } else {
        connect_next(s, WEIR_ERROR);
    }
    return s;
}

int
weir_stream_write(weir_stream *s, weir_str bytes)
{
    uint8_t *tail;
    size_t room;

    WR_CHECK(s, STREAM_TAG);
    if (s->state > AWAIT_BYTES || s->failure != 0) {
        return WEIR_CLOSED;
    }
    if (!wr_side_reserve(&s->out, bytes.len, WR_STREAM_OUT_MAX)) {
        return WEIR_LIMIT;
    }
    if (bytes.len != 0) {
        tail = wr_side_tail(&s->out, &room);
        memcpy(tail, bytes.data, bytes.len);
        s->out.len += bytes.len;
        s->asked = true;
        s->answered = false;
    }
    if (s->state == AWAIT_BYTES) {
        if (s->out.len > WR_STREAM_OUT_FULL) {
            flush(s);
        }
        wr_task_add(wr_loop_self(), &s->task); /* what is written in one go leaves in one */
    }
    return s->out.len > WR_STREAM_OUT_FULL ? WEIR_AGAIN : WEIR_OK;
}

void
weir_stream_keep(weir_stream *s, uint32_t keep)
{
    WR_CHECK(s, STREAM_TAG);
    if (s->state != AWAIT_BYTES || s->out.len != 0) {
        weir_stream_close(s);
        return;
    }
    s->keep = keep;
    s->state = AWAIT_SETTLE;
    wr_pool_disown(&s->owned);
    if (!s->receiving) {
        settle(s, s->in.len == 0);
    }
    wr_loop_bury(wr_loop_self(), &s->task, free_stream);
}

void
weir_stream_close(weir_stream *s)
{
    WR_CHECK(s, STREAM_TAG);
    if (s->state <= AWAIT_BYTES) {
        drop_link(s, s->answered ? WEIR_OK : WEIR_ABSENT);
        retire(s);
    }
}

weir_str
weir_stream_peer(const weir_stream *s)
{
    WR_CHECK(s, STREAM_TAG);
    return s->state == AWAIT_CONNECT || s->attempt.peer == NULL ? WEIR_STR("")
                                                                : s->attempt.peer->text;
}
