/* zlib_io.h - what a coding is to work on, as zlib counts it: in unsigned int, so that longer pieces
 * go in slices. ZLIB_CONST is defined before zlib.h.
 */
#ifndef GZIP_ZLIB_IO_H
#define GZIP_ZLIB_IO_H

#include <limits.h>

#include <weir/coding.h>
#include <zlib.h>

/* For one call: at most UINT_MAX bytes either way. */
static inline void
zlib_lend(z_stream *z, const weir_coding_io *io)
{
    z->next_in = io->in;
    z->avail_in = io->in_len < UINT_MAX ? (uInt)io->in_len : UINT_MAX;
    z->next_out = io->out;
    z->avail_out = io->out_len < UINT_MAX ? (uInt)io->out_len : UINT_MAX;
}

/* Behind it: io goes on behind what was used. */
static inline void
zlib_settle(const z_stream *z, weir_coding_io *io)
{
    io->in_len -= (size_t)(z->next_in - io->in);
    io->in = z->next_in;
    io->out_len -= (size_t)(z->next_out - io->out);
    io->out = z->next_out;
}

#endif
