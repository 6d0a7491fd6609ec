/* http/background.h - requests that work on when their clients have had their answers, or have gone: a response is still to be
 * stored, a copy to be sent, something stale to be brought up to date. Beside the driver's seam (driver.h), for every driver.
 *
 * Such a request leaves its connection: the driver is told that it is over (finish), and when it is done with its memory gives
 * that away (wr_background_take) in place of ending it. From then on the request has a driver that drops what it makes, one
 * deadline (background_timeout), a place in the worker's list, which background_requests bounds, and ends by itself. What it
 * says of its client stays true: the connection's record is kept for it, closed or not (wr_conn_ref).
 */
#ifndef WR_HTTP_BACKGROUND_H
#define WR_HTTP_BACKGROUND_H

#include "http/request.h"

/* Let r, which has not ended, leave its client behind: r->driver is told that it is over. Whatever r runs or waits for goes on.
 * May be called from anywhere in the loop; r's memory stays until the driver has called wr_background_take. False, and counted:
 * there are too many already, or memory is short. */
bool wr_background_enter(struct wr_request *r);

/* The driver is done with r, and with `pool`, r's, which was made by wr_pool_create. True: r works on, and both are no more the
 * driver's. False: it has ended; the driver frees both. */
bool wr_background_take(struct wr_request *r, weir_pool *pool);

/* How many of this worker's work on. It must not exit before they have ended. */
uint32_t wr_background_count(void);

/* The worker's time is over: cut them all. */
void wr_background_end_all(void);

#endif
