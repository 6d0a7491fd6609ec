/* net/conn.c - opening, waiting for, and closing connections; the lists of all and of idle ones. */
#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "net/send.h"

struct wr_conn_counts wr_conn_counts;

static struct wr_list busy = { &busy, &busy };
static struct wr_list idle = { &idle, &idle };

void
wr_conn_setup(uint32_t limit)
{
    wr_conn_counts.limit = limit;
}

/* ---- What the loop tells. ---- */

static void
io_ready(struct wr_io *io, uint32_t events)
{
    struct wr_conn *c = WR_CONTAINER(io, struct wr_conn, io);

    WR_CHECK(c, WR_CONN_TAG);
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        c->can_read = true;
    }
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
        c->can_write = true;
        if (c->transport->flush != NULL) {
            c->transport->flush(c);
        }
    }
    if (events & EPOLLRDHUP) {
        c->half_closed = true;
    }
    if (events & (EPOLLHUP | EPOLLERR)) {
        c->gone = true;
    }
    c->ops->ready(c);
}

static void
timer_fire(struct wr_timer *t)
{
    struct wr_conn *c = WR_CONTAINER(t, struct wr_conn, timer);

    WR_CHECK(c, WR_CONN_TAG);
    c->ops->expired(c);
}

static void
task_run(struct wr_task *t)
{
    struct wr_conn *c = WR_CONTAINER(t, struct wr_conn, task);

    WR_CHECK(c, WR_CONN_TAG);
    c->ops->ready(c);
}

static void
task_free(struct wr_task *t)
{
    struct wr_conn *c = WR_CONTAINER(t, struct wr_conn, task);

    c->tag = 0;
    free(c->local);
    free(c->proxied);
    free(c);
}

/* ---- Life. ---- */

/* A record for fd; NULL, and fd closed, when there is no place. */
static struct wr_conn *
make(int fd, size_t size, const struct wr_conn_ops *ops)
{
    struct wr_conn *c;

    WR_ASSERT(size >= sizeof(*c));
    if ((wr_conn_full() && wr_conn_drop_idle(1) == 0) || (c = calloc(1, size)) == NULL) {
        (void)close(fd);
        return NULL;
    }
    c->tag = WR_CONN_TAG;
    c->io = (struct wr_io){ .fd = fd, .ready = io_ready };
    c->timer.fire = timer_fire;
    wr_task_init(&c->task, task_run);
    c->ops = ops;
    c->transport = &wr_transport_plain;
    c->since_ms = wr_clock.now_ms;
    wr_list_add(&busy, &c->link);
    return c;
}

struct wr_conn *
wr_conn_open(int fd, size_t size, const struct wr_conn_ops *ops, struct wr_listen *l,
             const union wr_peer_addr *peer)
{
    static uint64_t number;
    struct wr_conn *c;

    wr_conn_counts.accepted++;
    c = make(fd, size, ops);
    if (c == NULL) {
        return NULL;
    }
    wr_conn_counts.handled++;
    wr_conn_counts.open++;
    c->listen = l;
    c->number = ++number;
    c->can_read = c->can_write = true;
    if (peer != NULL) {
        c->peer = *peer;
    }
    return c;
}

struct wr_conn *
wr_conn_open_outgoing(int fd, size_t size, const struct wr_conn_ops *ops)
{
    struct wr_conn *c = make(fd, size, ops);

    if (c != NULL) {
        c->outgoing = true;
        wr_conn_counts.outgoing++;
    }
    return c;
}

/* Closed, and nobody's: the record goes at the turn's end. */
static void
bury(struct wr_conn *c)
{
    if (c->transport->end != NULL) {
        c->transport->end(c);
    }
    wr_loop_bury(wr_loop_self(), &c->task, task_free);
}

/* It is about to be closed, and has users: what only the descriptor tells. */
static void
keep_local(struct wr_conn *c)
{
    struct wr_addr addr;

    wr_task_remove(&c->task);
    if (wr_conn_local(c, &addr) && (c->local = malloc(sizeof(addr))) != NULL) {
        *c->local = addr;
    }
}

void
wr_conn_ref(struct wr_conn *c)
{
    c->users++;
}

void
wr_conn_unref(struct wr_conn *c)
{
    WR_CHECK(c, WR_CONN_TAG);
    WR_ASSERT(c->users != 0);
    c->users--;
    if (c->closed && c->users == 0) {
        bury(c);
    }
}

void
wr_conn_close(struct wr_conn *c, bool reset)
{
    struct wr_loop *loop = wr_loop_self();

    WR_CHECK(c, WR_CONN_TAG);
    if (c->closed) {
        return;
    }
    c->closed = true;
    wr_out_drop(c);
    wr_conn_idle(c, false);
    wr_timer_clear(loop, &c->timer);
    wr_loop_forget(loop, &c->io);
    if (c->transport->close != NULL) {
        c->transport->close(c, reset);
    }
    if (reset) {
        struct linger now = { .l_onoff = 1, .l_linger = 0 };
        (void)setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    if (c->users != 0) {
        keep_local(c);
    }
    (void)close(c->io.fd);
    c->io.fd = -1;
    *(c->outgoing ? &wr_conn_counts.outgoing : &wr_conn_counts.open) -= 1;
    wr_list_remove(&c->link);
    if (c->users == 0) {
        bury(c);
    }
}

bool
wr_conn_watch(struct wr_conn *c)
{
    return c->io.events != 0 ||
           wr_loop_add(wr_loop_self(), &c->io,
                       EPOLLIN | EPOLLOUT | EPOLLRDHUP | (uint32_t)EPOLLET) == 0;
}

void
wr_conn_wake(struct wr_conn *c)
{
    if (!c->closed) {
        wr_task_add(wr_loop_self(), &c->task);
    }
}

void
wr_conn_deadline(struct wr_conn *c, uint64_t ms)
{
    if (ms == 0) {
        wr_timer_rest(&c->timer);
    } else {
        wr_timer_set(wr_loop_self(), &c->timer, ms);
    }
}

/* ---- Bytes. ---- */

ssize_t
wr_conn_recv(struct wr_conn *c, void *to, size_t room)
{
    ssize_t n = c->transport->recv(c, to, room);

    if (n == 0) {
        c->half_closed = true;
        c->can_read = false;
    } else if (n < 0 && n != -EAGAIN) {
        c->gone = true;
        c->can_read = false;
    }
    if (n > 0 && c->half_closed) { /* the edge of the end may have come with these bytes: look again */
        c->can_read = true;
    }
    return n;
}

void
wr_conn_shut(struct wr_conn *c)
{
    if (c->transport->shut != NULL) {
        c->transport->shut(c);
    }
    (void)shutdown(c->io.fd, SHUT_WR);
}

void
wr_conn_proxied(struct wr_conn *c, const struct wr_proxy_protocol *header)
{
    struct wr_proxy_protocol *copy = malloc(sizeof(*copy) + header->tlvs.len);

    WR_ASSERT(copy != NULL && c->proxied == NULL);
    *copy = *header;
    if (header->tlvs.len != 0) {
        memcpy(copy + 1, header->tlvs.data, header->tlvs.len);
    }
    copy->tlvs.data = (const char *)(copy + 1);
    c->proxied = copy;
}

bool
wr_conn_local(const struct wr_conn *c, struct wr_addr *addr)
{
    if (c->local != NULL) {
        *addr = *c->local;
        return true;
    }
    addr->len = sizeof(addr->at);
    return getsockname(c->io.fd, &addr->at.any, &addr->len) == 0;
}

/* ---- Its lines in the log. ---- */

static void
log_context(const struct wr_log *log, struct wr_strbuf *to)
{
    const struct wr_conn *c = WR_CONTAINER(log, const struct wr_conn_log, log)->conn;

    wr_strbuf_lit(to, ", client: ");
    wr_peer_format(&c->peer, true, to);
    if (c->listen != NULL) {
        wr_strbuf_lit(to, ", server: ");
        wr_addr_format(&c->listen->addr, false, to);
    }
}

struct wr_conn_log
wr_conn_log(const struct wr_conn *c)
{
    struct wr_conn_log l = { .log = *wr_log_process(), .conn = c };

    l.log.connection = c->number;
    l.log.context = log_context;
    return l;
}

/* ---- The lists. ---- */

void
wr_conn_idle(struct wr_conn *c, bool on)
{
    if (c->idle == on) {
        return;
    }
    c->idle = on;
    if (!c->outgoing) {
        wr_conn_counts.idle += on ? 1 : (uint32_t)-1;
    }
    wr_list_remove(&c->link);
    wr_list_add(on ? &idle : &busy, &c->link);
}

uint32_t
wr_conn_drop_idle(uint32_t want)
{
    uint32_t dropped = 0;

    WR_LIST_EACH(at, &idle) {
        struct wr_conn *c = WR_CONTAINER(at, struct wr_conn, link);
        if (dropped == want) {
            break;
        }
        c->ops->drop(c);
        dropped++;
    }
    return dropped;
}

/* Move every connection to a ring of its own first: what a callback does must not disturb the walk. */
static void
each(void (*fn)(struct wr_conn *c))
{
    struct wr_list *lists[] = { &idle, &busy };

    for (size_t i = 0; i < WR_COUNT(lists); i++) {
        struct wr_list *l = lists[i], walk;
        wr_list_init(&walk);
        while (!wr_list_empty(l)) {
            struct wr_list *first = l->next;
            wr_list_remove(first);
            wr_list_add(&walk, first);
        }
        while (!wr_list_empty(&walk)) {
            struct wr_list *first = walk.next;
            wr_list_remove(first);
            wr_list_add(l, first);
            fn(WR_CONTAINER(first, struct wr_conn, link));
        }
    }
}

static void
quit_one(struct wr_conn *c)
{
    c->ops->quit(c);
}

static void
close_one(struct wr_conn *c)
{
    c->ops->drop(c);
}

void
wr_conn_quit_all(void)
{
    each(quit_one);
}

void
wr_conn_close_all(void)
{
    each(close_one);
}
