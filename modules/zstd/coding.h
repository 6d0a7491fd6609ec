/* coding.h - zstd as the server knows codings. */
#ifndef ZSTD_CODING_H
#define ZSTD_CODING_H

#include <weir/weir.h>

extern const weir_coding zstd_coding;

enum {
    ZSTD_LEVEL_MIN = 1,
    ZSTD_LEVEL_MAX = 19,
    ZSTD_BITS_MAX = 23 /* of an HTTP body: 8 MiB [RFC 9659 3] */
};

#endif
