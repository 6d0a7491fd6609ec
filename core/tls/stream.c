/* tls/stream.c - the transport over OpenSSL: handshake, bytes in, bytes out, goodbye.
 *
 * Every call of OpenSSL's stands between wr_tls_bio_enter and _leave, and what it had to say is flushed or kept before the
 * latter. A stream that failed says nothing more, not even goodbye.
 */
#include "tls/stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "tls/bio.h"
#include "tls/client.h"
#include "tls/door.h"
#include "tls/fault.h"

enum {
    HANDSHAKE = 0x16 /* a record of the handshake begins so [RFC 8446 5.1] */
};

static const struct wr_transport tls_transport;

struct wr_tls_stream *
wr_tls_stream_of(const struct wr_conn *c)
{
    struct wr_tls_stream *s;

    if (c->transport != &tls_transport) {
        return NULL;
    }
    s = c->transport_state;
    WR_CHECK(s, WR_TLS_STREAM_TAG);
    return s;
}

struct wr_tls_stream *
wr_tls_stream_of_ssl(const SSL *ssl)
{
    struct wr_tls_stream *s = BIO_get_data(SSL_get_rbio(ssl)); /* data of the SSL's own would be three allocations more */

    WR_CHECK(s, WR_TLS_STREAM_TAG);
    return s;
}

/* ---- Life. ---- */

struct wr_tls_stream *
wr_tls_stream_start(struct wr_conn *c, SSL *ssl, weir_str bytes)
{
    struct wr_tls_stream *s = calloc(1, sizeof(*s));
    BIO *bio;

    WR_ASSERT(s != NULL && c->transport_state == NULL);
    s->tag = WR_TLS_STREAM_TAG;
    s->conn = c;
    s->ssl = ssl;
    s->record = WR_TLS_RECORD;
    bio = wr_tls_bio_create(s);
    WR_ASSERT(bio != NULL);
    SSL_set_bio(ssl, bio, bio);
    if (bytes.len != 0) {
        s->held = malloc(bytes.len);
        WR_ASSERT(s->held != NULL);
        memcpy(s->held, bytes.data, bytes.len);
        s->held_len = (uint32_t)bytes.len;
        c->can_read = true;
    }
    c->transport = &tls_transport;
    c->transport_state = s;
    return s;
}

void
wr_tls_stream_end(struct wr_tls_stream *s)
{
    s->conn->transport_state = NULL;
    if (!s->client && s->looked && !s->done) { /* who said nothing did not begin one */
        wr_tls_door_shaken(s, false);
    }
    wr_tls_door_left(s);
    if (!s->failed) { /* or OpenSSL takes the session for spoilt where nobody said goodbye */
        SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(s->ssl);
    free(s->held);
    free(s->unsent);
    free((void *)(uintptr_t)s->name.data);
    free((void *)(uintptr_t)s->identity.data);
    free(s->peer);
    free(s->reason);
    s->tag = 0;
    free(s);
}

/* ---- Messages after the handshake. ----
 *
 * Each of them has us derive keys or answer, and costs the peer less than us; OpenSSL takes any number. */

/* Is it in a state that such a message leads to? */
static bool
was_told(const SSL *ssl)
{
    switch (SSL_get_state(ssl)) {
    case TLS_ST_SR_KEY_UPDATE:
    case TLS_ST_SR_CLNT_HELLO:
    case TLS_ST_CR_KEY_UPDATE:
    case TLS_ST_CR_SESSION_TICKET:
    case TLS_ST_CR_HELLO_REQ:
        return true;
    default:
        return false;
    }
}

void
wr_tls_stream_info(const SSL *ssl, int where, int rc)
{
    struct wr_tls_stream *s;

    (void)rc;
    if ((where & SSL_CB_LOOP) && was_told(ssl)) {
        s = wr_tls_stream_of_ssl(ssl);
        s->messages += s->done ? 1 : 0;
    }
}

static void
pay(struct wr_tls_stream *s, size_t bytes)
{
    s->moved += (uint32_t)WR_MIN(bytes, (size_t)WR_TLS_PAYS);
    if (s->moved >= WR_TLS_PAYS) {
        s->moved = 0;
        s->messages = 0;
    }
}

/* ---- Failures. ---- */

/* What clients bring about is a line of level info. Of a server that we went to, our user tells. */
static void
tell(struct wr_tls_stream *s, const char *function)
{
    struct wr_err err;

    (void)wr_tls_fault(&err, s->messages > WR_TLS_MESSAGES ? "%s failed: too many messages" : "%s failed",
                       function);
    if (s->client) {
        free(s->reason);
        s->reason = strdup(err.text);
        return;
    }
    wr_conn_say(s->conn, INFO, "%s while %s", err.text,
                s->done ? "reading or writing" : "SSL handshaking");
}

/* What a call of OpenSSL's that answered n means: -EAGAIN, 0 at the peer's end, or -errno, with the stream failed. */
static ssize_t
outcome(struct wr_tls_stream *s, int n, const char *function)
{
    int what = SSL_get_error(s->ssl, n);

    if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) {
        return -EAGAIN;
    }
    if (what == SSL_ERROR_ZERO_RETURN && s->done && !s->eof) {
        return 0;
    }
    s->failed = true;
    if (s->error != 0) {
        ERR_clear_error();
        return -s->error;
    }
    if (s->eof) {
        ERR_clear_error();
        return s->client || !s->done ? -ECONNRESET : 0; /* a body that ends with the connection may have been cut */
    }
    tell(s, function);
    return -EPROTO;
}

/* ---- Handshake. ---- */

/* Is it TLS that the client speaks? 0, -EAGAIN, -EPROTONOSUPPORT, or -errno. */
static int
look(struct wr_tls_stream *s)
{
    int first = wr_tls_bio_first(s);

    if (first < 0) {
        s->failed = first != -EAGAIN;
        return first;
    }
    if (first != HANDSHAKE && !(first & 0x80)) { /* SSL 2 began so: OpenSSL says what is wrong with it */
        return -EPROTONOSUPPORT;
    }
    s->looked = true;
    return 0;
}

/* What the handshake says. Its last words wait for what is said next, or for the end of what can be read. */
static int
say(struct wr_tls_stream *s)
{
    size_t sent;
    int rc;

    if (s->done && !s->client && !s->waiting) {
        wr_tls_bio_keep(s);
        return 0;
    }
    rc = wr_tls_bio_flush(s, false, &sent);
    if (rc != 0 && rc != -EAGAIN) {
        s->failed = true;
    }
    return rc;
}

static int
shake(struct wr_tls_stream *s)
{
    ssize_t rc = 0;
    int n, said;

    ERR_clear_error();
    n = SSL_do_handshake(s->ssl);
    if (n == 1) {
        s->done = true;
        if (s->client) {
            wr_tls_client_shaken(s);
        } else {
            wr_tls_door_shaken(s, true);
        }
        s->conn->can_read = true; /* more may have come with the last of it */
    } else {
        rc = outcome(s, n, "SSL_do_handshake()");
        rc = rc == 0 ? -ECONNRESET : rc;
    }
    said = say(s);
    return rc != 0 ? (int)rc : said;
}

static int
handshake(struct wr_conn *c)
{
    struct wr_tls_stream *s = wr_tls_stream_of(c);
    size_t sent;
    int rc;

    if (s->done && s->unsent == NULL) {
        return s->waiting ? -EAGAIN : 0;
    }
    wr_tls_bio_enter(s);
    rc = wr_tls_bio_flush(s, false, &sent);
    if (rc == 0 && !s->done) {
        rc = s->looked || s->client ? 0 : look(s);
        rc = rc == 0 ? shake(s) : rc;
    }
    wr_tls_bio_leave(s);
    rc = rc == 0 && s->waiting ? -EAGAIN : rc;
    if (rc == -EPROTONOSUPPORT) {
        wr_tls_stream_spill(s);
    }
    return rc;
}

static const char *
protocol(const struct wr_conn *c)
{
    const struct wr_tls_stream *s = wr_tls_stream_of(c);
    const unsigned char *name;
    unsigned int len;

    SSL_get0_alpn_selected(s->ssl, &name, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0 ? "h2" : NULL;
}

/* ---- Bytes in. ---- */

/* What answers to the peer's messages had to be made, and what the handshake left to say. */
static void
answer(struct wr_tls_stream *s)
{
    size_t sent;
    int rc = wr_tls_bio_flush(s, false, &sent);

    if (rc != 0 && rc != -EAGAIN) {
        s->failed = true;
    }
}

static void
flush(struct wr_conn *c)
{
    struct wr_tls_stream *s = wr_tls_stream_of(c);

    if (s->unsent != NULL && s->encrypted == 0 && !s->failed) { /* what stands for bytes of the user's is asked for again */
        wr_tls_bio_enter(s);
        answer(s);
        wr_tls_bio_leave(s);
    }
}

static ssize_t
tls_recv(struct wr_conn *c, void *to, size_t room)
{
    struct wr_tls_stream *s = wr_tls_stream_of(c);
    size_t got = 0, n;
    ssize_t rc = 0;
    int ok;

    if (s->failed) {
        return -EPROTO;
    }
    wr_tls_bio_enter(s);
    ERR_clear_error();
    do {
        n = 0;
        ok = SSL_read_ex(s->ssl, (char *)to + got, room - got, &n);
        got += n;
    } while (ok == 1 && got < room && (wr_tls_bio_has_more() || SSL_pending(s->ssl) != 0));
    if (ok != 1) {
        rc = outcome(s, ok, "SSL_read()");
    }
    if (got == 0 || !s->done) {
        answer(s);
    } else {
        wr_tls_bio_keep(s); /* what is said next takes it along */
    }
    wr_tls_bio_leave(s);
    pay(s, got);
    if (got != 0) {
        c->can_read = c->can_read || SSL_pending(s->ssl) != 0 || (rc != 0 && rc != -EAGAIN) ||
                      (rc == 0 && ok != 1);
        s->failed = false;
        return (ssize_t)got;
    }
    return rc;
}

/* ---- Bytes out. ---- */

/* Where pieces that are smaller than a record are put together. */
static uint8_t gathered[WR_TLS_RECORD];

/* A place in the pieces. */
struct cursor {
    const struct iovec *piece, *end;
    size_t at; /* bytes of *piece that are behind us */
};

static void
pass(struct cursor *k, size_t n)
{
    while (k->piece != k->end && n >= k->piece->iov_len - k->at) {
        n -= k->piece->iov_len - k->at;
        k->piece++;
        k->at = 0;
    }
    k->at += n;
}

/* Up to `most` bytes from k in one piece, which are passed. */
static weir_str
next(struct cursor *k, size_t most)
{
    weir_str bytes = { (const char *)gathered, 0 };

    if (k->piece == k->end) {
        return bytes;
    }
    bytes = (weir_str){ (const char *)k->piece->iov_base + k->at, k->piece->iov_len - k->at };
    if (bytes.len >= most || k->piece + 1 == k->end) {
        bytes.len = WR_MIN(bytes.len, most);
        pass(k, bytes.len);
        return bytes;
    }
    bytes = (weir_str){ (const char *)gathered, 0 };
    while (k->piece != k->end && bytes.len < most) {
        size_t n = WR_MIN(k->piece->iov_len - k->at, most - bytes.len);
        memcpy(gathered + bytes.len, (const char *)k->piece->iov_base + k->at, n);
        bytes.len += n;
        pass(k, n);
    }
    return bytes;
}

/* Make records of what follows k, as much as is made in one go. 0 or -errno. */
static int
encrypt(struct wr_tls_stream *s, struct cursor k)
{
    size_t most = s->slow ? WR_TLS_SLOW : WR_TLS_AHEAD, n;
    weir_str bytes;
    int ok;

    ERR_clear_error();
    while (s->encrypted < most && (bytes = next(&k, s->record)).len != 0) {
        ok = SSL_write_ex(s->ssl, bytes.data, bytes.len, &n);
        if (ok != 1) {
            ssize_t rc = outcome(s, ok, "SSL_write()");
            s->failed = true;
            return rc < 0 && rc != -EAGAIN ? (int)rc : -EPROTO;
        }
        WR_ASSERT(n == bytes.len);
        s->encrypted += (uint32_t)n;
        pay(s, n);
    }
    return 0;
}

/* How many plain bytes count as taken: all when nothing encrypted is left, and as many as went out as long as something is,
 * so that a slow peer is seen to take them. */
static uint32_t
taken(struct wr_tls_stream *s, size_t sent, size_t presented)
{
    uint32_t n = s->encrypted;

    if (s->unsent != NULL) {
        n = n != 0 ? (uint32_t)WR_MIN(sent, (size_t)n - 1) : 0;
    }
    n = (uint32_t)WR_MIN(n, presented);
    s->encrypted -= n;
    return n;
}

static ssize_t
tls_send(struct wr_conn *c, const struct iovec *pieces, int n_pieces, bool more)
{
    struct wr_tls_stream *s = wr_tls_stream_of(c);
    struct cursor k = { pieces, pieces + n_pieces, 0 };
    size_t presented = 0, sent = 0;
    uint32_t n;
    int rc = 0;

    if (s->failed) {
        return -EPIPE;
    }
    for (int i = 0; i < n_pieces; i++) {
        presented += pieces[i].iov_len;
    }
    wr_tls_bio_enter(s);
    if (s->encrypted == 0) {
        pass(&k, 0);
        rc = encrypt(s, k);
    }
    if (rc == 0) {
        rc = wr_tls_bio_flush(s, more, &sent);
        s->slow = rc == -EAGAIN || (s->slow && sent < WR_TLS_SLOW);
    } else {
        answer(s);
    }
    wr_tls_bio_leave(s);
    if (rc != 0 && rc != -EAGAIN) {
        s->failed = true;
        return rc;
    }
    n = taken(s, sent, presented);
    return n != 0 ? (ssize_t)n : -EAGAIN;
}

/* Bytes of nobody's that came, sessions among them, are taken; a byte for our user is not. */
static bool
quiet(struct wr_conn *c)
{
    struct wr_tls_stream *s = wr_tls_stream_of(c);
    bool still = false;
    uint8_t byte;
    size_t n;
    int ok;

    if (s->failed || !s->done) {
        return false;
    }
    c->can_read = true;
    wr_tls_bio_enter(s);
    ERR_clear_error();
    ok = SSL_peek_ex(s->ssl, &byte, 1, &n);
    still = ok != 1 && outcome(s, ok, "SSL_peek()") == -EAGAIN;
    answer(s);
    wr_tls_bio_leave(s);
    return still && !s->failed;
}

/* ---- Goodbye. ---- */

static void
shut(struct wr_conn *c)
{
    struct wr_tls_stream *s = wr_tls_stream_of(c);
    size_t sent;

    if (s->said_bye || s->failed || !s->done || s->encrypted != 0 || c->gone) {
        return; /* what is cut must not look whole */
    }
    s->said_bye = true;
    ERR_clear_error();
    wr_tls_bio_enter(s);
    (void)SSL_shutdown(s->ssl);
    (void)wr_tls_bio_flush(s, false, &sent);
    wr_tls_bio_leave(s);
    ERR_clear_error();
}

static void
tls_close(struct wr_conn *c, bool reset)
{
    if (!reset) {
        shut(c);
    }
}

static void
tls_end(struct wr_conn *c)
{
    wr_tls_stream_end(wr_tls_stream_of(c));
}

static const struct wr_transport tls_transport = {
    .name = "tls",
    .secure = true,
    .recv = tls_recv,
    .send = tls_send,
    .shut = shut,
    .close = tls_close,
    .end = tls_end,
    .flush = flush,
    .handshake = handshake,
    .protocol = protocol,
    .quiet = quiet,
};
