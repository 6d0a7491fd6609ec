/* wire/qvalue.h - weights of preferences: Accept-Encoding, Accept, Accept-Language. */
#ifndef WR_WIRE_QVALUE_H
#define WR_WIRE_QVALUE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

enum { WR_QVALUE_MAX = 1000 };

/* "0", "0.5", "1.000" in thousandths: one digit, at most three behind the point, at most 1.  [RFC 9110 12.4.2] */
bool wr_qvalue_parse(weir_str text, uint32_t *thousandths);

/* The next element of *rest, what stands before its first ';', and its weight: 1000 when it has none, 0 when it is not of the
 * grammar, so that what cannot be read is never chosen. False at the end. */
bool wr_qvalue_next(weir_str *rest, weir_str *name, uint32_t *thousandths);

/*
 * How welcome is a content coding?
 *
 * accept_encoding  the field, lines joined by commas; absent when not sent
 * coding           "gzip", "br", "identity"; "x-gzip" and "x-compress" in the field mean the names without "x-"
 *
 * 0 (must not be used) .. 1000. A coding that is named has that weight (the first that names it), else "*" counts. "identity"
 * that neither names nor "*" excludes is 1: welcome when nothing else is. Without the field only identity is used: 1000.
 * [RFC 9110 12.5.3]
 */
uint32_t wr_qvalue_coding(weir_str accept_encoding, weir_str coding);

#endif
