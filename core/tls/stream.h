/* tls/stream.h - TLS over one connection: a transport whose bytes are encrypted.
 *
 * Records are read from the kernel into an area of the process, many in one call, and decrypted from there; what is left of them
 * when the connection's turn ends is put aside. Records to be sent are gathered in another area and leave in one call. What
 * the kernel does not take is kept encrypted, and the plain bytes it stands for count as not taken: who sends presents them
 * again, as with any transport, and they are passed over.
 */
#ifndef WR_TLS_STREAM_H
#define WR_TLS_STREAM_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "net/conn.h"

#define WR_TLS_STREAM_TAG WR_TAG('t', 'l', 's', ' ')

struct wr_tls_client;
struct wr_tls_door;
struct wr_tls_site;

struct wr_tls_stream {
    uint32_t tag;
    bool client;
    bool done;     /* the handshake is over */
    bool failed;   /* nothing may be said any more */
    bool eof;      /* the peer ended without a goodbye */
    bool said_bye;
    bool looked;   /* the first byte is known to be of TLS */
    bool http2;    /* may be spoken here */
    bool waiting;  /* the handshake is over, and whoever is asked about the client has not answered */
    bool slow;     /* the kernel did not take all: less is encrypted ahead */
    int error;     /* of the descriptor, positive; 0: none */
    SSL *ssl;
    struct wr_conn *conn;
    const struct wr_tls_door *door; /* where a client came in; NULL: we are the client */
    struct wr_tls_client *to; /* and then with these settings */
    char *peer;             /* and for this server's sessions */
    weir_str identity;      /* and who we said we are: wr_tls_client_begin; absent: as the settings say */
    const struct wr_tls_site *site; /* whose certificate it was shown; NULL: none yet */
    void *inquiry;          /* of who is asked about the client; NULL: nothing is asked */
    const char *distrust;   /* what they had to say against its certificate; NULL: nothing */
    weir_str name;          /* the server name that was asked for, in lower case; absent: none */
    char *reason;           /* why the server we went to could not be spoken with; NULL: the descriptor's fault, or none */
    uint8_t *held;          /* encrypted bytes that were read and not used */
    uint32_t held_len;
    uint32_t record;        /* most plain bytes of one record */
    uint8_t *unsent;        /* encrypted bytes that the kernel did not take */
    uint32_t unsent_at, unsent_len;
    uint32_t encrypted;     /* plain bytes that were not said to be taken, and are in there */
    uint32_t messages;      /* that the peer sent after the handshake, since bytes of users' last paid for them */
    uint32_t moved;         /* bytes of users', either way, that have not paid yet */
};

enum {
    WR_TLS_RECORD = 16 * 1024, /* plain bytes of a record at most [RFC 8446 5.1] */
    WR_TLS_MESSAGES = 32,      /* the peer may send after the handshake: new keys, tickets, hellos that are refused */
    WR_TLS_PAYS = 1024 * 1024  /* and once more as many for so many bytes of users' */
};

/* For every SSL_CTX: counts the peer's messages. */
void wr_tls_stream_info(const SSL *ssl, int where, int rc);

/* Speak TLS on c from now on: ssl is taken. bytes have been read already and come first. */
struct wr_tls_stream *wr_tls_stream_start(struct wr_conn *c, SSL *ssl, weir_str bytes);

/* The stream of c; NULL: it speaks plainly. */
struct wr_tls_stream *wr_tls_stream_of(const struct wr_conn *c);

/* The stream that ssl belongs to. */
struct wr_tls_stream *wr_tls_stream_of_ssl(const SSL *ssl);

/* End it: its connection has no transport until it is given one. */
void wr_tls_stream_end(struct wr_tls_stream *s);

/* spill.c: end it; its connection speaks plainly, the bytes that were read and not used first. */
void wr_tls_stream_spill(struct wr_tls_stream *s);

#endif
