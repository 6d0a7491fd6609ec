/* net/send.c - the gathering of one connection at a time, and the chain of what the kernel did not take. */
#include "net/send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "net/buf.h"

enum {
    PIECES = 64,
    FILE_READ = 64 * 1024,
    FILE_CHUNK = 2 * 1024 * 1024,
    BURST = 2 * FILE_CHUNK /* bytes of one connection before others have their turn, however fast its client takes them */
};

/* One piece of gathered output: bytes of the area, referred bytes, or a buffer. */
struct piece {
    const uint8_t *data;
    size_t len;
    weir_buf *buf;               /* dropped when sent; NULL: none */
    void (*release)(void *data); /* called when sent; NULL: none */
    void *release_data;
};

/* The gathering of this process. Reused for every connection; between readiness events it is empty. */
static struct {
    struct wr_conn *owner;
    size_t used; /* bytes of area */
    unsigned n;
    struct piece pieces[PIECES];
    char area[WR_OUT_AREA];
} gather;

/* What waits outlives the event it was made in: it is owned by a pool of its own. */
static struct weir_pool wait_pool;

static weir_pool *
waiting(void)
{
    if (wait_pool.name == NULL) {
        wr_pool_init(&wait_pool, "output", NULL);
    }
    return &wait_pool;
}

static void
piece_done(const struct piece *p)
{
    if (p->buf != NULL) {
        weir_buf_drop(p->buf);
    } else if (p->release != NULL) {
        p->release(p->release_data);
    }
}

static void
forget_gathered(void)
{
    gather.n = 0;
    gather.used = 0;
    gather.owner = NULL;
}

/* Move the unsent pieces from `first` on to the connection's own chain. */
static void
keep_rest(struct wr_conn *c, unsigned first)
{
    for (unsigned i = first; i < gather.n; i++) {
        struct piece *p = &gather.pieces[i];
        weir_str bytes = { (const char *)p->data, p->len };
        weir_buf *b;
        if (p->buf != NULL) {
            b = p->buf;
        } else if (p->release != NULL) {
            b = weir_buf_extern(waiting(), bytes, p->release, p->release_data);
        } else if (p->data >= (const uint8_t *)gather.area &&
                   p->data < (const uint8_t *)gather.area + WR_OUT_AREA) {
            b = weir_buf_copy(waiting(), bytes);
        } else {
            b = weir_buf_ref(waiting(), bytes);
        }
        weir_chain_push(&c->wait, b);
    }
    forget_gathered();
}

static void
begin(struct wr_conn *c)
{
    if (gather.owner != c) {
        if (gather.owner != NULL) {
            struct wr_conn *other = gather.owner;
            if (wr_out_flush(other) < 0 && gather.owner == other) {
                keep_rest(other, 0);
            }
        }
        gather.owner = c;
    }
}

static struct piece *
piece_add(struct wr_conn *c, const void *data, size_t len)
{
    struct piece *p;

    if (gather.n == PIECES) {
        (void)wr_out_flush(c);
        gather.owner = c;
    }
    p = &gather.pieces[gather.n++];
    *p = (struct piece){ .data = data, .len = len };
    return p;
}

char *
wr_out_room(struct wr_conn *c, size_t need)
{
    WR_ASSERT(need <= WR_OUT_COPY * 2);
    begin(c);
    if (WR_OUT_AREA - gather.used < need) {
        (void)wr_out_flush(c);
        gather.owner = c;
    }
    return gather.area + gather.used;
}

/* Make the bytes at data, which are the area's, a piece although there is no place for one: flushing would hand the area on, so
 * they are kept before that. */
static WR_APART void
keep_built(struct wr_conn *c, const uint8_t *data, size_t len)
{
    weir_buf *b = weir_buf_copy(waiting(), (weir_str){ (const char *)data, len });

    (void)wr_out_flush(c);
    gather.owner = c;
    piece_add(c, b->data, len)->buf = b;
}

void
wr_out_built(struct wr_conn *c, size_t len)
{
    const uint8_t *data = (const uint8_t *)gather.area + gather.used;
    struct piece *last = gather.n != 0 ? &gather.pieces[gather.n - 1] : NULL;

    WR_ASSERT(gather.owner == c && len <= WR_OUT_AREA - gather.used);
    if (len == 0) {
        return;
    }
    gather.used += len;
    if (last != NULL && last->buf == NULL && last->release == NULL &&
        last->data + last->len == data) {
        last->len += len;
    } else if (gather.n == PIECES) {
        keep_built(c, data, len);
    } else {
        gather.pieces[gather.n++] = (struct piece){ .data = data, .len = len };
    }
}

void
wr_out_copy(struct wr_conn *c, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;

    while (len != 0) {
        size_t n = WR_MIN(len, (size_t)WR_OUT_COPY);
        memcpy(wr_out_room(c, n), from, n);
        wr_out_built(c, n);
        from += n;
        len -= n;
    }
}

void
wr_out_ref(struct wr_conn *c, const void *bytes, size_t len, void (*release)(void *data),
           void *data)
{
    struct piece *p;

    begin(c);
    p = piece_add(c, bytes, len);
    p->release = release;
    p->release_data = data;
}

void
wr_out_chain(struct wr_conn *c, weir_chain *chain)
{
    weir_buf *b;

    begin(c);
    while ((b = weir_chain_pop(chain)) != NULL) {
        if (b->len == 0) {
            weir_buf_drop(b);
            continue;
        }
        piece_add(c, b->data, b->len)->buf = b;
    }
}

/* ---- Sending. ---- */

/* A file by sendfile, or through memory where the transport cannot. Bytes sent, or -errno. A file that has become shorter
 * than it was is -EIO: the answer cannot be completed. */
static ssize_t
send_file(struct wr_conn *c, weir_buf *b, bool more)
{
    struct wr_buf *own = wr_buf_of(b);
    size_t len = WR_MIN(b->len, (size_t)FILE_CHUNK);
    ssize_t n;

    if (c->transport->send_file != NULL) {
        n = c->transport->send_file(c, own->fd, own->offset, len, more);
    } else {
        static uint8_t bytes[FILE_READ];
        struct iovec v = { .iov_base = bytes };
        n = pread(own->fd, bytes, WR_MIN(len, sizeof(bytes)), (off_t)own->offset);
        if (n > 0) {
            v.iov_len = (size_t)n;
            n = c->transport->send(c, &v, 1, more || (size_t)n < b->len);
        } else if (n < 0) {
            n = -errno;
        }
    }
    return n == 0 ? -EIO : n;
}

/* Send the memory buffers at the front of the waiting chain in one call. */
static ssize_t
send_front(struct wr_conn *c)
{
    struct iovec v[PIECES] __attribute__((uninitialized)); /* the first n are filled */
    int n = 0;
    weir_buf *b = c->wait.head;

    for (; b != NULL && n < PIECES && !(b->flags & WEIR_BUF_FILE); b = b->next) {
        v[n].iov_base = (void *)(uintptr_t)b->data;
        v[n++].iov_len = b->len;
    }
    return c->transport->send(c, v, n, b != NULL);
}

static int
broken(struct wr_conn *c, ssize_t error)
{
    c->gone = true;
    wr_out_drop(c);
    return (int)error;
}

static int
flush_waiting(struct wr_conn *c)
{
    uint64_t enough = c->sent + BURST;

    while (c->wait.head != NULL) {
        weir_buf *b = c->wait.head;
        ssize_t n;
        if (c->sent >= enough) { /* no edge will tell that it can go on */
            wr_conn_wake(c);
            return -EAGAIN;
        }
        if (b->len == 0) {
            weir_buf_drop(weir_chain_pop(&c->wait));
            continue;
        }
        n = b->flags & WEIR_BUF_FILE ? send_file(c, b, b->next != NULL) : send_front(c);
        if (n == -EAGAIN) {
            return -EAGAIN;
        }
        if (n < 0) {
            return broken(c, n);
        }
        c->sent += (uint64_t)n;
        while (n > 0) {
            size_t part = WR_MIN((size_t)n, c->wait.head->len);
            wr_buf_consume(c->wait.head, part);
            n -= (ssize_t)part;
            if (c->wait.head->len == 0) {
                weir_buf_drop(weir_chain_pop(&c->wait));
            }
        }
    }
    return 0;
}

/* Take n sent bytes off the pieces from *first on. */
static void
advance(unsigned *first, size_t n)
{
    while (n != 0) {
        struct piece *p = &gather.pieces[*first];
        size_t part = WR_MIN(n, p->len);
        n -= part;
        p->len -= part;
        if (p->buf != NULL) {
            wr_buf_consume(p->buf, part);
        }
        p->data = p->data != NULL ? p->data + part : NULL;
        if (p->len == 0) {
            piece_done(p);
            ++*first;
        }
    }
}

/* One call's worth of the gathered pieces from `first` on. */
static ssize_t
send_pieces(struct wr_conn *c, unsigned first)
{
    struct iovec v[PIECES] __attribute__((uninitialized)); /* the first n are filled */
    unsigned i = first;
    int n = 0;

    if (gather.pieces[i].buf != NULL && gather.pieces[i].buf->flags & WEIR_BUF_FILE) {
        return send_file(c, gather.pieces[i].buf, i + 1 < gather.n);
    }
    for (; i < gather.n; i++) {
        const struct piece *p = &gather.pieces[i];
        if (p->buf != NULL && p->buf->flags & WEIR_BUF_FILE) {
            break;
        }
        v[n].iov_base = (void *)(uintptr_t)p->data;
        v[n++].iov_len = p->len;
    }
    return c->transport->send(c, v, n, i < gather.n);
}

/* Is all that was gathered one run of bytes of the area, as after most events? */
static bool
is_one_run(void)
{
    return gather.n == 1 && gather.pieces[0].buf == NULL && gather.pieces[0].release == NULL;
}

/* Send that run: true if the kernel took all of it. False: it, or its rest, is still there. */
static bool
flush_run(struct wr_conn *c)
{
    struct piece *p = &gather.pieces[0];
    struct iovec v = { (void *)(uintptr_t)p->data, p->len };
    ssize_t n = c->transport->send(c, &v, 1, false);

    if (n > 0) {
        c->sent += (uint64_t)n;
        p->data += n;
        p->len -= (size_t)n;
    }
    if (p->len != 0) {
        return false; /* an error shows again in the full way */
    }
    forget_gathered();
    return true;
}

static WR_APART int
flush_gathered(struct wr_conn *c)
{
    uint64_t enough = c->sent + BURST;
    unsigned first = 0;

    while (first < gather.n) {
        ssize_t n = c->can_write && c->sent < enough ? send_pieces(c, first) : -EAGAIN;
        if (n == -EAGAIN) {
            if (c->sent >= enough) {
                wr_conn_wake(c);
            }
            keep_rest(c, first);
            return -EAGAIN;
        }
        if (n < 0) {
            for (; first < gather.n; first++) {
                piece_done(&gather.pieces[first]);
            }
            forget_gathered();
            return broken(c, n);
        }
        c->sent += (uint64_t)n;
        advance(&first, (size_t)n);
    }
    forget_gathered();
    return 0;
}

/* What waits goes first; as long as it does, what is gathered waits behind it. */
static WR_APART int
flush_behind_waiting(struct wr_conn *c)
{
    int rc = c->can_write ? flush_waiting(c) : -EAGAIN;

    if (gather.owner != c) {
        return rc;
    }
    if (rc != 0) {
        keep_rest(c, 0);
        return rc;
    }
    return flush_gathered(c);
}

int
wr_out_flush(struct wr_conn *c)
{
    if (WR_UNLIKELY(c->wait.head != NULL)) {
        return flush_behind_waiting(c);
    }
    if (gather.owner != c) {
        return 0;
    }
    return c->can_write && is_one_run() && flush_run(c) ? 0 : flush_gathered(c);
}

bool
wr_out_pending(const struct wr_conn *c)
{
    return c->wait.head != NULL || (gather.owner == c && gather.n != 0);
}

uint64_t
wr_out_waiting(const struct wr_conn *c)
{
    uint64_t n = c->wait.head != NULL ? weir_chain_len(&c->wait) : 0;

    for (unsigned i = 0; gather.owner == c && i < gather.n; i++) {
        n += gather.pieces[i].len;
    }
    return n;
}

void
wr_out_drop(struct wr_conn *c)
{
    if (gather.owner == c) {
        for (unsigned i = 0; i < gather.n; i++) {
            piece_done(&gather.pieces[i]);
        }
        forget_gathered();
    }
    wr_chain_drop(&c->wait);
}
