/* http/filter.h - body filters of one response: between the pump of http/response and the driver. */
#ifndef WR_HTTP_FILTER_H
#define WR_HTTP_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "http/request.h"

static inline const struct wr_plan_phase *
wr_filters_of(const struct wr_request *r)
{
    return &r->plan->phase[WEIR_PHASE_BODY];
}

/* All of them, by bit. */
static inline uint64_t
wr_filters_all(const struct wr_request *r)
{
    uint32_t n = wr_filters_of(r)->n;

    return n == WR_ORDER_FILTERS_MAX ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

/* State for the body filters that stay in this response; none when all are out. When the head goes. */
void wr_filters_make(struct wr_request *r);

/* Does any filter of this response need bytes in memory? */
bool wr_filters_need_memory(const struct wr_request *r);

/* Push what is on `piece`, which is taken, through the filters from i on, then to the driver. */
void wr_filters_push(struct wr_request *r, uint32_t i, weir_chain *piece);

/* Nothing more will come: a filter that left some of it on its `in` is called again. False: there is none. */
bool wr_filters_push_kept(struct wr_request *r);

/* A decoder or encoder has more of what it took: it makes the next part. False: there is none. */
bool wr_filters_push_coded(struct wr_request *r);

/* Does a filter wait, or hold back what it made? */
bool wr_filters_hold_back(const struct wr_request *r);

/* Let go on what filters made and had to hold back. */
void wr_filters_release(struct wr_request *r);

/* The hook of the filter that waits was resumed with rc. */
void wr_filters_resumed(struct wr_request *r, int rc);

/* Give bytes, which are taken, to the driver; the body is complete with LAST. Bytes past the announced length are dropped. */
void wr_filters_emit(struct wr_request *r, weir_chain *chain);

/* Put the body of the subrequest at the head of `from` on piece. False: it has not come yet. */
bool wr_filters_take_sub(struct wr_request *r, weir_chain *from, weir_chain *piece);

/* The response cannot be completed: the request ends as soon as no hook of it runs. */
void wr_response_cut(struct wr_request *r);

#endif
