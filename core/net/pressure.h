/* net/pressure.h - a worker's memory budget: how near it is, so that load is shed before memory runs out.
 *
 * What is measured is the heap in use, which all pools, buffers, connections and cached files come from.
 */
#ifndef WR_NET_PRESSURE_H
#define WR_NET_PRESSURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum wr_pressure {
    WR_PRESSURE_NONE,
    WR_PRESSURE_HIGH, /* past 85 %: answers say Connection: close, idle connections go */
    WR_PRESSURE_FULL  /* past 95 %: new requests are answered 503 */
};

struct wr_pressure_state {
    enum wr_pressure level;
    uint64_t budget;    /* bytes; 0: none */
    uint64_t looked_ms;
    uint64_t shed;      /* requests refused so far */
};
extern struct wr_pressure_state wr_pressure;

enum { WR_PRESSURE_LOOK_MS = 50 };

/* Once a worker. */
void wr_pressure_setup(uint64_t budget);

/* Measure, and close idle connections when it is high. */
void wr_pressure_look(void);

/* Now and then: give the system the pages of memory that was freed, when much has been since this was last done. Peaks of load
 * would otherwise be kept for good, a page at a time between what stays. */
void wr_pressure_give_back(void);

/* The level, measured anew every WR_PRESSURE_LOOK_MS at most. */
static inline enum wr_pressure
wr_pressure_now(void)
{
    if (wr_pressure.budget != 0 && wr_clock.now_ms - wr_pressure.looked_ms >= WR_PRESSURE_LOOK_MS) {
        wr_pressure_look();
    }
    return wr_pressure.level;
}

#endif
