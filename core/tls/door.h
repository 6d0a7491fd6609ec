/* tls/door.h - the server's side: clients come in at a door, ask for a name, and are shown a site.
 *
 * Which site a name means is decided before OpenSSL looks at anything else of the client's hello, so that a session is only
 * ever resumed at the site it was made at: it carries the identity of its site, which OpenSSL compares. The layer above owns
 * names and sites; a door asks it by functions.
 */
#ifndef WR_TLS_DOOR_H
#define WR_TLS_DOOR_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "net/conn.h"
#include "tls/context.h"

struct wr_tls_stream;
struct wr_tls_tickets; /* ticket.h */
struct wr_tls_staple;  /* staple.h */

enum { WR_TLS_IDENTITY = 32 };

/* Where sessions are kept that clients name by an id. All may be called by any worker. */
struct wr_tls_sessions {
    void *data;
    void (*put)(void *data, weir_str id, weir_str session, uint64_t seconds);
    /* Bytes of the session, at most `room`, at `to`; 0: none is kept under this id. */
    size_t (*get)(void *data, weir_str id, void *to, size_t room);
    void (*remove)(void *data, weir_str id);
};

/* What one server block shows. */
struct wr_tls_site {
    struct wr_tls_context *context;
    uint8_t identity[WR_TLS_IDENTITY]; /* of block, authorities and way to verify: sessions are bound to it */
    bool reject;                       /* end every handshake */
    bool whole_chains;                 /* resume only where our authorities alone make a chain of the client's certificate */
    uint32_t record;                   /* most plain bytes of a record; 0: as many as there may be */
    uint64_t session_s;                /* how long sessions live */
    struct wr_tls_tickets *tickets;    /* keys that tickets are encrypted with; NULL: none are given */
    const struct wr_tls_sessions *sessions; /* NULL: none are kept here */
    struct wr_tls_staple *staple;      /* NULL: nothing is said of our certificate's validity */
};

struct wr_tls_door_ops {
    /* The site for the name that a client asks for, in lower case, "" for none. *http2: may be spoken there. Never NULL. */
    const struct wr_tls_site *(*choose)(const void *owner, struct wr_conn *c, weir_str name, bool *http2);
    /* Show the client certificates that depend on the connection, by wr_tls_stream_show, in place of those of the site's
     * context. False: end the handshake. NULL: there are no such. */
    bool (*show)(const void *owner, struct wr_tls_stream *s);
    /* A handshake is over. good: TLS is spoken; else the connection will be closed. May be NULL. */
    void (*shaken)(const void *owner, const struct wr_tls_stream *s, bool good);
    /* After a good one: may the connection go on? False: wr_tls_stream_admit will be called. NULL: always. */
    bool (*admit)(const void *owner, struct wr_tls_stream *s);
    /* The connection, which waited for that, has ended. */
    void (*left)(const void *owner, struct wr_tls_stream *s);
};

struct wr_tls_door {
    const struct wr_tls_door_ops *ops;
    const void *owner;
    struct wr_tls_front *front;
};

/* What all doors of a configuration have in common. In pool. */
struct wr_tls_front *wr_tls_front_create(weir_pool *pool);

/* A client has come in: speak TLS on c from now on. bytes have been read of it already. False: not possible, close it. */
bool wr_tls_door_enter(const struct wr_tls_door *door, struct wr_conn *c, weir_str bytes);

/* One more certificate for the client of s; of a type of key that was shown already, it takes its place. Within `show`. */
bool wr_tls_stream_show(struct wr_tls_stream *s, const struct wr_tls_pair *pair);

/* The connection of s, about which `admit` said false, may go on. Not within `admit`. */
void wr_tls_stream_admit(struct wr_tls_stream *s);

/* Can a chain of our authorities be made of the certificate in session, where s's site wants that? */
bool wr_tls_door_knows(const struct wr_tls_stream *s, const SSL_SESSION *session);

/* stream.c: the handshake of s is over; it has ended. */
void wr_tls_door_shaken(struct wr_tls_stream *s, bool good);
void wr_tls_door_left(struct wr_tls_stream *s);

/* context.c: give a server's SSL_CTX the functions of this file. */
void wr_tls_door_equip(SSL_CTX *c);

#endif
