/* http/coder.h - encoders and decoders of this worker: idle ones are kept, those at work are bounded.
 *
 * A state costs from 40 KiB to 100 MiB and about as much time as coding 10 KiB, so finished ones are started anew.
 */
#ifndef WR_HTTP_CODER_H
#define WR_HTTP_CODER_H

#include <stdbool.h>
#include <weir/coding.h>

#include "base/pool.h"

struct wr_coder {
    const weir_coding *coding;
    void *state;               /* the codec's */
    weir_coding_shape shape;   /* of an encoder; a decoder's is all zero */
    bool decodes;
    uint64_t bytes;            /* about what it takes */
    struct wr_owned owned;     /* by the pool it works for */
    struct wr_coder *next;     /* among the idle */
};

/* A stream at its beginning, given back when the owner ends. shape NULL: a decoder. NULL: those at work
 * are too many or take too much, or there is no memory. */
struct wr_coder *wr_coder_take(weir_pool *owner, const weir_coding *coding, const weir_coding_shape *shape);

/* Done with it before the owner's end. */
void wr_coder_give(struct wr_coder *c);

/* Once a worker: encoders at work may take so many bytes together, and decoders. */
void wr_coder_init(uint64_t bytes);

/* Close the idle ones: the worker stops. */
void wr_coder_fini(void);

#endif
