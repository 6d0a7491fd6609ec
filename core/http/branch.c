/* http/branch.c - branches: a server or location over again, with what a block inside it says
 * (`when`).
 *
 * The binder is given a list of statements that is put together here: the branch's own, then copies
 * of those around it that are not inherited and hold all the same. So a branch is bound, planned
 * and linted as any block, and a second choice behind the first is a branch within each branch of
 * that: what both say holds. What was chosen, the module knows.
 */
#include "base/assert.h"
#include "base/str.h"
#include "http/build.h"
#include "http/limits.h"

struct list {
    struct weir_conf *cf;
    uint32_t where; /* what may stand in the branch */
    bool answers;   /* the branch says itself who answers */
    struct wr_conf_node *first, *last;
};

static void
add(struct list *l, const struct wr_conf_node *n)
{
    struct wr_conf_node *copy = wr_pool_alloc(wr_conf_scratch(l->cf), sizeof(*copy));

    *copy = *n;
    copy->next = NULL;
    if (l->last != NULL) {
        l->last->next = copy;
    } else {
        l->first = copy;
    }
    l->last = copy;
}

static bool
is_called(const struct wr_conf_node *n, const char *name)
{
    return weir_str_eq(n->words[0].text, weir_str_c(name));
}

static bool
equal_words(const struct wr_conf_node *a, const struct wr_conf_node *b)
{
    bool equal = a->n_words == b->n_words;

    for (uint32_t i = 0; equal && i < a->n_words; i++) {
        equal = weir_str_eq(a->words[i].text, b->words[i].text);
    }
    return equal;
}

/* Is there a statement of n's name in the list, for a location one with its words? */
static bool
has_own(const struct wr_conf_node *own, const struct wr_conf_node *n, bool location)
{
    for (; own != NULL; own = own->next) {
        if (location ? equal_words(own, n) : weir_str_eq(own->words[0].text, n->words[0].text)) {
            return true;
        }
    }
    return false;
}

/* The row of n's directive in the branch, or NULL. */
static const weir_directive *
row_of(const struct list *l, const struct wr_conf_node *n, uint32_t *slot)
{
    const struct wr_conf_space *space = l->cf->space;
    const weir_directive *row = NULL, *elsewhere = NULL;

    return space->find(space, n->words[0].text, l->where, slot, &row, &elsewhere) ? row : NULL;
}

/* Does n, which stands around the branch, hold in it as if it stood there? behind: it comes after
 * the choice. */
static bool
holds(const struct list *l, const struct wr_conf_node *branch, const struct wr_conf_node *n,
      bool behind)
{
    uint32_t slot = 0;
    const weir_directive *row = row_of(l, n, &slot);

    if (row == NULL) {
        return false;
    }
    if (row->set == wr_location_block) {
        return (l->where & WEIR_IN_SERVER) != 0 && !has_own(branch->first, n, true);
    }
    if ((row->flags & WEIR_D_CONTENT) != 0) {
        return !l->answers;
    }
    if ((row->flags & WEIR_D_LOCAL) == 0) {
        return false;
    }
    return slot == l->cf->slot ? behind : !has_own(branch->first, n, false);
}

/* What holds in the branch of all that stands around it. */
static void
add_outer(struct list *l, const struct wr_conf_node *branch, const char *other)
{
    enum { BEFORE, CHOICE, BEHIND } at = BEFORE;

    for (const struct wr_conf_node *n = l->cf->scope->node->first; n != NULL; n = n->next) {
        if (n == branch) {
            at = CHOICE;
            continue;
        }
        if (at == CHOICE && is_called(n, other)) {
            continue;
        }
        at = at == CHOICE ? BEHIND : at;
        if (holds(l, branch, n, at == BEHIND)) {
            add(l, n);
        }
    }
}

static struct wr_conf_node *
statements(struct weir_conf *cf, uint32_t where, const char *other, const char *end)
{
    struct list l = { .cf = cf, .where = where };
    const struct wr_conf_node *branch = cf->node;
    bool ends = false;
    uint32_t slot;

    for (const struct wr_conf_node *n = branch->first; n != NULL; n = n->next) {
        const weir_directive *row = row_of(&l, n, &slot);
        l.answers = l.answers || (row != NULL && (row->flags & WEIR_D_CONTENT) != 0);
        ends = ends || is_called(n, end);
        add(&l, n);
    }
    if (!ends) {
        add_outer(&l, branch, other);
    }
    return l.first;
}

weir_scope *
weir_conf_branch(weir_conf *cf, const char *other, const char *end)
{
    struct wr_build *b = wr_build_of(cf);
    uint32_t where = cf->scope->where;
    struct wr_conf_node *node;
    struct wr_location *loc;

    if (cf->node == NULL || !cf->node->block || b->block == NULL ||
        (where & (WEIR_IN_SERVER | WEIR_IN_LOCATION)) == 0) {
        weir_conf_error(cf, "a branch cannot stand here");
        return NULL;
    }
    if (++b->server->n_branches > WR_LIMIT_BRANCHES) {
        weir_conf_error(cf, "too many blocks like this: each doubles what those behind it can be");
        return NULL;
    }
    where |= (where & WEIR_IN_SERVER) != 0 ? WEIR_IN_LOCATION : 0u;
    node = wr_pool_alloc(wr_conf_scratch(cf), sizeof(*node));
    *node = *cf->node;
    node->first = statements(cf, where, other, end);
    loc = wr_block_create(cf, WR_LOC_BRANCH, b->block->loc->name);
    loc->base = (where & WEIR_IN_SERVER) != 0 ? loc : loc->base;
    wr_block_defer(cf, loc, where, node);
    return (weir_scope *)loc;
}
