/* compressor.h - the one door to the libraries that make gzip streams [RFC 1952]; coding.c shows it to the server.
 *
 * Making a compressor costs a quarter of a megabyte and about as much time as coding 10 KiB; the server keeps finished ones.
 * Which library works behind a stream depends on its shape and on the build: compressor_kind.h.
 */
#ifndef GZIP_COMPRESSOR_H
#define GZIP_COMPRESSOR_H

#include <weir/coding.h>

enum {
    COMPRESSOR_ROOM_MIN = 8 /* bytes of output a SYNC needs to come to an end */
};

struct compressor; /* one stream */

/* A stream at its beginning; NULL: no memory. shape: level 1 (fast) to 9 (small), window_bits 9 to 15, memory 1 to 9, the size of
 * the search table. */
struct compressor *compressor_open(const weir_coding_shape *shape);

void compressor_close(struct compressor *c);

/* Back to the beginning, wherever it was. False: close it. */
bool compressor_restart(struct compressor *c);

/* As `encode` of a weir_coding; WEIR_CODING_SYNC with less than COMPRESSOR_ROOM_MIN bytes of room does nothing but answer
 * WEIR_AGAIN. */
int compressor_run(struct compressor *c, weir_coding_io *io, uint32_t flush);

#endif
