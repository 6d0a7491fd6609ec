/* limit_req/bucket.c - the arithmetic of a leaky bucket. Rates are at most 10^9, times at most what
 * fits 2^40 ms. */
#include "bucket.h"

uint64_t
bucket_excess(const struct bucket *b, uint64_t rate, uint64_t now_ms)
{
    uint64_t passed = now_ms > b->last_ms ? now_ms - b->last_ms : 0;
    uint64_t leaked;

    if (b->last_ms == 0) {
        return 0;
    }
    if (passed > (UINT64_C(1) << 33)) { /* a hundred days: empty, and no product overflows */
        return 0;
    }
    leaked = rate * passed / 1000;
    return b->excess + BUCKET_REQUEST > leaked ? b->excess + BUCKET_REQUEST - leaked : 0;
}

uint64_t
bucket_wait_ms(uint64_t excess, uint64_t free, uint64_t rate)
{
    return excess > free ? (excess - free) * 1000 / rate : 0;
}
