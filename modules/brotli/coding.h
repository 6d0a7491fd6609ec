/* coding.h - br as the server knows codings. */
#ifndef BROTLI_CODING_H
#define BROTLI_CODING_H

#include <weir/weir.h>

extern const weir_coding brotli_coding;

enum { BROTLI_LEVEL_MAX = 11, BROTLI_BITS_MIN = 10, BROTLI_BITS_MAX = 24 };

#endif
