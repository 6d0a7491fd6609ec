/* tls/ticket.h - the keys that sessions are encrypted with when clients keep them.
 *
 * Keys of our own lie in shared memory: all workers use the same, a reload keeps them, and they change by themselves, so that
 * whoever gets hold of one reads half a day of connections at most. Or they are read from files, as several servers share them.
 */
#ifndef WR_TLS_TICKET_H
#define WR_TLS_TICKET_H

#include "tls/door.h"

enum {
    WR_TLS_TICKET_ROTATE_S = 12 * 3600, /* a key of our own makes tickets so long */
    WR_TLS_TICKET_KEYS = 2,             /* kept of our own: the one that makes them, and the one before */
    WR_TLS_TICKET_FILES = 16            /* keys from files */
};

struct wr_tls_ticket_key {
    uint8_t name[16];
    uint8_t secret[32]; /* AES */
    uint8_t mac[32];
    uint8_t bytes;      /* of secret and mac that count: 16 or 32 */
};

/* What lies in shared memory: zeroed, and this many bytes. */
size_t wr_tls_tickets_shared_size(void);
bool wr_tls_tickets_shared_init(void *shared);

/* Keys of our own at `shared`; in pool. */
struct wr_tls_tickets *wr_tls_tickets_create(weir_pool *pool, void *shared);

/* Keys of files of 48 or 80 bytes; the first makes tickets. NULL with err. */
struct wr_tls_tickets *wr_tls_tickets_load(weir_pool *pool, weir_strs paths, struct wr_err *err);

/* The key of one site, made of one for all: other bytes for every identity, so that no site can read another's tickets. False
 * without memory. */
bool wr_tls_ticket_key_derive(const struct wr_tls_ticket_key *all, const uint8_t identity[WR_TLS_IDENTITY],
                              struct wr_tls_ticket_key *one);

/* Change the key now, as if its time were over. For tests. */
void wr_tls_tickets_rotate(struct wr_tls_tickets *t);

/* context.c: the functions of this file for a server's SSL_CTX. */
void wr_tls_ticket_equip(SSL_CTX *c);

#endif
