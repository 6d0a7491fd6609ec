/* wire/chunked.h - the chunked transfer coding, decoded as the bytes come. [RFC 9112 7.1]
 *
 * The decoder owns no memory: it hands out slices of the input. It ends before the trailer section,
 * which the caller reads with wr_http1_section, so that trailers obey the rules and limits of
 * header fields.
 */
#ifndef WR_WIRE_CHUNKED_H
#define WR_WIRE_CHUNKED_H

#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>
#include "wire/fault.h"

#define WR_CHUNKED_DIGITS_MAX    16
#define WR_CHUNKED_EXTENSION_MAX 4096 /* bytes of extensions in the whole body */

/* Zeroed before a body's first byte. */
struct wr_chunked {
    uint64_t left;       /* of the chunk: its size so far, then its data still to come */
    uint32_t extensions; /* bytes of extensions so far */
    uint8_t digits;      /* of the size so far */
    uint8_t awaited;     /* enum in chunked.c */
};

/*
 * Decode until there is something to hand out.
 *
 * used  out: bytes of in that are done with
 * data  out: a slice of in
 *
 * WR_OK    data holds body bytes; or data is empty: the last chunk has been read, the trailer
 * section begins at in + *used (it is an empty line at least). Call again, with the rest, unless
 * the body is at its end. WR_MORE  all bytes are used, nothing to hand out; data is empty. WR_BAD
 * 400 and why; close after it. 502 if the caller reads an origin.
 */
enum wr_wire wr_chunked_decode(struct wr_chunked *c, const char *in, size_t len, size_t *used,
                               weir_str *data, struct wr_fault *fault);

#endif
