/* module/registry.c - what is in a registry and how it is asked; what gets into it is decided in autoload.c. */
#include "module/registry.h"

#include <string.h>

#include "base/assert.h"
#include "base/str.h"
#include "module/autoload.h"
#include "module/foreign.h"
#include "module/index.h"
#include "module/loader.h"

enum { TAG = WR_TAG('r', 'e', 'g', 'y') };

struct wr_registry *
wr_registry_of(const struct weir_conf *cf)
{
    struct wr_registry *reg = WR_CONTAINER(cf->space, struct wr_registry, space);

    WR_CHECK(reg, TAG);
    return reg;
}

/* ---- The space that binding asks. ---- */

static const struct wr_registry *
registry_of(const struct wr_conf_space *s)
{
    const struct wr_registry *reg = WR_CONTAINER(s, struct wr_registry, space);

    WR_CHECK(reg, TAG);
    return reg;
}

static const struct wr_registry_row *
row_at(const struct wr_registry *reg, uintptr_t place)
{
    return place != 0 ? wr_vec_at(&reg->rows, struct wr_registry_row, place - 1) : NULL;
}

/* The first row of a name; further ones by ->next. */
static const struct wr_registry_row *
first_row(const struct wr_registry *reg, weir_str name)
{
    return row_at(reg, (uintptr_t)wr_map_find(&reg->row_by_name, name));
}

static bool
space_find(const struct wr_conf_space *s, weir_str name, uint32_t where, uint32_t *slot,
           const weir_directive **row, const weir_directive **elsewhere)
{
    const struct wr_registry *reg = registry_of(s);
    const struct wr_registry_row *first = first_row(reg, name);

    for (const struct wr_registry_row *r = first; r != NULL; r = row_at(reg, r->next)) {
        if ((r->row->where & where) == where) {
            *slot = r->slot;
            *row = r->row;
            return true;
        }
    }
    *elsewhere = first != NULL ? first->row : NULL;
    return false;
}

static const char *
space_name_at(const struct wr_conf_space *s, uint32_t i, uint32_t where)
{
    const struct wr_registry *reg = registry_of(s);

    WR_VEC_EACH (struct wr_registry_row, r, &reg->rows) {
        if ((r->row->where & where) != 0 && i-- == 0) {
            return r->row->name;
        }
    }
    if (reg->index != NULL && i < wr_map_count(&reg->index->by_name[WR_INDEX_DIRECTIVE])) {
        return wr_map_entry(&reg->index->by_name[WR_INDEX_DIRECTIVE], i)->key.data;
    }
    return NULL;
}

static const char *
space_foreign(const struct wr_conf_space *s, weir_str name)
{
    (void)s;
    return wr_foreign_find(name);
}

/* ---- Taking modules in. ---- */

static void
add_rows(struct wr_registry *reg, const weir_module *m)
{
    const weir_directive *d = m->directives.at;

    for (uint32_t i = 0; i < m->directives.count; i++) {
        struct wr_registry_row *r = wr_vec_add(&reg->rows);
        uintptr_t place = reg->rows.count;
        weir_str name = weir_str_c(d[i].name);

        r->row = &d[i];
        r->slot = m->self->slot;
        if (!wr_map_add(&reg->row_by_name, name, (void *)place)) {
            const struct wr_registry_row *last = first_row(reg, name);
            while (last->next != 0) {
                last = row_at(reg, last->next);
            }
            wr_vec_at(&reg->rows, struct wr_registry_row,
                      (size_t)(last - (const struct wr_registry_row *)reg->rows.data))
                ->next = (uint32_t)place;
        }
    }
}

/* Put m where its name belongs. */
static void
add_sorted(struct wr_registry *reg, const weir_module *m)
{
    const weir_module **at;
    size_t i;

    (void)wr_vec_add(&reg->sorted);
    at = reg->sorted.data;
    for (i = reg->sorted.count - 1; i > 0 && strcmp(at[i - 1]->name, m->name) > 0; i--) {
        at[i] = at[i - 1];
    }
    at[i] = m;
}

void
wr_registry_add(struct wr_registry *reg, const weir_module *m, bool by_name)
{
    struct wr_registry_module *entry = wr_vec_add(&reg->loaded);

    WR_ASSERT(m->self->slot < WR_SLOTS_MAX);
    *entry = (struct wr_registry_module){ .module = m, .by_name = by_name };
    while (reg->modules.count < wr_loader_slots()) {
        (void)wr_vec_add(&reg->modules);
    }
    *wr_vec_at(&reg->modules, const weir_module *, m->self->slot) = m;
    add_sorted(reg, m);
    add_rows(reg, m);
    reg->space.modules = reg->modules.data;
    reg->space.n_slots = (uint32_t)reg->modules.count;
}

void
wr_registry_init(struct wr_registry *reg, struct weir_pool *pool, const char *folder,
                 const weir_module *const *builtin, uint32_t n, struct wr_zone_list *zones)
{
    *reg = (struct wr_registry){
        .space = { .find = space_find, .name_at = space_name_at, .foreign = space_foreign },
        .tag = TAG,
        .pool = pool,
        .folder = folder,
        .zones = zones,
    };
    wr_vec_init_of(&reg->modules, pool, const weir_module *);
    wr_vec_init_of(&reg->sorted, pool, const weir_module *);
    wr_vec_init_of(&reg->loaded, pool, struct wr_registry_module);
    wr_vec_init_of(&reg->rows, pool, struct wr_registry_row);
    wr_map_init(&reg->row_by_name, pool, false);
    wr_list_init(&reg->own_zones);
    for (uint32_t i = 0; i < n; i++) {
        wr_loader_adopt(builtin[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        wr_registry_add(reg, builtin[i], false);
    }
}

/* ---- Asking. ---- */

const weir_module *
wr_registry_find(const struct wr_registry *reg, weir_str name)
{
    WR_VEC_EACH (const weir_module *, m, &reg->sorted) {
        if (weir_str_eq(weir_str_c((*m)->name), name)) {
            return *m;
        }
    }
    return NULL;
}

const weir_module *
wr_registry_at(const struct wr_registry *reg, uint32_t i)
{
    return i < reg->sorted.count ? *wr_vec_at(&reg->sorted, const weir_module *, i) : NULL;
}
