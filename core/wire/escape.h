/* wire/escape.h - bytes made safe for the text they are put into: URLs, HTML, JSON, log lines. Behind weir_escape of the ABI.
 *
 * The kinds are enum weir_escape's of <weir/conf.h>. Everything goes through the bounded builder: one pass, and what does not
 * fit shows in its `full`.
 */
#ifndef WR_WIRE_ESCAPE_H
#define WR_WIRE_ESCAPE_H

#include <stdbool.h>
#include <weir/base.h>
#include <weir/conf.h>

#include "base/strbuf.h"
#include "wire/scan.h"

/*
 * Append s, escaped as kind (enum weir_escape) says.
 *
 * NONE  as it is
 * URI   a path in a URL: %XX for what is no pchar and no '/'  [RFC 3986 3.3]. One that begins with "//" stays so: who makes
 *       a reference of it puts scheme and authority before it, or it would name another host
 * ARGS  a value in a query: as URI, and '&' and '+' too
 * HTML  text or a quoted attribute: & < > " '
 * JSON  the inside of a string: valid UTF-8 stays; each byte that is no part of it becomes the code point of its own value
 *       (\u00ff for ff), so that the output is valid always  [RFC 8259 7]
 * LOG   \xNN for `"`, `\` and all outside 20..7e
 */
void wr_escape(struct wr_strbuf *b, weir_str s, uint32_t kind);

/* Would wr_escape append s as it is? */
bool wr_escape_keeps(weir_str s, uint32_t kind);

/* Does s stay as it is whether LOG or JSON? The usual case, seen without a call. */
static inline bool
wr_escape_is_plain(weir_str s)
{
    return s.len == 0 || wr_scan_quoted(s.data, s.data + s.len) == s.data + s.len;
}

/* How many bytes at the start of s are one valid UTF-8 character: 1..4, or 0.  [RFC 3629 4] */
size_t wr_escape_utf8(weir_str s);

#endif
