/* tls/bio.h - where OpenSSL's bytes come from and go to: areas of the process, filled and emptied by few system calls. */
#ifndef WR_TLS_BIO_H
#define WR_TLS_BIO_H

#include "tls/stream.h"

enum {
    WR_TLS_READ = 64 * 1024,  /* encrypted bytes read in one call */
    WR_TLS_AHEAD = 64 * 1024, /* plain bytes encrypted in one go */
    WR_TLS_SLOW = WR_TLS_RECORD, /* and for a peer that did not take all of it */
    WR_TLS_WRITE = 96 * 1024  /* encrypted bytes gathered: those, and what a handshake says */
};

/* A BIO of s; NULL without memory. */
BIO *wr_tls_bio_create(struct wr_tls_stream *s);

/* The area is s's: take up what was held. Between the two OpenSSL may be called. */
void wr_tls_bio_enter(struct wr_tls_stream *s);

/* Put aside what was read and is not used. */
void wr_tls_bio_leave(struct wr_tls_stream *s);

/* Are bytes there that were read from the kernel and not used? Between enter and leave. */
bool wr_tls_bio_has_more(void);

/* The first unused byte, read if it has to be: 0..255, -EAGAIN, or -errno (-ECONNRESET at the peer's end). */
int wr_tls_bio_first(struct wr_tls_stream *s);

/* Hand to the kernel what was gathered, after what was unsent. 0; -EAGAIN: the rest is kept; -errno. *sent: bytes it took. */
int wr_tls_bio_flush(struct wr_tls_stream *s, bool more, size_t *sent);

/* Keep what was gathered, unsent, for a flush that is to come. */
void wr_tls_bio_keep(struct wr_tls_stream *s);

#endif
