/* http/plan.h - one pipeline a location: flat arrays of the hooks that want it, in resolved order.
 *
 * Plans are made at load and shared by all locations that want the same hooks; they name no settings (the request's conf
 * vector has those), so ten thousand sites need a handful of plans.
 */
#ifndef WR_HTTP_PLAN_H
#define WR_HTTP_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/module.h>

#include "base/pool.h"
#include "module/order.h"

struct wr_plan_hook {
    union {
        weir_handler handler;
        weir_body_filter body;
    };
    uint32_t slot;
    uint32_t flags;     /* WEIR_HOOK_* */
    uint32_t field;     /* WEIR_H_* the request must have; 0: none */
    uint64_t bodies;    /* of a HEADERS hook: the BODY hooks of its module, by bit (WR_ORDER_FILTERS_MAX) */
    uint64_t texts;     /* of these, those that want text */
    const char *module; /* its name */
    const struct wr_order_hook *origin; /* for -M */
};

struct wr_plan_phase {
    const struct wr_plan_hook *at;
    uint32_t n;
};

struct wr_plan {
    struct wr_plan_phase phase[WEIR_PHASE_LOG + 1];
    uint64_t texts;     /* BODY hooks that want text and have no HEADERS hook, by bit */
    bool wants_text;    /* there is a BODY hook that does */
    uint32_t encode_at; /* the first BODY hook that gets the coded body */
    const struct wr_plan *sub; /* the same for subrequests: without hooks that are for the client's request only */
};

/* Makes plans of one configuration; equal ones are one. */
struct wr_planner;
struct wr_planner *wr_planner_create(struct weir_pool *pool, const struct wr_order *order);

/* The plan of a block with these settings. conf: its vector by slot. */
const struct wr_plan *wr_planner_plan(struct wr_planner *p, const void *const *conf);

#endif
