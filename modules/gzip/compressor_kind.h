/* compressor_kind.h - what a compression library fills to stand behind compressor.h.
 *
 * compressor.c asks compressor_choose which kind serves a shape. A kind's file begins its own
 * structure with a struct compressor, which is filled by compressor.c, and what create makes is only
 * ever handed to the same kind.
 */
#ifndef GZIP_COMPRESSOR_KIND_H
#define GZIP_COMPRESSOR_KIND_H

#include <stdbool.h>

#include "compressor.h"

struct compressor {
    const struct compressor_kind *kind;
};

struct compressor_kind {
    /* A stream at its beginning; NULL when there is no memory. */
    struct compressor *(*create)(const weir_coding_shape *shape);

    void (*destroy)(struct compressor *c);

    /* Back to the beginning, wherever it was. False: destroy it. */
    bool (*restart)(struct compressor *c);

    /* As compressor_run, which has answered MORE without input and SYNC without room itself. */
    int (*run)(struct compressor *c, weir_coding_io *io, uint32_t flush);
};

extern const struct compressor_kind compressor_zlib, compressor_isal;

/* The kind that serves streams of that shape. The build takes compressor_choose_isal.c when it has
 * ISA-L, and compressor_choose_zlib.c when not. */
const struct compressor_kind *compressor_choose(const weir_coding_shape *shape);

#endif
