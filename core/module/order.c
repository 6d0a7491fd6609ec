/* module/order.c - ranks, then before/after, then names; then the operator's wishes.
 *
 * The unit that is ordered is a place: one hook, or in the two filter phases all of a module's hooks of one rank, so that
 * HEADERS and BODY agree. Places are few (tens), so plain loops do.
 */
#include "module/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "base/vec.h"

enum { FILTERS = WEIR_PHASE_HEADERS }; /* stands for HEADERS and BODY while places are ordered */

struct place {
    const weir_module *module;
    int32_t rank;
    struct wr_vec hooks; /* const weir_hook * */
    bool done;
};

struct work {
    struct weir_pool *pool;
    const char *phase;
    struct place **at; /* the places of one phase */
    size_t n;
    struct wr_err *err;
};

/* ---- Phases. ---- */

static const char *const phase_names[WEIR_PHASE_LOG + 1] = {
    [WEIR_PHASE_POST_READ] = "post_read",
    [WEIR_PHASE_SERVER_REWRITE] = "server_rewrite",
    [WEIR_PHASE_FIND_CONFIG] = "find_config",
    [WEIR_PHASE_REWRITE] = "rewrite",
    [WEIR_PHASE_POST_REWRITE] = "post_rewrite",
    [WEIR_PHASE_PREACCESS] = "preaccess",
    [WEIR_PHASE_ACCESS] = "access",
    [WEIR_PHASE_POST_ACCESS] = "post_access",
    [WEIR_PHASE_PRECONTENT] = "precontent",
    [WEIR_PHASE_CONTENT] = "content",
    [WEIR_PHASE_REQUEST_BODY] = "request_body",
    [WEIR_PHASE_HEADERS] = "headers",
    [WEIR_PHASE_BODY] = "body",
    [WEIR_PHASE_LOG] = "log",
};

const char *
wr_order_phase_name(uint32_t phase)
{
    return phase < WR_COUNT(phase_names) ? phase_names[phase] : NULL;
}

uint32_t
wr_order_phase_parse(weir_str name)
{
    for (uint32_t i = 1; i < WR_COUNT(phase_names); i++) {
        if (weir_str_eq(name, weir_str_c(phase_names[i]))) {
            return i;
        }
    }
    return 0;
}

/* The phase under which a hook is ordered. */
static uint32_t
order_phase(uint32_t phase)
{
    return phase == WEIR_PHASE_BODY ? (uint32_t)FILTERS : phase;
}

static bool
check_hook(const weir_module *m, const weir_hook *h, struct wr_err *err)
{
    const char *phase = wr_order_phase_name(h->phase);
    bool filters = h->phase == WEIR_PHASE_REQUEST_BODY || h->phase == WEIR_PHASE_BODY;

    if (phase == NULL || h->phase == WEIR_PHASE_FIND_CONFIG ||
        h->phase == WEIR_PHASE_POST_REWRITE || h->phase == WEIR_PHASE_POST_ACCESS) {
        return wr_err_set(err, "module \"%s\" has a hook in phase %u%s%s, which takes none", m->name,
                          (unsigned)h->phase, phase != NULL ? ", " : "",
                          phase != NULL ? phase : "");
    }
    if ((filters && h->body == NULL) || (!filters && h->handler == NULL)) {
        return wr_err_set(err, "module \"%s\" has a hook without a function in phase %s", m->name,
                          phase);
    }
    if (h->flags & WEIR_HOOK_TEXT && (h->phase != WEIR_PHASE_BODY || h->rank >= WEIR_RANK_ENCODE)) {
        return wr_err_set(err, "module \"%s\" wants text where there is none: in phase %s, rank %d",
                          m->name, phase, (int)h->rank);
    }
    return true;
}

/* ---- before and after. ---- */

/* Is name among the words of list? NULL is an empty list. */
static bool
names(const char *list, const char *name)
{
    weir_str words = list != NULL ? weir_str_trim(weir_str_c(list)) : weir_str_c("");

    while (words.len != 0) {
        size_t end = weir_str_find(words, ' ');
        if (weir_str_eq(weir_str_cut(words, 0, end), weir_str_c(name))) {
            return true;
        }
        words = weir_str_trim(weir_str_cut(words, end, words.len));
    }
    return false;
}

/* Does one of p's hooks ask to run before (or after) the module of q? */
static bool
asks(const struct place *p, const struct place *q, bool before)
{
    WR_VEC_EACH (const weir_hook *, h, &p->hooks) {
        if (p->module != q->module && names(before ? (*h)->before : (*h)->after, q->module->name)) {
            return true;
        }
    }
    return false;
}

/* Must a come before b, as either of them says? */
static bool
precedes(const struct place *a, const struct place *b)
{
    return asks(a, b, true) || asks(b, a, false);
}

/* Ranks decide before before/after do; a demand that no rank can meet is a mistake to be told, not to be dropped: p asks to
 * stand on one side of q's module, whose places are all in ranks on the other side. */
static bool
contradicts(const struct work *w, const struct place *p, const struct place *q, bool before)
{
    if (!asks(p, q, before)) {
        return false;
    }
    for (size_t i = 0; i < w->n; i++) {
        const struct place *other = w->at[i];
        if (other->module == q->module &&
            (before ? other->rank >= p->rank : other->rank <= p->rank)) {
            return false;
        }
    }
    return true;
}

static bool
check_ranks(const struct work *w)
{
    for (size_t i = 0; i < w->n; i++) {
        for (size_t k = 0; k < w->n; k++) {
            const struct place *p = w->at[i], *q = w->at[k];
            bool before = contradicts(w, p, q, true);
            if (before || contradicts(w, p, q, false)) {
                return wr_err_set(w->err,
                                  "module \"%s\" wants to run %s \"%s\" in phase %s, but their "
                                  "ranks (%d and %d) say the opposite",
                                  p->module->name, before ? "before" : "after", q->module->name,
                                  w->phase, (int)p->rank, (int)q->rank);
            }
        }
    }
    return true;
}

/* ---- Ordering. ---- */

static int
compare_places(const void *a, const void *b)
{
    const struct place *p = *(struct place *const *)a, *q = *(struct place *const *)b;

    if (p->rank != q->rank) {
        return p->rank < q->rank ? -1 : 1;
    }
    return strcmp(p->module->name, q->module->name);
}

/* Must another place of p's rank, not done yet, come before p? */
static bool
waits(const struct work *w, const struct place *p)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct place *q = w->at[i];
        if (q != p && !q->done && q->rank == p->rank && precedes(q, p)) {
            return true;
        }
    }
    return false;
}

/* The first place not done that waits for none of its rank; NULL when all that are left of the rank wait. */
static struct place *
next_free(const struct work *w)
{
    const struct place *first = NULL;

    for (size_t i = 0; i < w->n; i++) {
        struct place *p = w->at[i];

        if (p->done) {
            continue;
        }
        if (first != NULL && p->rank != first->rank) {
            break;
        }
        first = p;
        if (!waits(w, p)) {
            return p;
        }
    }
    return NULL;
}

/* Name those that wait for one another: from any that waits, go to what it waits for until one comes again. */
static bool
tell_cycle(const struct work *w)
{
    char text[300];
    struct wr_strbuf b = wr_strbuf_over(text, sizeof(text) - 1);
    const struct place *at = NULL, *start;

    for (size_t i = 0; i < w->n && at == NULL; i++) {
        at = w->at[i]->done ? NULL : w->at[i];
    }
    WR_ASSERT(at != NULL);
    start = at;
    for (size_t steps = 0; steps <= 2 * w->n; steps++) {
        for (size_t k = 0; k < w->n; k++) {
            if (!w->at[k]->done && w->at[k]->rank == at->rank && w->at[k] != at &&
                precedes(w->at[k], at)) {
                at = w->at[k];
                break;
            }
        }
        if (steps == w->n) { /* inside the cycle by now */
            start = at;
            wr_strbuf_print(&b, "\"%s\"", at->module->name);
        } else if (steps > w->n) {
            wr_strbuf_print(&b, " after \"%s\"", at->module->name);
            if (at == start) {
                break;
            }
        }
    }
    text[b.len] = '\0';
    return wr_err_set(w->err, "modules want to run after one another in phase %s: %s", w->phase,
                      text);
}

/* Order w->at. Sorted by rank and name first, so the first free place is the right one. */
static bool
order_places(struct work *w)
{
    struct place **sorted = wr_pool_array(w->pool, struct place *, w->n);

    qsort(w->at, w->n, sizeof(struct place *), compare_places);
    for (size_t i = 0; i < w->n; i++) {
        sorted[i] = next_free(w);
        if (sorted[i] == NULL) {
            return tell_cycle(w);
        }
        sorted[i]->done = true;
    }
    w->at = sorted;
    return true;
}

/* ---- hook_order. ---- */

/* Which of the wish's names is p's module; wish->n when none. */
static uint32_t
wish_index(const struct wr_order_wish *wish, const struct place *p)
{
    uint32_t i = 0;

    while (i < wish->n && !weir_str_eq(wish->names[i], weir_str_c(p->module->name))) {
        i++;
    }
    return i;
}

static bool
check_wish(const struct work *w, const struct wr_order_wish *wish)
{
    for (uint32_t i = 0; i < wish->n; i++) {
        bool known = false;
        for (size_t k = 0; k < w->n; k++) {
            known = known || weir_str_eq(wish->names[i], weir_str_c(w->at[k]->module->name));
        }
        if (!known) {
            return wr_err_set(w->err, "no module \"%.*s\" has a hook in phase %s",
                              WEIR_FMT(wish->names[i]), w->phase);
        }
    }
    return true;
}

/* The named places, in the wish's order, on the places that named ones have now. */
static bool
apply_wish(struct work *w, const struct wr_order_wish *wish)
{
    struct place **moved = wr_pool_array(w->pool, struct place *, w->n);
    size_t n = 0, next = 0;

    if (!check_wish(w, wish)) {
        return false;
    }
    for (uint32_t i = 0; i < wish->n; i++) {
        for (size_t k = 0; k < w->n; k++) {
            if (wish_index(wish, w->at[k]) == i) {
                moved[n++] = w->at[k];
            }
        }
    }
    for (size_t k = 0; k < w->n; k++) {
        if (wish_index(wish, w->at[k]) != wish->n) {
            w->at[k] = moved[next++];
        }
    }
    for (size_t i = 0; i < w->n; i++) {
        for (size_t k = i + 1; k < w->n; k++) {
            if (w->at[i]->rank == w->at[k]->rank && precedes(w->at[k], w->at[i])) {
                return wr_err_set(w->err, "hook_order cannot put \"%s\" before \"%s\" in phase %s: "
                                          "the modules ask for the opposite",
                                  w->at[i]->module->name, w->at[k]->module->name, w->phase);
            }
        }
    }
    return true;
}

/* ---- All of it. ---- */

/* The place that a hook of m joins, or a new one. */
static struct place *
place_for(struct wr_vec *places, struct weir_pool *pool, const weir_module *m, const weir_hook *h,
          uint32_t phase)
{
    struct place *p;

    if (phase == FILTERS) {
        WR_VEC_EACH (struct place *, at, places) {
            if ((*at)->module == m && (*at)->rank == h->rank) {
                return *at;
            }
        }
    }
    p = wr_pool_zalloc(pool, sizeof(*p));
    p->module = m;
    p->rank = h->rank;
    wr_vec_init_of(&p->hooks, pool, const weir_hook *);
    *(struct place **)wr_vec_add(places) = p;
    return p;
}

static bool
collect(struct weir_pool *pool, const weir_module *m, struct wr_vec *phases, struct wr_err *err)
{
    const weir_hook *h = m->hooks.at;

    for (uint32_t i = 0; i < m->hooks.count; i++) {
        uint32_t phase = order_phase(h[i].phase);
        struct place *p;

        if (!check_hook(m, &h[i], err)) {
            return false;
        }
        p = place_for(&phases[phase], pool, m, &h[i], phase);
        *(const weir_hook **)wr_vec_add(&p->hooks) = &h[i];
    }
    return true;
}

/* Write the hooks of `phase` from the ordered places to out. */
static void
write_hooks(const struct work *w, uint32_t phase, struct wr_order *out)
{
    struct wr_vec hooks;

    wr_vec_init_of(&hooks, w->pool, struct wr_order_hook);
    for (size_t i = 0; i < w->n; i++) {
        const weir_module *m = w->at[i]->module;
        WR_VEC_EACH (const weir_hook *, h, &w->at[i]->hooks) {
            if ((*h)->phase == phase) {
                *(struct wr_order_hook *)wr_vec_add(&hooks) =
                    (struct wr_order_hook){ .hook = *h, .slot = m->self->slot, .module = m };
            }
        }
    }
    out->at[phase] = hooks.data;
    out->n[phase] = (uint32_t)hooks.count;
}

bool
wr_order_resolve(struct weir_pool *pool, const weir_module *const *modules, uint32_t n,
                 const struct wr_order_wish *wishes, uint32_t n_wishes, struct wr_order *out,
                 struct wr_err *err)
{
    struct wr_vec phases[WEIR_PHASE_LOG + 1];
    struct wr_order order = { 0 };

    for (uint32_t i = 0; i <= WEIR_PHASE_LOG; i++) {
        wr_vec_init_of(&phases[i], pool, struct place *);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (modules[i] != NULL && !collect(pool, modules[i], phases, err)) {
            return false;
        }
    }
    for (uint32_t phase = 1; phase <= WEIR_PHASE_LOG; phase++) {
        struct work w = { .pool = pool, .phase = phase_names[phase], .at = phases[phase].data,
                          .n = phases[phase].count, .err = err };

        if (w.n != 0 && (!check_ranks(&w) || !order_places(&w))) {
            return false;
        }
        for (uint32_t i = 0; i < n_wishes; i++) {
            if (order_phase(wishes[i].phase) == phase && !apply_wish(&w, &wishes[i])) {
                return false;
            }
        }
        if (phase != WEIR_PHASE_BODY) {
            write_hooks(&w, phase, &order);
        }
        if (phase == FILTERS) {
            write_hooks(&w, WEIR_PHASE_BODY, &order);
        }
    }
    if (order.n[WEIR_PHASE_BODY] > WR_ORDER_FILTERS_MAX) {
        return wr_err_set(err, "%u body filters in the loaded modules, %d are the most",
                          (unsigned)order.n[WEIR_PHASE_BODY], WR_ORDER_FILTERS_MAX);
    }
    *out = order;
    return true;
}
