/* compressor_choose_zlib.c - zlib serves every shape: a build without ISA-L. */
#include "compressor_kind.h"

const struct compressor_kind *
compressor_choose(const weir_coding_shape *shape)
{
    (void)shape;
    return &compressor_zlib;
}
