/* gzip.h - what the files of this module share. */
#ifndef GZIP_GZIP_H
#define GZIP_GZIP_H

#include <weir/weir.h>

extern const weir_coding gzip_coding, gzip_coding_deflate; /* coding.c */

/* Is it Internet Explorer 4 to 6 without the fixes of SV1, which could not be trusted with gzip
 * ("msie6")? */
bool gzip_old_msie(weir_str agent);

/* in/out with two decimals, rounded, into to (room at least 24 bytes); its length. out must not be
 * 0. */
size_t gzip_ratio_text(uint64_t in, uint64_t out, char *to, size_t room);

#endif
