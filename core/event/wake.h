/* event/wake.h - the way into the loop from another thread, and the threads that blocking work is given to. */
#ifndef WR_EVENT_WAKE_H
#define WR_EVENT_WAKE_H

#include <stdint.h>

#include "event/loop.h"

/* Let weir_post and weir_offload work in this process: an eventfd in loop; threads start at the first offload.
 * threads: 1..64; queue: most pieces of work waiting. 0 or -errno. */
int wr_wake_open(struct wr_loop *loop, uint32_t threads, uint32_t queue);

/* No more posts are taken; threads finish what they have and end. */
void wr_wake_close(void);

#endif
