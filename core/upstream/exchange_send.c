/* upstream/exchange_send.c - the request on its way out: head and body in as few calls as can be.
 *
 * A body that was given whole stays where it is until the exchange ends, so that another peer can
 * be sent the same; of one that comes in pieces each is dropped once it has gone. A link that does
 * not take more is not the end: what the peer said before it closed may be the answer.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/num.h"
#include "net/buf.h"
#include "net/send.h"
#include "upstream/exchange.h"

enum {
    PIECES = 64,              /* of one call */
    FILE_READ = 64 * 1024,    /* of a file at once where the transport cannot send files */
    FILE_CHUNK = 1024 * 1024, /* and where it can */
    BURST = 4 * 1024 * 1024   /* bytes before other connections have their turn */
};

static bool
is_stream(const weir_exchange *x)
{
    return (x->o.flags & WEIR_EXCHANGE_STREAM) != 0 || x->state == WR_EXCHANGE_TUNNEL;
}

/* Step over what has gone. */
static void
settle(weir_exchange *x)
{
    struct wr_sending *o = &x->out;

    while (o->at != NULL && o->off == o->at->len) {
        o->off = 0;
        if (is_stream(x)) {
            weir_buf_drop(weir_chain_pop(&o->body));
            o->at = o->body.head;
        } else {
            o->at = o->at->next;
        }
    }
}

/* n bytes have gone. */
static void
advance(weir_exchange *x, size_t n)
{
    struct wr_sending *o = &x->out;
    size_t part = WR_MIN(n, x->o.head.len - o->head);

    o->sent += n;
    x->tried->last->sent += n;
    o->head += part;
    n -= part;
    if (is_stream(x)) {
        o->waiting -= WR_MIN(n, o->waiting);
    }
    while (n != 0) {
        part = WR_MIN(n, o->at->len - o->off);
        o->off += part;
        n -= part;
        settle(x);
    }
    settle(x);
}

/* The head and buffers in memory in one call. */
static ssize_t
send_memory(weir_exchange *x, struct wr_conn *c)
{
    const struct wr_sending *o = &x->out;
    struct iovec v[PIECES] __attribute__((uninitialized)); /* the first n are filled */
    weir_buf *b = o->at;
    size_t off = o->off;
    int n = 0;

    if (o->head < x->o.head.len) {
        v[n++] = (struct iovec){ (void *)(uintptr_t)(x->o.head.data + o->head),
                                 x->o.head.len - o->head };
    }
    for (; b != NULL && n < PIECES && !(b->flags & WEIR_BUF_FILE); b = b->next) {
        v[n++] = (struct iovec){ (void *)(uintptr_t)(b->data + off), b->len - off };
        off = 0;
    }
    return c->transport->send(c, v, n, b != NULL);
}

/* A piece of the file at hand. A file that has become shorter is -EIO. */
static ssize_t
send_file(const weir_exchange *x, struct wr_conn *c)
{
    const weir_buf *b = x->out.at;
    const struct wr_buf *own = wr_buf_of(b);
    int64_t from = own->offset + (int64_t)x->out.off;
    size_t left = b->len - x->out.off;
    static uint8_t bytes[FILE_READ];
    struct iovec v = { .iov_base = bytes };
    ssize_t n;

    if (c->transport->send_file != NULL) {
        n = c->transport->send_file(c, own->fd, from, WR_MIN(left, (size_t)FILE_CHUNK),
                                    b->next != NULL);
        return n == 0 ? -EIO : n;
    }
    n = pread(own->fd, bytes, WR_MIN(left, sizeof(bytes)), (off_t)from);
    if (n <= 0) {
        return n == 0 ? -EIO : -errno;
    }
    v.iov_len = (size_t)n;
    return c->transport->send(c, &v, 1, (size_t)n < left || b->next != NULL);
}

static ssize_t
send_some(weir_exchange *x, struct wr_conn *c)
{
    const struct wr_sending *o = &x->out;
    bool file = o->head == x->o.head.len && o->at != NULL && o->at->flags & WEIR_BUF_FILE;

    return file ? send_file(x, c) : send_memory(x, c);
}

/* Nothing more can be sent on this link. What it has been sent is read all the same. */
static void
give_up(weir_exchange *x, int error)
{
    struct wr_conn *c = &x->link->conn;

    x->out.error = error;
    c->can_write = false;
    c->can_read = true;
    wr_conn_wake(c);
}

/* What is awaited now, and for how long. moved: bytes have gone. */
static void
look_ahead(weir_exchange *x, bool moved)
{
    if (x->state == WR_EXCHANGE_SENT && (wr_exchange_sent_all(x) || x->out.error != 0)) {
        x->state = WR_EXCHANGE_HEAD;
        wr_exchange_deadline(x, x->policy.read_ms);
    } else if (wr_exchange_pending(x)) {
        if (moved || x->out.sent == 0) {
            wr_exchange_deadline(x, x->policy.send_ms);
        }
    } else if (x->state == WR_EXCHANGE_TUNNEL) {
        if (moved) {
            wr_exchange_deadline(x, x->policy.read_ms);
        }
        if (x->out.last && x->out.error == 0) {
            wr_conn_shut(&x->link->conn);
            x->out.error = EPIPE; /* our side is closed */
        }
    }
}

void
wr_exchange_flush(weir_exchange *x)
{
    struct wr_conn *c = &x->link->conn;
    uint64_t before = x->out.sent;

    while (wr_exchange_pending(x) && c->can_write) {
        ssize_t n = send_some(x, c);
        if (n == -EAGAIN) {
            break;
        }
        if (n < 0) {
            give_up(x, (int)-n);
            break;
        }
        advance(x, (size_t)n);
        if (x->out.sent - before >= BURST) { /* no edge will tell that it can go on */
            wr_conn_wake(c);
            break;
        }
    }
    look_ahead(x, x->out.sent != before);
}

void
wr_exchange_send_begin(weir_exchange *x)
{
    x->state = WR_EXCHANGE_SENT;
    settle(x);
    wr_exchange_flush(x);
    if (x->full && x->out.waiting <= WR_EXCHANGE_OUT_FULL) {
        wr_conn_wake(&x->link->conn); /* what it took at once is followed by no event: tell it */
    }
}

/* ---- What modules call. ---- */

/* body as chunks, onto the way out. [RFC 9112 7.1] */
static void
add_chunk(weir_exchange *x, weir_chain *body, bool last)
{
    uint64_t len = weir_chain_len(body);
    weir_pool *pool = x->memory;
    char digits[16 + 2];
    size_t n;

    if (len != 0) {
        n = wr_num_format_hex(digits, len);
        memcpy(digits + n, "\r\n", 2);
        weir_chain_push(&x->out.body, weir_buf_copy(pool, (weir_str){ digits, n + 2 }));
        weir_chain_take(&x->out.body, body);
        weir_chain_push(&x->out.body, weir_buf_ref(pool, WEIR_STR("\r\n")));
        x->out.waiting += n + 4 + len;
    } else {
        wr_chain_drop(body);
    }
    if (last) {
        weir_chain_push(&x->out.body, weir_buf_ref(pool, WEIR_STR("0\r\n\r\n")));
        x->out.waiting += 5;
    }
}

int
weir_exchange_send(weir_exchange *x, weir_chain *body, bool last)
{
    WR_CHECK(x, WR_EXCHANGE_TAG);
    if (!is_stream(x) || x->out.last || x->state >= WR_EXCHANGE_FAILED ||
        (x->out.error != 0 && x->out.sent != 0)) {
        return WEIR_CLOSED;
    }
    if (x->o.flags & WEIR_EXCHANGE_CHUNKED && x->state != WR_EXCHANGE_TUNNEL) {
        add_chunk(x, body, last);
    } else {
        x->out.waiting += weir_chain_len(body);
        weir_chain_take(&x->out.body, body);
    }
    x->out.last = last;
    if (x->out.at == NULL) {
        x->out.at = x->out.body.head;
        settle(x);
    }
    if (x->state >= WR_EXCHANGE_SENT) {
        wr_exchange_flush(x);
    }
    x->full = x->out.waiting > WR_EXCHANGE_OUT_FULL;
    return x->full ? WEIR_AGAIN : WEIR_OK;
}
