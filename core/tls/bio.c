/* tls/bio.c - the two areas, and the kernel's end of them.
 *
 * One stream at a time uses them: what is read belongs to the stream that was entered, and what is gathered is flushed or kept
 * before that one is left.
 */
#include "tls/bio.h"

#include <errno.h>
#include <openssl/bio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"

/* This process's. */
static struct {
    struct wr_tls_stream *owner;
    uint8_t *at;
    size_t len;
    uint8_t area[WR_TLS_READ];
} in;

static struct {
    size_t len;
    uint8_t area[WR_TLS_WRITE];
} out;

/* ---- Reading. ---- */

void
wr_tls_bio_enter(struct wr_tls_stream *s)
{
    WR_ASSERT(in.owner == NULL && out.len == 0);
    in.owner = s;
    in.at = in.area;
    in.len = s->held_len;
    if (s->held != NULL) {
        memcpy(in.area, s->held, s->held_len);
        free(s->held);
        s->held = NULL;
        s->held_len = 0;
    }
}

void
wr_tls_bio_leave(struct wr_tls_stream *s)
{
    WR_ASSERT(in.owner == s && out.len == 0);
    if (in.len != 0) {
        s->held = malloc(in.len);
        WR_ASSERT(s->held != NULL);
        memcpy(s->held, in.at, in.len);
        s->held_len = (uint32_t)in.len;
        s->conn->can_read = true;
    }
    in.owner = NULL;
    in.len = 0;
}

bool
wr_tls_bio_has_more(void)
{
    return in.len != 0;
}

/* Read what there is into the empty area. Bytes, 0 at the end, -EAGAIN or -errno. */
static ssize_t
fill(struct wr_tls_stream *s)
{
    struct wr_conn *c = s->conn;
    ssize_t n;

    if (!c->can_read) {
        return -EAGAIN;
    }
    do {
        n = recv(c->io.fd, in.area, sizeof(in.area), 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        c->can_read = errno != EAGAIN && c->can_read;
        return -errno;
    }
    in.at = in.area;
    in.len = (size_t)n;
    if (n != 0 && (size_t)n < sizeof(in.area) && !c->half_closed) { /* the next byte makes an edge */
        c->can_read = false;
    }
    return n;
}

int
wr_tls_bio_first(struct wr_tls_stream *s)
{
    ssize_t n = (ssize_t)in.len;

    if (n == 0) {
        n = fill(s);
    }
    return n > 0 ? in.at[0] : n == 0 ? -ECONNRESET : (int)n;
}

static int
bio_read(BIO *b, char *to, size_t room, size_t *got)
{
    struct wr_tls_stream *s = BIO_get_data(b);
    ssize_t n;

    BIO_clear_retry_flags(b);
    if (in.owner != s || s->messages > WR_TLS_MESSAGES) {
        return -1;
    }
    if (in.len == 0) {
        n = fill(s);
        if (n == -EAGAIN) {
            BIO_set_retry_read(b);
            return -1;
        }
        if (n <= 0) {
            s->eof = n == 0;
            s->error = n < 0 ? (int)-n : 0;
            return n == 0 ? 0 : -1;
        }
    }
    *got = WR_MIN(room, in.len);
    memcpy(to, in.at, *got);
    in.at += *got;
    in.len -= *got;
    return 1;
}

/* ---- Writing. ---- */

static int
bio_write(BIO *b, const char *from, size_t len, size_t *taken)
{
    const struct wr_tls_stream *s = BIO_get_data(b);

    BIO_clear_retry_flags(b);
    if (len > sizeof(out.area) - out.len || s->unsent_len - s->unsent_at > sizeof(out.area)) {
        return -1; /* a peer that has us answer and does not read the answers */
    }
    memcpy(out.area + out.len, from, len);
    out.len += len;
    *taken = len;
    return 1;
}

static ssize_t
send_bytes(struct wr_conn *c, const uint8_t *data, size_t len, bool more)
{
    ssize_t n;

    do {
        n = send(c->io.fd, data, len, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        c->can_write = errno != EAGAIN && c->can_write;
        return -errno;
    }
    return n;
}

/* What had to wait. */
static int
flush_unsent(struct wr_tls_stream *s, bool more, size_t *sent)
{
    while (s->unsent_at < s->unsent_len) {
        ssize_t n = s->conn->can_write ? send_bytes(s->conn, s->unsent + s->unsent_at,
                                                    s->unsent_len - s->unsent_at, more)
                                       : -EAGAIN;
        if (n < 0) {
            return (int)n;
        }
        s->unsent_at += (uint32_t)n;
        *sent += (size_t)n;
    }
    free(s->unsent);
    s->unsent = NULL;
    s->unsent_at = s->unsent_len = 0;
    return 0;
}

/* Put the gathered bytes from `from` on behind those that wait. */
static void
keep_from(struct wr_tls_stream *s, size_t from)
{
    size_t waiting = s->unsent_len - s->unsent_at, len = waiting + out.len - from;
    uint8_t *all;

    if (out.len != from) {
        all = malloc(len);
        WR_ASSERT(all != NULL);
        if (waiting != 0) {
            memcpy(all, s->unsent + s->unsent_at, waiting);
        }
        memcpy(all + waiting, out.area + from, out.len - from);
        free(s->unsent);
        s->unsent = all;
        s->unsent_at = 0;
        s->unsent_len = (uint32_t)len;
    }
    out.len = 0;
}

void
wr_tls_bio_keep(struct wr_tls_stream *s)
{
    keep_from(s, 0);
}

/* Bytes that wait, and a few gathered ones: in one call. */
static void
join(struct wr_tls_stream *s)
{
    size_t waiting = s->unsent_len - s->unsent_at;

    if (waiting != 0 && out.len != 0 && waiting <= sizeof(out.area) - out.len) {
        memmove(out.area + waiting, out.area, out.len);
        memcpy(out.area, s->unsent + s->unsent_at, waiting);
        out.len += waiting;
        free(s->unsent);
        s->unsent = NULL;
        s->unsent_at = s->unsent_len = 0;
    }
}

int
wr_tls_bio_flush(struct wr_tls_stream *s, bool more, size_t *sent)
{
    ssize_t n;
    int rc;

    *sent = 0;
    join(s);
    rc = flush_unsent(s, more || out.len != 0, sent);
    if (rc == 0 && out.len != 0) {
        n = s->conn->can_write ? send_bytes(s->conn, out.area, out.len, more) : -EAGAIN;
        *sent += n > 0 ? (size_t)n : 0;
        if (n == (ssize_t)out.len) {
            out.len = 0;
            return 0;
        }
        keep_from(s, n > 0 ? (size_t)n : 0);
        return n < 0 ? (int)n : flush_unsent(s, more, sent);
    }
    if (rc == -EAGAIN) {
        keep_from(s, 0);
    }
    out.len = 0;
    return rc;
}

/* ---- The method. ---- */

static long
bio_ctrl(BIO *b, int command, long number, void *pointer)
{
    (void)b, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int
bio_created(BIO *b)
{
    BIO_set_init(b, 1);
    return 1;
}

static BIO_METHOD *
method(void)
{
    static BIO_METHOD *made;

    if (made == NULL) {
        made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
        WR_ASSERT(made != NULL);
        (void)BIO_meth_set_read_ex(made, bio_read);
        (void)BIO_meth_set_write_ex(made, bio_write);
        (void)BIO_meth_set_ctrl(made, bio_ctrl);
        (void)BIO_meth_set_create(made, bio_created);
    }
    return made;
}

BIO *
wr_tls_bio_create(struct wr_tls_stream *s)
{
    BIO *b = BIO_new(method());

    if (b != NULL) {
        BIO_set_data(b, s);
    }
    return b;
}
