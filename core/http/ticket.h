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
    int rc;                     /* as if the hook had returned this, */
    int (*fn)(weir_request *r, void *data); /* or what this returns; NULL: rc */
    void *fn_data;
    bool resumed;               /* the task below is on its way */
    void (*cancelled)(void *data);
    void *data;
    struct wr_timer timer;
    struct wr_task task;
};

/* r's ticket of that kind becomes stale; cancelled() is called if nobody had resumed. A source's ticket is a kind of its own:
 * while it waits a filter may wait, too. All the others are one kind. */
void wr_ticket_cancel(struct wr_request *r, enum wr_calling calling);

/* A hook returned rc; before: r->suspended (or source_suspended) when it was called. Does it wait? It does if it said
 * WEIR_AGAIN and took a ticket itself. One that was taken for nothing is cancelled; one that a hook called from inside this
 * one has taken stays. */
bool wr_ticket_settle(struct wr_request *r, enum wr_calling calling,
                      const struct wr_suspended *before, int rc);

/* Where a resumption goes; request.c. */
void wr_request_resumed(struct wr_request *r, enum wr_calling calling, int rc);

/* The same with what fn returns, called in the hook's place; a ticket that it takes is waited for. */
void wr_request_resumed_with(struct wr_request *r, int (*fn)(weir_request *r, void *data), void *data);

#endif
