/* http/ticket.h - suspended hooks: who may resume what, and until when.
 *
 * A weir_ticket * is not an address but a number: the place in a table and that place's generation. A ticket used twice, or
 * after its request has gone, names an old generation and is refused; nothing is ever read through it.
 */
#ifndef WR_HTTP_TICKET_H
#define WR_HTTP_TICKET_H

#include "http/request.h"

struct wr_suspended {
    struct wr_request *r;
    uint32_t place;             /* in the table */
    uint8_t calling;            /* what is resumed */
    int rc;                     /* as if the hook had returned this */
    bool resumed;               /* the task below is on its way */
    void (*cancelled)(void *data);
    void *data;
    struct wr_timer timer;
    struct wr_task task;
};

/* r is ending: its ticket becomes stale, cancelled() is called if nobody had resumed. */
void wr_ticket_cancel(struct wr_request *r);

/* Where a resumption goes; request.c. */
void wr_request_resumed(struct wr_request *r, enum wr_calling calling, int rc);

#endif
