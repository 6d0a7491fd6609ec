/* conf/rows.c - reading the modules' tables once, before the first block is bound. */
#include "conf/rows.h"

#include <stdlib.h>

#include "base/assert.h"
#include "conf/lex.h"
#include "conf/setter.h"

static const weir_directive *
row_at(const weir_module *m, uint32_t i)
{
    return (const weir_directive *)m->directives.at + i;
}

/* ---- Presets. ---- */

/* The preset's words behind the directive's name. Lists, and texts that begin with a quote, are
 * read as in a file; other texts are one word as they stand. */
static uint32_t
preset_words(struct weir_pool *pool, const weir_directive *row, const char *preset,
             struct wr_conf_word **words)
{
    bool list = row->type == WEIR_T_STRS || row->type == WEIR_T_BITS;
    size_t len = strlen(preset);
    char *text = wr_pool_alloc(pool, len + len / 2 + 2);
    struct wr_lex_token t;
    struct wr_lex lex;
    uint32_t n = 0;

    *words = wr_pool_array(pool, struct wr_conf_word, len / 2 + 3);
    (*words)[n++].text = weir_str_c(row->name);
    if (!list && preset[0] != '"' && preset[0] != '\'') {
        (*words)[n++].text = weir_str_c(preset);
        return n;
    }
    wr_lex_init(&lex, (weir_str){ preset, len });
    while (wr_lex_next(&lex, &t) == WR_LEX_WORD) {
        size_t used = wr_lex_resolve(text, t.raw);
        (*words)[n++].text = (weir_str){ text, used };
        text[used] = '\0';
        text += used + 1;
    }
    return n;
}

static void
apply_preset(struct weir_conf *cf, const weir_directive *row, void *conf)
{
    const char *preset = cf->compat_nginx && row->compat != NULL ? row->compat : row->preset;
    const struct wr_conf_node *node = cf->node;
    uint32_t errors = cf->diag->errors;
    struct wr_conf_node n = { 0 };

    if (preset == NULL || row->type == WEIR_T_CUSTOM || (row->flags & WEIR_D_NOTHING) != 0) {
        return;
    }
    n.n_words = preset_words(cf->pool, row, preset, &n.words);
    if (n.n_words == 1) { /* an empty list is what zero is */
        return;
    }
    cf->node = &n;
    if (wr_setter_apply(cf, row, (char *)conf + row->offset) != WEIR_OK &&
        cf->diag->errors == errors) {
        weir_conf_error(cf, "the default of \"%s\" is no valid value", row->name);
    }
    cf->node = node;
}

/* ---- Which bytes are named. ---- */

/* Runs of bytes of `map` that are `value`, of size bytes. */
static const struct wr_rows_span *
spans_of(struct weir_pool *pool, const uint8_t *map, size_t size, uint8_t value, uint32_t *count)
{
    struct wr_rows_span *spans = NULL;

    for (int fill = 0; fill < 2; fill++) {
        uint32_t n = 0;
        for (size_t i = 0; i < size; i++) {
            if (map[i] != value) {
                continue;
            }
            if (i == 0 || map[i - 1] != value) {
                n++;
            }
            if (fill != 0 && (i == 0 || map[i - 1] != value)) {
                spans[n - 1].offset = i;
            }
            if (fill != 0) {
                spans[n - 1].size = i + 1 - spans[n - 1].offset;
            }
        }
        if (fill == 0) {
            spans = wr_pool_array(pool, struct wr_rows_span, n);
        }
        *count = n;
    }
    return spans;
}

enum { UNNAMED, NAMED, LOCAL, CONTENT };

static void
map_fields(struct weir_conf *cf, const weir_module *m, struct wr_rows_slot *slot)
{
    uint8_t *map = calloc(m->conf_size + 1, 1);

    WR_ASSERT(map != NULL);
    for (uint32_t i = 0; i < m->directives.count; i++) {
        const weir_directive *row = row_at(m, i);
        uint8_t kind = (row->flags & WEIR_D_LOCAL) != 0     ? LOCAL
                       : (row->flags & WEIR_D_CONTENT) != 0 ? CONTENT
                                                            : NAMED;
        WR_ASSERT(row->size <= m->conf_size && row->offset <= m->conf_size - row->size);
        memset(map + row->offset, kind, row->size);
    }
    slot->gaps = spans_of(cf->pool, map, m->conf_size, UNNAMED, &slot->n_gaps);
    slot->locals = spans_of(cf->pool, map, m->conf_size, LOCAL, &slot->n_locals);
    slot->contents = spans_of(cf->pool, map, m->conf_size, CONTENT, &slot->n_contents);
    free(map);
}

static const uint32_t *
find_leaders(struct weir_conf *cf, const weir_module *m, uint32_t base)
{
    uint32_t *leader = wr_pool_array(cf->pool, uint32_t, m->directives.count);

    for (uint32_t i = 0; i < m->directives.count; i++) {
        uint32_t first = 0;
        while (first < i &&
               (row_at(m, first)->offset != row_at(m, i)->offset || row_at(m, first)->size == 0)) {
            first++;
        }
        leader[i] = base + first;
    }
    return leader;
}

struct wr_rows *
wr_rows_create(struct weir_conf *cf)
{
    const struct wr_conf_space *space = cf->space;
    struct wr_rows *rows = wr_pool_zalloc(cf->pool, sizeof(*rows));
    uint32_t running = cf->slot;

    rows->slots = wr_pool_array(cf->pool, struct wr_rows_slot, space->n_slots);
    for (uint32_t i = 0; i < space->n_slots; i++) {
        const weir_module *m = space->modules[i];
        struct wr_rows_slot *slot = &rows->slots[i];
        if (m == NULL) {
            continue;
        }
        WR_ASSERT(m->directives.count == 0 || m->directives.stride == sizeof(weir_directive));
        slot->base = rows->n_rows;
        rows->n_rows += m->directives.count;
        slot->leader = find_leaders(cf, m, slot->base);
        map_fields(cf, m, slot);
        if (m->conf_size == 0) {
            continue;
        }
        slot->presets = wr_pool_zalloc(cf->pool, m->conf_size);
        cf->slot = i;
        for (uint32_t k = 0; k < m->directives.count; k++) {
            apply_preset(cf, row_at(m, k), slot->presets);
        }
    }
    cf->slot = running;
    return rows;
}

uint32_t
wr_rows_number(const struct wr_rows *rows, const struct weir_conf *cf, uint32_t slot,
               const weir_directive *row)
{
    const weir_module *m = cf->space->modules[slot];
    ptrdiff_t i = row - row_at(m, 0);

    WR_ASSERT(i >= 0 && (size_t)i < m->directives.count);
    return rows->slots[slot].base + (uint32_t)i;
}

struct wr_rows_marks *
wr_rows_enter(struct wr_rows *rows, struct weir_conf *cf)
{
    struct wr_rows_marks *marks;
    size_t words = (rows->n_rows + 63) / 64 + 1;

    WR_ASSERT(rows->depth < WR_COUNT(rows->marks));
    marks = &rows->marks[rows->depth++];
    if (marks->seen == NULL) {
        marks->seen = wr_pool_array(wr_conf_scratch(cf), uint64_t, 2 * words);
        marks->emptied = marks->seen + words;
    } else {
        memset(marks->seen, 0, 2 * words * sizeof(uint64_t));
    }
    return marks;
}

void
wr_rows_leave(struct wr_rows *rows)
{
    WR_ASSERT(rows->depth > 0);
    rows->depth--;
}
