/* wire/fault.h - why bytes from a peer were refused: the status that answers it and words for the
 * log. */
#ifndef WR_WIRE_FAULT_H
#define WR_WIRE_FAULT_H

#include <stdint.h>
#include "wire/wire.h"

/* Filled only on WR_BAD. After any of these the connection closes: what follows cannot be trusted
 * to be a request. */
struct wr_fault {
    uint32_t status;    /* to answer: 400, 414, 417, 431, 501, 505; 502 for an origin's bytes */
    const char *reason; /* static, one line, no bytes of the peer's */
};

static inline enum wr_wire
wr_fault_set(struct wr_fault *fault, uint32_t status, const char *reason)
{
    fault->status = status;
    fault->reason = reason;
    return WR_BAD;
}

#endif
