/* module/descriptor.c - checks of a module's tables, row by row; the first fault is told with the row's name. */
#include "module/descriptor.h"

#include <stdlib.h>
#include <string.h>
#include <weir/conf.h>
#include <weir/log.h>

#include "base/assert.h"
#include "base/num.h"

/* Sizes of ABI 0.1's structs: what every module must at least have. Numbers, because the structs grow. */
enum {
    MODULE_MIN = 176,
    STRUCT_MAX = 4096, /* bytes of one struct or row */
    ROWS_MAX = 16384,
    NAME_MAX_LEN = 64,
    CONF_MAX = 1 << 20 /* bytes of a configuration struct */
};

static const struct table {
    const char *what;
    size_t offset; /* in weir_module */
    uint32_t least, ours;
} tables[] = {
    { "directives", offsetof(weir_module, directives), 64, sizeof(weir_directive) },
    { "hooks", offsetof(weir_module, hooks), 56, sizeof(weir_hook) },
    { "variables", offsetof(weir_module, variables), 24, sizeof(weir_variable) },
    { "metrics", offsetof(weir_module, metrics), 56, sizeof(weir_metric_def) },
    { "interfaces", offsetof(weir_module, interfaces), 16, sizeof(weir_interface) },
};

_Static_assert(sizeof(weir_module) >= MODULE_MIN, "the least size is that of the first version");

/* ---- Sizes, and the copy. ---- */

static bool
check_items(const weir_items *items, const struct table *t, struct wr_err *err)
{
    if (items->count == 0) {
        return true;
    }
    if (items->at == NULL || items->count > ROWS_MAX || items->stride < t->least ||
        items->stride > STRUCT_MAX || items->stride % 8 != 0) {
        return wr_err_set(err, "its table of %s is damaged (%u rows of %u bytes)", t->what,
                          (unsigned)items->count, (unsigned)items->stride);
    }
    return true;
}

/* The rows of items with our stride: the same, or a copy that is never freed. */
static bool
copy_items(weir_items *items, const struct table *t, struct wr_err *err)
{
    size_t common = WR_MIN(items->stride, t->ours);
    uint8_t *rows;

    if (items->count == 0) {
        *items = (weir_items){ NULL, 0, t->ours };
        return true;
    }
    if (items->stride == t->ours) {
        return true;
    }
    rows = calloc(items->count, t->ours);
    if (rows == NULL) {
        return wr_err_set(err, "there is no memory for its table of %s", t->what);
    }
    for (size_t i = 0; i < items->count; i++) {
        memcpy(rows + i * t->ours, (const uint8_t *)items->at + i * items->stride, common);
    }
    *items = (weir_items){ rows, items->count, t->ours };
    return true;
}

bool
wr_descriptor_copy(const weir_module *from, weir_module *to, struct wr_err *err)
{
    weir_module m = { 0 };

    if (from->magic != WEIR_MAGIC) {
        return wr_err_set(err, "its weir_module_entry was not made by WEIR_MODULE");
    }
    if (from->size < MODULE_MIN || from->size > STRUCT_MAX) {
        return wr_err_set(err, "its weir_module_entry has an impossible size (%u bytes)",
                          (unsigned)from->size);
    }
    memcpy(&m, from, WR_MIN(from->size, sizeof(m)));
    m.size = sizeof(m);
    for (size_t i = 0; i < WR_COUNT(tables); i++) {
        weir_items *items = (weir_items *)(void *)((uint8_t *)&m + tables[i].offset);
        if (!check_items(items, &tables[i], err)) {
            return false;
        }
    }
    for (size_t i = 0; i < WR_COUNT(tables); i++) {
        weir_items *items = (weir_items *)(void *)((uint8_t *)&m + tables[i].offset);
        if (!copy_items(items, &tables[i], err)) {
            return false;
        }
    }
    *to = m;
    return true;
}

/* ---- Names. ---- */

/* Is name of 1..64 bytes all of which are in `allowed`? */
static bool
name_is(const char *name, const char *allowed)
{
    size_t len = name != NULL ? strnlen(name, NAME_MAX_LEN + 1) : 0;

    return len != 0 && len <= NAME_MAX_LEN && strspn(name, allowed) == len;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool
check_module_name(const weir_module *m, struct wr_err *err)
{
    if (!name_is(m->name, LOWER DIGITS "._-")) {
        return wr_err_set(err, "its name is not 1 to %d of a-z, 0-9, '.', '_' and '-'",
                          NAME_MAX_LEN);
    }
    if (m->version == NULL || m->self == NULL) {
        return wr_err_set(err, "its weir_module_entry was not made by WEIR_MODULE");
    }
    return m->conf_size <= CONF_MAX ||
           wr_err_set(err, "its configuration struct of %zu bytes is larger than %d", m->conf_size,
                      CONF_MAX);
}

/* ---- Directives. ---- */

/* Bytes of the field of a type; 0 for CUSTOM, which may have any, and for types we do not know. */
static size_t
field_size(uint32_t type)
{
    static const uint8_t sizes[] = {
        [WEIR_T_FLAG] = sizeof(weir_t_FLAG),   [WEIR_T_INT] = sizeof(weir_t_INT),
        [WEIR_T_SIZE] = sizeof(weir_t_SIZE),   [WEIR_T_MSEC] = sizeof(weir_t_MSEC),
        [WEIR_T_STR] = sizeof(weir_t_STR),     [WEIR_T_STRS] = sizeof(weir_t_STRS),
        [WEIR_T_ENUM] = sizeof(weir_t_ENUM),   [WEIR_T_BITS] = sizeof(weir_t_BITS),
        [WEIR_T_VALUE] = sizeof(weir_t_VALUE), [WEIR_T_PATH] = sizeof(weir_t_PATH),
        [WEIR_T_ZONE] = sizeof(weir_t_ZONE),   [WEIR_T_UPSTREAM] = sizeof(weir_t_UPSTREAM),
        [WEIR_T_CUSTOM] = 0,
    };

    return type < WR_COUNT(sizes) ? sizes[type] : 0;
}

static bool
check_directive(const weir_module *m, const weir_directive *d, struct wr_err *err)
{
    size_t end = 0;

    if (!name_is(d->name, LOWER UPPER DIGITS "_")) {
        return wr_err_set(err, "one of its directives has no usable name");
    }
    if (d->help == NULL || d->where == 0) {
        return wr_err_set(err, "its directive \"%s\" has no help or no context", d->name);
    }
    if ((d->flags & WEIR_D_NOTHING) != 0) {
        return true;
    }
    if (d->type == 0 || d->type > WEIR_T_CUSTOM) {
        return wr_err_set(err, "its directive \"%s\" is of a type that this server does not know",
                          d->name);
    }
    if (!wr_num_add(d->offset, d->size, &end) || end > m->conf_size ||
        (d->type != WEIR_T_CUSTOM && d->size != field_size(d->type))) {
        return wr_err_set(err, "the field of its directive \"%s\" does not fit", d->name);
    }
    if ((d->type == WEIR_T_CUSTOM && d->set == NULL) || (d->max != 0 && d->min > d->max)) {
        return wr_err_set(err, "its directive \"%s\" has no setter or a wrong number of arguments",
                          d->name);
    }
    return ((d->type != WEIR_T_ENUM && d->type != WEIR_T_BITS) || d->names != NULL) ||
           wr_err_set(err, "its directive \"%s\" has no names to choose from", d->name);
}

static bool
check_directives(const weir_module *m, struct wr_err *err)
{
    const weir_directive *d = m->directives.at;

    for (uint32_t i = 0; i < m->directives.count; i++) {
        if (!check_directive(m, &d[i], err)) {
            return false;
        }
        for (uint32_t k = 0; k < i; k++) {
            if ((d[k].where & d[i].where) != 0 && strcmp(d[k].name, d[i].name) == 0) {
                return wr_err_set(err, "its directive \"%s\" stands twice for one context",
                                  d[i].name);
            }
        }
    }
    return true;
}

/* ---- The other tables. ---- */

static bool
check_variables(const weir_module *m, struct wr_err *err)
{
    const weir_variable *v = m->variables.at;

    for (uint32_t i = 0; i < m->variables.count; i++) {
        if (!name_is(v[i].name, LOWER UPPER DIGITS "_") || v[i].get == NULL) {
            return wr_err_set(err, "one of its variables has no usable name or no function");
        }
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(v[k].name, v[i].name) == 0) {
                return wr_err_set(err, "its variable \"%s\" stands twice", v[i].name);
            }
        }
    }
    return true;
}

static bool
check_metric(const weir_metric_def *d, struct wr_err *err)
{
    bool ascending = true;

    if (!name_is(d->name, LOWER DIGITS "_") || d->help == NULL || d->handle == NULL) {
        return wr_err_set(err, "one of its metrics has no usable name, no help or no handle");
    }
    if (d->n > ROWS_MAX || d->type < WEIR_COUNTER || d->type > WEIR_HISTOGRAM ||
        (d->type == WEIR_HISTOGRAM ? d->n == 0 || d->bounds == NULL
                                   : d->label != NULL && (d->n == 0 || d->values == NULL))) {
        return wr_err_set(err, "its metric \"%s\" has no type, values or bounds that fit",
                          d->name);
    }
    for (uint32_t i = 1; d->type == WEIR_HISTOGRAM && i < d->n; i++) {
        ascending = ascending && d->bounds[i - 1] < d->bounds[i];
    }
    return ascending || wr_err_set(err, "the bounds of its metric \"%s\" do not ascend", d->name);
}

static bool
check_metrics(const weir_module *m, struct wr_err *err)
{
    const weir_metric_def *d = m->metrics.at;

    for (uint32_t i = 0; i < m->metrics.count; i++) {
        if (!check_metric(&d[i], err)) {
            return false;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(d[k].name, d[i].name) == 0) {
                return wr_err_set(err, "its metric \"%s\" stands twice", d[i].name);
            }
        }
    }
    return true;
}

static bool
check_interfaces(const weir_module *m, struct wr_err *err)
{
    const weir_interface *f = m->interfaces.at;

    for (uint32_t i = 0; i < m->interfaces.count; i++) {
        if (!name_is(f[i].id, LOWER DIGITS "._-/") || f[i].table == NULL) {
            return wr_err_set(err, "one of its interfaces has no usable id or no table");
        }
    }
    return true;
}

bool
wr_descriptor_check(const weir_module *m, struct wr_err *err)
{
    return check_module_name(m, err) && check_directives(m, err) && check_variables(m, err) &&
           check_metrics(m, err) && check_interfaces(m, err);
}
