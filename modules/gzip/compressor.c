/* compressor.c - what holds for the compressors of every kind. What a stream does is up to its kind. */
#include "compressor.h"

#include "compressor_kind.h"

struct compressor *
compressor_open(const weir_coding_shape *shape)
{
    const struct compressor_kind *kind = compressor_choose(shape);
    struct compressor *c = kind->create(shape);

    if (c != NULL) {
        c->kind = kind;
    }
    return c;
}

void
compressor_close(struct compressor *c)
{
    c->kind->destroy(c);
}

bool
compressor_restart(struct compressor *c)
{
    return c->kind->restart(c);
}

int
compressor_run(struct compressor *c, weir_coding_io *io, uint32_t flush)
{
    if (flush == WEIR_CODING_MORE && io->in_len == 0) {
        return WEIR_OK;
    }
    /* With room to spare the end of a flush can be told from more to come; without it a library
     * would write its mark of five or six bytes at each call. */
    if (flush == WEIR_CODING_SYNC && io->out_len < COMPRESSOR_ROOM_MIN) {
        return WEIR_AGAIN;
    }
    return c->kind->run(c, io, flush);
}
