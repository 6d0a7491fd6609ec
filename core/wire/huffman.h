/* wire/huffman.h - texts in the code of HPACK, which has few bits for letters that are frequent. [RFC 7541 5.2] */
#ifndef WR_WIRE_HUFFMAN_H
#define WR_WIRE_HUFFMAN_H

#include <stddef.h>
#include <weir/base.h>

#include "wire/wire.h"

/* Room that any text of so many coded bytes fits in: no letter has fewer than five bits. */
#define WR_HUFFMAN_ROOM(bytes) ((bytes) * 8 / 5)

/*
 * Decode a text that is there as a whole.
 *
 * in   its coded bytes; the last is filled up with ones
 * to   room for WR_HUFFMAN_ROOM(in.len) bytes
 * len  out, on WR_OK: bytes of the text
 *
 * WR_OK, or WR_BAD: the filling is a byte or more or has zeros, or there is the code that ends texts, which nobody sends.
 */
enum wr_wire wr_huffman_decode(weir_str in, char *to, size_t *len);

#endif
