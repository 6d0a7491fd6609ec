/* base/str.h - small questions about weir_str slices. All are pure; none needs a terminating zero. */
#ifndef WR_BASE_STR_H
#define WR_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>

/* A byte in lower case, ASCII only, whatever the locale. */
static inline uint8_t
wr_str_lower(uint8_t c)
{
    return (uint8_t)(c | ((uint8_t)(c - 'A') < 26 ? 0x20 : 0));
}

static inline bool
wr_str_starts(weir_str s, weir_str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

static inline bool
wr_str_ends(weir_str s, weir_str tail)
{
    return s.len >= tail.len &&
           (tail.len == 0 || memcmp(s.data + s.len - tail.len, tail.data, tail.len) == 0);
}

/* s from byte `from` (at most s.len) for at most len bytes. */
static inline weir_str
wr_str_cut(weir_str s, size_t from, size_t len)
{
    from = from < s.len ? from : s.len;
    return (weir_str){ from != 0 ? s.data + from : s.data, /* absent stays absent */
                       len < s.len - from ? len : s.len - from };
}

/* Where c stands first, or s.len. */
static inline size_t
wr_str_find(weir_str s, char c)
{
    const char *at = s.len != 0 ? memchr(s.data, c, s.len) : NULL;

    return at != NULL ? (size_t)(at - s.data) : s.len;
}

/* Order by bytes, the shorter first when one begins the other; <0, 0, >0. */
int wr_str_cmp(weir_str a, weir_str b);

/* s without blanks and tabs at either end. */
weir_str wr_str_trim(weir_str s);

/* A keyed 64-bit hash of s, unpredictable to who does not know this process's key (SipHash-1-3 over a key drawn at start
 * and inherited by workers); the _fold form gives letters of either case the same hash. */
uint64_t wr_str_hash(weir_str s);

/* Quicker by far and keyed too, but no more than good mixing: for a process's own bounded caches. */
uint64_t wr_str_hash_quick(weir_str s);

uint64_t wr_str_hash_fold(weir_str s);

#endif
