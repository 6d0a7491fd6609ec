/* module/order.h - hooks of all modules of a configuration to one resolved order a phase.
 *
 * By rank, inside a rank by before/after, then by module name: never by the order of loading. A header filter and a body
 * filter of one module with one rank share a place in the order of both phases. Which of the hooks a location runs is
 * decided elsewhere (http/phase, by wanted()).
 */
#ifndef WR_MODULE_ORDER_H
#define WR_MODULE_ORDER_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/module.h>

#include "base/err.h"
#include "base/pool.h"

enum { WR_ORDER_FILTERS_MAX = 64 }; /* body filters of all modules: a row of bits names some of them */

struct wr_order_hook {
    const weir_hook *hook;
    uint32_t slot;
    const weir_module *module;
};

struct wr_order {
    struct wr_order_hook *at[WEIR_PHASE_LOG + 1]; /* by phase */
    uint32_t n[WEIR_PHASE_LOG + 1];
};

/* `hook_order PHASE names...`: the named modules' hooks stand in this order, on the places they have among themselves. */
struct wr_order_wish {
    uint32_t phase; /* HEADERS and BODY mean both */
    const weir_str *names;
    uint32_t n;
};

/*
 * Resolve the hooks of n modules (each with `self` set).
 *
 * False with the reason in err: a cycle (its members are named), a hook in a phase that takes none or without a function, a
 * before/after that ranks contradict, a wish that contradicts before/after or names a module without a hook there, more body
 * filters than WR_ORDER_FILTERS_MAX.
 */
bool wr_order_resolve(struct weir_pool *pool, const weir_module *const *modules, uint32_t n,
                      const struct wr_order_wish *wishes, uint32_t n_wishes, struct wr_order *out,
                      struct wr_err *err);

/* "access" for WEIR_PHASE_ACCESS; NULL for a number that is no phase. And back: 0 for an unknown name. */
const char *wr_order_phase_name(uint32_t phase);
uint32_t wr_order_phase_parse(weir_str name);

#endif
