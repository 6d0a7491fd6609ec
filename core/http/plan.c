/* http/plan.c - from the hooks of all modules, in resolved order, to the ones a block of settings
 * wants.
 *
 * Which hooks are wanted is a row of bits; plans are kept by it, so that blocks that want the same
 * share one plan.
 */
#include "http/plan.h"

#include "base/assert.h"
#include "base/map.h"

enum { PHASES = WEIR_PHASE_LOG + 1 };

struct wr_planner {
    struct weir_pool *pool;
    const struct wr_order *order;
    struct wr_map plans;       /* by their bits */
    uint64_t *bits, *sub_bits; /* of the plan being made */
    size_t bytes;              /* of a row of bits */
};

struct wr_planner *
wr_planner_create(struct weir_pool *pool, const struct wr_order *order)
{
    struct wr_planner *p = wr_pool_zalloc(pool, sizeof(*p));
    size_t n = 0;

    for (uint32_t phase = 0; phase < PHASES; phase++) {
        n += order->n[phase];
    }
    p->pool = pool;
    p->order = order;
    p->bytes = (n / 64 + 1) * sizeof(uint64_t);
    p->bits = wr_pool_zalloc(pool, p->bytes);
    p->sub_bits = wr_pool_zalloc(pool, p->bytes);
    wr_map_init(&p->plans, pool, false);
    return p;
}

static bool
has(const uint64_t *bits, size_t i)
{
    return (bits[i / 64] >> (i % 64) & 1) != 0;
}

static struct wr_plan_phase
make_phase(struct wr_planner *p, uint32_t phase, const uint64_t *bits, size_t first)
{
    uint32_t n = p->order->n[phase], used = 0;
    struct wr_plan_hook *hooks = wr_pool_array(p->pool, struct wr_plan_hook, n);

    for (uint32_t i = 0; i < n; i++) {
        const struct wr_order_hook *o = &p->order->at[phase][i];
        struct wr_plan_hook *h = &hooks[used];
        if (!has(bits, first + i)) {
            continue;
        }
        used++;
        *h = (struct wr_plan_hook){
            .slot = o->slot, .flags = o->hook->flags, .field = o->hook->field, .module = o->module->name, .origin = o
        };
        if (phase == WEIR_PHASE_BODY || phase == WEIR_PHASE_REQUEST_BODY) {
            h->body = o->hook->body;
        } else {
            h->handler = o->hook->handler;
        }
    }
    return (struct wr_plan_phase){ hooks, used };
}

/* Which body filters a header filter speaks for: those of its module. */
static void
link_filters(struct wr_plan *plan, uint64_t texts)
{
    const struct wr_plan_phase *headers = &plan->phase[WEIR_PHASE_HEADERS];
    const struct wr_plan_phase *body = &plan->phase[WEIR_PHASE_BODY];

    plan->texts = texts;
    plan->wants_text = texts != 0;
    for (uint32_t i = 0; i < headers->n; i++) {
        struct wr_plan_hook *h = (struct wr_plan_hook *)(uintptr_t)&headers->at[i];
        for (uint32_t k = 0; k < body->n; k++) {
            h->bodies |= body->at[k].slot == h->slot ? UINT64_C(1) << k : 0;
        }
        h->texts = h->bodies & texts;
        plan->texts &= ~h->bodies;
    }
}

/* Which body filters want text, by bit; and where the coded body begins: behind them, and in front of what takes parts of it. */
static uint64_t
place_coding(struct wr_plan *plan)
{
    const struct wr_plan_phase *body = &plan->phase[WEIR_PHASE_BODY];
    uint64_t texts = 0;

    WR_ASSERT(body->n <= WR_ORDER_FILTERS_MAX);
    for (uint32_t k = 0; k < body->n; k++) {
        bool text = (body->at[k].flags & WEIR_HOOK_TEXT) != 0;
        texts |= (uint64_t)text << k;
        if (text || body->at[k].origin->hook->rank <= WEIR_RANK_ENCODE) {
            plan->encode_at = k + 1;
        }
    }
    return texts;
}

/* The plan of these bits, made when it is not there. */
static struct wr_plan *
plan_of(struct wr_planner *p, const uint64_t *bits)
{
    weir_str key = { (const char *)bits, p->bytes };
    struct wr_plan *plan = wr_map_find(&p->plans, key);
    size_t first = 0;

    if (plan != NULL) {
        return plan;
    }
    plan = wr_pool_zalloc(p->pool, sizeof(*plan));
    for (uint32_t phase = 0; phase < PHASES; phase++) {
        plan->phase[phase] = make_phase(p, phase, bits, first);
        first += p->order->n[phase];
    }
    link_filters(plan, place_coding(plan));
    wr_map_add(&p->plans, weir_dup(p->pool, key), plan);
    return plan;
}

const struct wr_plan *
wr_planner_plan(struct wr_planner *p, const void *const *conf)
{
    struct wr_plan *plan;
    size_t at = 0;

    memset(p->bits, 0, p->bytes);
    memset(p->sub_bits, 0, p->bytes);
    for (uint32_t phase = 0; phase < PHASES; phase++) {
        for (uint32_t i = 0; i < p->order->n[phase]; i++, at++) {
            const struct wr_order_hook *o = &p->order->at[phase][i];
            uint64_t bit = (uint64_t)1 << (at % 64);
            if (o->hook->wanted != NULL && !o->hook->wanted(conf[o->slot])) {
                continue;
            }
            p->bits[at / 64] |= bit;
            if (o->hook->flags & WEIR_HOOK_SUBREQUESTS) {
                p->sub_bits[at / 64] |= bit;
            }
        }
    }
    plan = plan_of(p, p->bits);
    if (plan->sub == NULL) {
        struct wr_plan *sub = plan_of(p, p->sub_bits);
        sub->sub = sub;
        plan->sub = sub;
    }
    return plan;
}
