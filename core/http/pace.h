/* http/pace.h - limit_rate: how many bytes of an answer's body may leave now. A driver asks before it sends. */
#ifndef WR_HTTP_PACE_H
#define WR_HTTP_PACE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/event.h>

struct wr_request;

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

#endif
