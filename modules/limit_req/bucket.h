/* limit_req/bucket.h - the leaky bucket: how far the requests of a key are ahead of the rate. Pure arithmetic.
 *
 * Requests are counted in thousandths, so that slow rates are exact.
 */
#ifndef LIMIT_REQ_BUCKET_H
#define LIMIT_REQ_BUCKET_H

#include <stdint.h>

enum { BUCKET_REQUEST = 1000 }; /* one request */

/* What is kept of a key. Zeroed: never seen. */
struct bucket {
    uint64_t last_ms; /* when a request was counted last, weir_now(); 0: never */
    uint64_t excess;  /* thousandths of requests that were too many then */
};

/* The excess, in thousandths, that one more request at now_ms makes. rate: thousandths of requests a second. */
uint64_t bucket_excess(const struct bucket *b, uint64_t rate, uint64_t now_ms);

/* How long, in milliseconds, until what is too much of excess, past `free` thousandths, has leaked away at rate. */
uint64_t bucket_wait_ms(uint64_t excess, uint64_t free, uint64_t rate);

#endif
