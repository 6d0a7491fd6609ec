/* wire/scan.h - find where a run of allowed bytes ends, by the fastest variant this machine has.
 *
 * All take [at, end) and answer the first byte that does not belong, or end. They read nothing
 * outside that range.
 */
#ifndef WR_WIRE_SCAN_H
#define WR_WIRE_SCAN_H

#if defined(__SSE2__)
#include "wire/scan_sse2.h"
#define WR_SCAN(what) wr_sse2_##what
#else
#include "wire/scan_plain.h"
#define WR_SCAN(what) wr_plain_##what
#endif

/* To the first ':' or byte up to 20: where a header's name ends, or the line when it has no colon.
 */
static inline const char *
wr_scan_name(const char *at, const char *end)
{
    return WR_SCAN(name)(at, end);
}

/* Past letters, digits and '-': the part of token that names are made of. */
static inline const char *
wr_scan_word(const char *at, const char *end)
{
    return WR_SCAN(word)(at, end);
}

/* Past 20..7e and 80..ff. Stops at HTAB too, which a value may hold but seldom does. [RFC 9110 5.5]
 */
static inline const char *
wr_scan_value(const char *at, const char *end)
{
    return WR_SCAN(value)(at, end);
}

/* Past visible ASCII but '#'. [RFC 9112 3.2] */
static inline const char *
wr_scan_target(const char *at, const char *end)
{
    return WR_SCAN(target)(at, end);
}

/* Past what stays as it is when a path is normalised; stops at '%', '?', '#', 0..20, 7f, and at a
 * '/' that
 * '/' or '.' follows. */
static inline const char *
wr_scan_path(const char *at, const char *end)
{
    return WR_SCAN(path)(at, end);
}

/* Past 20..7e but '"' and '\\': what needs no escape between quotes, in a log or in JSON. */
static inline const char *
wr_scan_quoted(const char *at, const char *end)
{
    return WR_SCAN(quoted)(at, end);
}

/* Bytes before `end` that wr_scan_line may read, those before `line` too. */
enum { WR_SCAN_RUN_UP = 16 };

/* Past 20..7e of a field line, and to its first ':'; when there is none in the line, *colon is not
 * before the answer. */
static inline const char *
wr_scan_line(const char *line, const char *end, const char **colon)
{
    return WR_SCAN(line)(line, end, colon);
}

#endif
