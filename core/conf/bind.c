/* conf/bind.c - statements of one block to settings, in two passes: its own directives, then the
 * blocks within it.
 *
 * Every fault is reported and the next statement bound all the same. check() of a block's modules
 * runs only when the block itself had none: it would find the same faults once more.
 */
#include "conf/bind.h"

#include "base/assert.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "conf/rows.h"
#include "conf/setter.h"
#include "conf/suggest.h"
#include "conf/usage.h"

enum { HINT_MAX = 512 };

/* ---- Faults of a statement's shape. ---- */

static const char *
suggest_name(const struct wr_conf_space *space, weir_str word, uint32_t where)
{
    struct wr_suggest s;
    const char *name;

    wr_suggest_init(&s, word);
    for (uint32_t i = 0; (name = space->name_at(space, i, where)) != NULL; i++) {
        wr_suggest_add(&s, name);
    }
    return s.best;
}

static void
report_unknown(struct weir_conf *cf, const struct wr_conf_node *n)
{
    const struct wr_conf_space *space = cf->space;
    weir_str word = n->words[0].text;
    const char *hint = NULL, *near = NULL;
    char room[HINT_MAX];
    struct wr_strbuf to = wr_strbuf_over(room, sizeof(room) - 1);

    if (!wr_diag_full(cf->diag)) { /* a hint is work, and this one would not be kept */
        hint = space->foreign != NULL ? space->foreign(space, word) : NULL;
        if (hint == NULL && space->name_at != NULL) {
            near = suggest_name(space, word, cf->scope->where);
            near = near != NULL ? near : suggest_name(space, word, UINT32_MAX);
        }
        if (near != NULL) {
            wr_strbuf_print(&to, "did you mean \"%s\"?", near);
            room[to.len] = '\0';
            hint = room;
        }
    }
    wr_diag_error(cf->diag, wr_conf_place(n, 0), hint, "unknown directive \"%.*s\"",
                  WEIR_FMT(word));
}

static void
report_elsewhere(struct weir_conf *cf, const struct wr_conf_node *n, const weir_directive *row)
{
    char room[HINT_MAX];
    struct wr_strbuf to = wr_strbuf_over(room, sizeof(room) - 1);

    wr_strbuf_lit(&to, "it may stand in: ");
    wr_usage_where(&to, row->where);
    room[to.len] = '\0';
    wr_diag_error(cf->diag, wr_conf_place(n, 0), room, "\"%s\" directive is not allowed here",
                  row->name);
}

/* Does a directive begin a line in the middle of n? Then the `;` in front of it is missing; the
 * line it is missing on, or 0. */
static uint32_t
unended_line(const struct weir_conf *cf, const struct wr_conf_node *n)
{
    for (uint32_t i = 1; i < n->n_words && i < 1000; i++) {
        const struct wr_conf_word *w = &n->words[i];
        const weir_directive *row = NULL, *elsewhere = NULL;
        uint32_t slot;
        if (w->line != n->words[i - 1].line && !w->quoted &&
            (cf->space->find(cf->space, w->text, cf->scope->where, &slot, &row, &elsewhere) ||
             elsewhere != NULL)) {
            return n->words[i - 1].line;
        }
    }
    return 0;
}

static bool
refuse_shape(struct weir_conf *cf, const struct wr_conf_node *n, const weir_directive *row,
             const char *fmt)
{
    char room[HINT_MAX], text[HINT_MAX];
    struct wr_strbuf to = wr_strbuf_over(room, sizeof(room) - 1);
    struct wr_strbuf message = wr_strbuf_over(text, sizeof(text) - 1);
    uint32_t line = unended_line(cf, n);

    for (const char *c = fmt; *c != '\0'; c++) {
        if (*c == '?') {
            wr_strbuf_str(&message, weir_str_c(row->name));
        } else {
            wr_strbuf_byte(&message, *c);
        }
    }
    text[message.len] = '\0';
    if (line != 0) {
        wr_strbuf_print(&to, "is a \";\" missing at the end of line %u?", line);
    } else {
        wr_usage_print(&to, row);
    }
    room[to.len] = '\0';
    return wr_diag_error(cf->diag, wr_conf_place(n, 0), room, "%s", text);
}

static bool
shape_is_right(struct weir_conf *cf, const struct wr_conf_node *n, const weir_directive *row)
{
    bool block = (row->flags & (WEIR_D_BLOCK | WR_D_SCOPE)) != 0;
    bool any = (row->flags & WEIR_D_NOTHING) != 0 && row->min == 0 && row->max == 0;
    uint32_t min, max;

    if (n->block && !block) {
        return refuse_shape(cf, n, row, "directive \"?\" is not terminated by \";\"");
    }
    if (!n->block && block) {
        return refuse_shape(cf, n, row, "directive \"?\" has no opening \"{\"");
    }
    wr_usage_arguments(row, &min, &max);
    if (!any && (n->n_words - 1 < min || n->n_words - 1 > max)) {
        return refuse_shape(cf, n, row, "invalid number of arguments in \"?\" directive");
    }
    return true;
}

/* A setting beside the servers of a site's file would be every site's. */
static bool
stays_in_site(struct weir_conf *cf, const struct wr_conf_node *n, const weir_directive *row)
{
    const uint32_t inherited = WEIR_IN_SERVER | WEIR_IN_LOCATION;

    if (n->source->site == NULL || cf->scope->where != WEIR_IN_HTTP ||
        (row->flags & (WEIR_D_BLOCK | WR_D_SCOPE)) != 0 || (row->where & inherited) == 0) {
        return true;
    }
    return wr_diag_error(cf->diag, wr_conf_place(n, 0), "put it inside the server",
                         "\"%s\" in a site's file would hold for all sites", row->name);
}

static void
report_duplicate(struct weir_conf *cf, const struct wr_conf_node *n, const weir_directive *row)
{
    const struct wr_scope_origin *o = cf->scope->origins;
    char room[HINT_MAX];
    struct wr_strbuf to = wr_strbuf_over(room, sizeof(room) - 1);

    if (!wr_diag_full(cf->diag)) {
        while (o != NULL && o->row != row) {
            o = o->next;
        }
    }
    if (o != NULL) {
        wr_strbuf_print(&to, "the first stands in %.*s:%u", WEIR_FMT(o->node->source->name),
                        o->node->words[0].line);
    }
    room[to.len] = '\0';
    wr_diag_error(cf->diag, wr_conf_place(n, 0), to.len != 0 ? room : NULL,
                  "\"%s\" directive is duplicate", row->name);
}

/* ---- A statement. ---- */

static void
add_origin(struct weir_conf *cf, const struct wr_conf_node *n, uint32_t slot,
           const weir_directive *row)
{
    struct wr_scope *scope = cf->scope;
    struct wr_scope_origin *o = wr_pool_alloc(wr_conf_scratch(cf), sizeof(*o));

    *o = (struct wr_scope_origin){ .node = n, .row = row, .slot = slot };
    if (scope->last_origin != NULL) {
        scope->last_origin->next = o;
    } else {
        scope->origins = o;
    }
    scope->last_origin = o;
    scope->has_local |= (row->flags & (WEIR_D_LOCAL | WEIR_D_CONTENT)) != 0;
}

/* Fill the field and call the row's own function, with cf->node set to n. */
static void
run_setter(struct weir_conf *cf, const struct wr_conf_node *n, uint32_t slot,
           const weir_directive *row, void *field)
{
    uint32_t errors = cf->diag->errors;
    int rc;

    cf->node = n;
    cf->slot = slot;
    rc = wr_setter_apply(cf, row, field);
    if (rc == WEIR_OK && row->set != NULL) {
        rc = row->set(cf, row, field);
    }
    if (rc != WEIR_OK && cf->diag->errors == errors) {
        wr_diag_error(cf->diag, wr_conf_place(n, 0), NULL, "\"%s\" directive invalid value",
                      row->name);
    }
}

/* May stand several times in a block: what a further one says is added. */
static bool
adds(const weir_directive *row)
{
    return (row->flags & WEIR_D_MANY) != 0 || row->type == WEIR_T_STRS || row->type == WEIR_T_BITS;
}

/* The row's field in this block's own struct, emptied when it gathers and this is its first
 * appearance here. */
static void *
field_of(struct weir_conf *cf, struct wr_rows_marks *marks, uint32_t slot,
         const weir_directive *row)
{
    const struct wr_rows_slot *rows = &cf->rows->slots[slot];
    uint32_t number = wr_rows_number(cf->rows, cf, slot, row);
    void *field;

    if (row->size == 0) {
        return NULL;
    }
    field = (char *)wr_scope_own(cf, cf->scope, slot) + row->offset;
    if (adds(row) && !wr_rows_mark(marks->emptied, rows->leader[number - rows->base])) {
        memset(field, 0, row->size);
    }
    return field;
}

static void
bind_statement(struct weir_conf *cf, struct wr_rows_marks *marks, const struct wr_conf_node *n)
{
    const weir_directive *row = NULL, *elsewhere = NULL;
    uint32_t slot = 0;
    void *field;

    if (!cf->space->find(cf->space, n->words[0].text, cf->scope->where, &slot, &row, &elsewhere)) {
        if (elsewhere != NULL) {
            report_elsewhere(cf, n, elsewhere);
        } else {
            report_unknown(cf, n);
        }
        return;
    }
    if (!shape_is_right(cf, n, row) || !stays_in_site(cf, n, row)) {
        return;
    }
    if ((row->flags & WEIR_D_NOTHING) != 0) {
        wr_diag_add(cf->diag, WR_DIAG_NOTE, wr_conf_place(n, 0), NULL,
                    "the \"%s\" directive has no effect", row->name);
        return;
    }
    if (wr_rows_mark(marks->seen, wr_rows_number(cf->rows, cf, slot, row)) && !adds(row)) {
        report_duplicate(cf, n, row);
        return;
    }
    add_origin(cf, n, slot, row);
    field = field_of(cf, marks, slot, row);
    if ((row->flags & WR_D_SCOPE) == 0) {
        run_setter(cf, n, slot, row, field);
    }
}

/* ---- A block. ---- */

static void
check_modules(struct weir_conf *cf, const struct wr_scope *scope)
{
    for (uint32_t i = 0; i < cf->space->n_slots; i++) {
        const weir_module *m = cf->space->modules[i];
        uint32_t errors = cf->diag->errors;
        if (m == NULL || m->check == NULL ||
            (scope->parent != NULL && scope->conf[i] == scope->parent->conf[i])) {
            continue;
        }
        cf->slot = i;
        if (m->check(cf, (void *)(uintptr_t)scope->conf[i]) != WEIR_OK &&
            cf->diag->errors == errors) {
            weir_conf_error(cf, "module \"%s\" refuses the configuration", m->name);
        }
    }
}

/* The blocks within, from the first origin that this binding added. */
static void
bind_inner(struct weir_conf *cf, struct wr_rows_marks *marks, const struct wr_scope_origin *o)
{
    for (; o != NULL; o = o->next) {
        if ((o->row->flags & WR_D_SCOPE) != 0) {
            run_setter(cf, o->node, o->slot, o->row, field_of(cf, marks, o->slot, o->row));
        }
    }
}

bool
wr_scope_bind(struct weir_conf *cf, struct wr_scope *scope, const struct wr_conf_node *first)
{
    struct weir_conf before = *cf;
    uint32_t errors = cf->diag->errors;
    const struct wr_scope_origin *last = scope->last_origin;
    struct wr_rows_marks *marks = wr_rows_enter(cf->rows, cf);

    cf->scope = scope;
    cf->strs_room = NULL;
    for (const struct wr_conf_node *n = first; n != NULL; n = n->next) {
        bind_statement(cf, marks, n);
    }
    cf->node = NULL;
    if (cf->diag->errors == errors) {
        check_modules(cf, scope);
    }
    bind_inner(cf, marks, last != NULL ? last->next : scope->origins);
    wr_rows_leave(cf->rows);
    cf->scope = before.scope;
    cf->node = before.node;
    cf->slot = before.slot;
    cf->strs_room = before.strs_room;
    cf->block_read = true;
    return cf->diag->errors == errors;
}
