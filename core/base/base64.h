/* base/base64.h - base64, as credentials, digests and keys are written. */
#ifndef WR_BASE_BASE64_H
#define WR_BASE_BASE64_H

#include <stdbool.h>
#include <weir/base.h>

#include "base/strbuf.h"

/*
 * Append the bytes that text stands for: 3 for every 4 letters.
 *
 * False for a byte outside of the standard alphabet, for padding that is missing, too much or not at the end, and for bits
 * behind the last byte that are not zero: one value has one spelling. b then holds what came before.  [RFC 4648 4]
 */
bool wr_base64_decode(struct wr_strbuf *b, weir_str text);

/* The same of base64url, which here has no padding.  [RFC 4648 5] */
bool wr_base64_decode_url(struct wr_strbuf *b, weir_str text);

/* Append bytes as text, with padding: 4 for every 3 begun. */
void wr_base64_encode(struct wr_strbuf *b, weir_str bytes);

/* As base64url, without padding. */
void wr_base64_encode_url(struct wr_strbuf *b, weir_str bytes);

#endif
