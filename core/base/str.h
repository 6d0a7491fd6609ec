/* base/str.h - what core asks of weir_str slices beyond <weir/text.h>. All are pure; none needs a terminating zero. */
#ifndef WR_BASE_STR_H
#define WR_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>
#include <weir/text.h>

/* Order by bytes, the shorter first when one begins the other; <0, 0, >0. */
int wr_str_cmp(weir_str a, weir_str b);

/* A keyed 64-bit hash of s, unpredictable to who does not know this process's key (SipHash-1-3 over a key drawn at start
 * and inherited by workers); the _fold form gives letters of either case the same hash. */
uint64_t wr_str_hash(weir_str s);

/* Quicker by far and keyed too, but no more than good mixing: for a process's own bounded caches. */
uint64_t wr_str_hash_quick(weir_str s);

uint64_t wr_str_hash_fold(weir_str s);

#endif
