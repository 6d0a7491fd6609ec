/* conf/scope.c - blocks of settings: made, sharing their parent's structs, copying them when they
 * must. */
#include "base/assert.h"
#include "conf/bind.h"
#include "conf/rows.h"

static struct wr_scope *
scope_alloc(struct weir_conf *cf, const struct wr_scope *parent, uint32_t where,
            const struct wr_conf_node *node)
{
    struct wr_scope *s = wr_pool_zalloc(cf->pool, sizeof(*s));

    s->parent = parent;
    s->where = where;
    s->node = node;
    s->conf = wr_pool_array(cf->pool, const void *, cf->space->n_slots);
    return s;
}

/* Memory for the struct of a slot with the bytes of `from`. */
static void *
struct_copy(struct weir_conf *cf, uint32_t slot, const void *from)
{
    size_t size = cf->space->modules[slot]->conf_size;
    void *own = wr_pool_alloc(cf->pool, size);

    return memcpy(own, from, size);
}

struct wr_scope *
wr_scope_create_main(struct weir_conf *cf)
{
    struct wr_scope *s = scope_alloc(cf, NULL, WEIR_IN_MAIN, NULL);

    cf->rows = wr_rows_create(cf);
    for (uint32_t i = 0; i < cf->space->n_slots; i++) {
        if (cf->rows->slots[i].presets != NULL) {
            s->conf[i] = struct_copy(cf, i, cf->rows->slots[i].presets);
        }
    }
    cf->scope = s;
    return s;
}

/* Is the row's setting one that a block of kind `where` does not take from the block around it? */
static bool
stays_behind(const weir_directive *row, uint32_t where)
{
    return (row->flags & WEIR_D_LOCAL) != 0 ||
           ((row->flags & WEIR_D_CONTENT) != 0 && where == WEIR_IN_LOCATION);
}

struct wr_scope *
wr_scope_create(struct weir_conf *cf, const struct wr_scope *parent, uint32_t where,
                const struct wr_conf_node *node)
{
    struct wr_scope *s = scope_alloc(cf, parent, where, node);

    memcpy(s->conf, parent->conf, cf->space->n_slots * sizeof(s->conf[0]));
    if (parent->has_local) {
        for (const struct wr_scope_origin *o = parent->origins; o != NULL; o = o->next) {
            if (stays_behind(o->row, where) && o->row->size != 0) {
                wr_scope_own(cf, s, o->slot);
            }
        }
    }
    return s;
}

static void
preset_again(char *own, const struct wr_rows_slot *rows, const struct wr_rows_span *spans, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        memcpy(own + spans[i].offset, (const char *)rows->presets + spans[i].offset, spans[i].size);
    }
}

void *
wr_scope_own(struct weir_conf *cf, struct wr_scope *scope, uint32_t slot)
{
    const struct wr_rows_slot *rows = &cf->rows->slots[slot];
    const void *shared = scope->conf[slot];
    char *own;

    WR_ASSERT(shared != NULL);
    if (scope->parent == NULL || shared != scope->parent->conf[slot]) {
        return (void *)(uintptr_t)shared; /* made here, by struct_copy */
    }
    own = struct_copy(cf, slot, shared);
    for (uint32_t i = 0; i < rows->n_gaps; i++) {
        memset(own + rows->gaps[i].offset, 0, rows->gaps[i].size);
    }
    preset_again(own, rows, rows->locals, rows->n_locals);
    if (scope->where == WEIR_IN_LOCATION) {
        preset_again(own, rows, rows->contents, rows->n_contents);
    }
    scope->conf[slot] = own;
    return own;
}

const struct wr_scope_origin *
wr_scope_origin(const struct wr_scope *scope, uint32_t slot, const weir_directive *row)
{
    const struct wr_scope_origin *found = NULL;

    for (; scope != NULL && found == NULL; scope = scope->parent) {
        for (const struct wr_scope_origin *o = scope->origins; o != NULL; o = o->next) {
            if (o->slot == slot && o->row == row) {
                found = o;
            }
        }
        if (stays_behind(row, scope->where)) {
            break;
        }
    }
    return found;
}
