/* http/pace.h - how fast a body goes: limit_rate, by which a driver asks how many bytes may leave now; and the least rate at which
 * a client has to send or take one. */
#ifndef WR_HTTP_PACE_H
#define WR_HTTP_PACE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/event.h>

#include "base/clock.h"

struct wr_request;

enum { WR_PACE_GRACE_MS = 20 * 1000 }; /* a client may be slower than the least rate for so long */

/* One answer's; zeroed at first. */
struct wr_pace {
    bool known;         /* rate and after have been worked out */
    uint64_t rate;      /* limit_rate, bytes a second; 0: none */
    uint64_t after;     /* limit_rate_after */
    uint64_t since_ms;  /* when the head went: set by the driver */
    uint64_t sent;      /* body bytes that have left: counted by the driver */
    weir_timer *timer;  /* until more may go; NULL: it never had to wait */
};

/* Bytes that may leave now; UINT64_MAX when nothing limits them. */
uint64_t wr_pace_allowed(struct wr_pace *p, struct wr_request *r);

/* Call go(data) when more may leave, unless r has ended by then, or wr_pace_end has been called. */
void wr_pace_wait(struct wr_pace *p, struct wr_request *r, void (*go)(void *data), void *data);

/* Nobody waits any more, although the request may live on. */
void wr_pace_end(struct wr_pace *p);

/* Have fewer than `rate` bytes a second come, or gone, since since_ms? Not before the grace is over, and never for the rate 0. */
static inline bool
wr_pace_too_slow(uint64_t bytes, uint64_t since_ms, uint64_t rate)
{
    uint64_t ms = wr_clock.now_ms - since_ms;

    return rate != 0 && ms > WR_PACE_GRACE_MS && bytes * 1000 / ms < rate;
}

#endif
