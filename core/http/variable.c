/* http/variable.c - the index of a configuration's variables, and their values in a request.
 *
 * At load: what modules' tables declare is only known; a variable that something uses gets an index. In a request: values
 * stand in an array by index, made when the first one has to be kept. A set value belongs to the client's request, so that
 * subrequests see it; a computed one to the request it was computed for. One that needs itself is absent, with a line in the
 * log. Computing never changes the captures that the text around it refers to.
 */
#include "http/variable.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "conf/suggest.h"
#include "http/core_variables.h"
#include "http/http.h"
#include "http/regex.h"
#include "module/foreign.h"
#include "wire/chars.h"

enum state { STATE_UNKNOWN, STATE_KNOWN, STATE_COMPUTING, STATE_SET };

/* A row of a module's table. */
struct known {
    const weir_variable *row;
    const weir_module *module;
    weir_str name;
};

struct wr_vars_index {
    struct weir_pool *pool;
    struct wr_vec all;      /* struct wr_var: wr_vars.at is its data */
    struct wr_map by_name;  /* to index + 1 */
    struct wr_map known;    /* struct known by name */
    struct wr_vec prefixes; /* struct known */
};

/* ---- Names. ---- */

struct wr_vars *
wr_vars_create(struct weir_pool *pool)
{
    struct wr_vars *vars = wr_pool_zalloc(pool, sizeof(*vars));
    struct wr_vars_index *x = wr_pool_zalloc(pool, sizeof(*x));

    x->pool = pool;
    wr_vec_init_of(&x->all, pool, struct wr_var);
    wr_map_init(&x->by_name, pool, true);
    wr_map_init(&x->known, pool, true);
    wr_vec_init_of(&x->prefixes, pool, struct known);
    vars->index = x;
    return vars;
}

static bool
add_known(struct weir_conf *cf, struct wr_vars_index *x, const weir_module *m,
          const weir_variable *row)
{
    struct known *k = wr_pool_alloc(x->pool, sizeof(*k)), *other;

    *k = (struct known){ row, m, weir_str_c(row->name) };
    if (row->flags & WEIR_VAR_PREFIX) {
        *(struct known *)wr_vec_add(&x->prefixes) = *k;
        return true;
    }
    if (wr_map_add(&x->known, k->name, k)) {
        return true;
    }
    other = wr_map_find(&x->known, k->name);
    return wr_diag_error(cf->diag, (struct wr_conf_place){ NULL, 0, 0, 0 }, NULL,
                         "modules \"%s\" and \"%s\" both have the variable \"%s\"",
                         other->module->name, m->name, row->name);
}

bool
wr_vars_add_modules(struct weir_conf *cf, struct wr_vars *vars)
{
    bool good = true;

    for (uint32_t slot = 0; slot < cf->space->n_slots; slot++) {
        const weir_module *m = cf->space->modules[slot];
        const char *row = m != NULL ? m->variables.at : NULL;

        for (uint32_t i = 0; row != NULL && i < m->variables.count; i++) {
            good &= add_known(cf, vars->index, m, (const weir_variable *)(const void *)row);
            row += m->variables.stride;
        }
    }
    return good;
}

/* The row that declares name: by its whole, else by the longest prefix that something follows. */
static const struct known *
find_known(const struct wr_vars_index *x, weir_str name)
{
    const struct known *best = wr_map_find(&x->known, name);

    if (best != NULL) {
        return best;
    }
    WR_VEC_EACH(struct known, k, &x->prefixes) {
        if (name.len > k->name.len && weir_str_ieq(weir_str_cut(name, 0, k->name.len), k->name) &&
            (best == NULL || best->name.len < k->name.len)) {
            best = k;
        }
    }
    return best;
}

static bool
name_is_valid(weir_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = (uint8_t)name.data[i];
        if (!weir_is_letter(c) && !weir_is_digit(c) && c != '_') {
            return false;
        }
    }
    return name.len != 0;
}

/* ---- Places. ---- */

/* The word of n that text is part of, or NULL. */
static const struct wr_conf_word *
word_of(const struct wr_conf_node *n, weir_str text)
{
    uintptr_t at = (uintptr_t)text.data;

    for (uint32_t i = 0; i < n->n_words; i++) {
        uintptr_t from = (uintptr_t)n->words[i].text.data;
        if (text.data != NULL && at >= from && at + text.len <= from + n->words[i].text.len) {
            return &n->words[i];
        }
    }
    return NULL;
}

static struct wr_conf_place
place_in(const struct wr_conf_node *n, const struct wr_conf_word *w, weir_str text)
{
    struct wr_conf_place place = { n->source, w->line, w->column, w->len };
    uint32_t quotes = w->quoted ? 2 : 0;

    /* With escapes in it, a word's bytes do not stand where they did in the file. */
    if (w->len == w->text.len + quotes && text.len != 0 &&
        memchr(w->text.data, '\n', (size_t)(text.data - w->text.data)) == NULL) {
        place.column += quotes / 2 + (uint32_t)(text.data - w->text.data);
        place.len = (uint32_t)text.len;
    }
    return place;
}

struct wr_conf_place
wr_vars_place(const struct weir_conf *cf, weir_str text)
{
    const struct wr_conf_node *n = cf->node;
    const struct wr_conf_word *w = n != NULL ? word_of(n, text) : NULL;

    if (w != NULL) {
        return place_in(n, w, text);
    }
    if (n == NULL && cf->scope != NULL) { /* in check(): one of the block's statements */
        n = cf->scope->node;
        for (const struct wr_scope_origin *o = cf->scope->origins; o != NULL; o = o->next) {
            if ((w = word_of(o->node, text)) != NULL) {
                return place_in(o->node, w, text);
            }
            n = o->slot == cf->slot ? o->node : n;
        }
    }
    return n != NULL ? wr_conf_place(n, 0) : (struct wr_conf_place){ NULL, 0, 0, 0 };
}

/* ---- Indexes. ---- */

/* Let v be what a module's table says of it. */
static void
bind_known(struct wr_var *v, const struct known *k)
{
    v->flags = k->row->flags;
    v->slot = k->module->self->slot;
    v->get = k->row->get;
    v->declared = true;
    if (k->row->flags & WEIR_VAR_PREFIX) {
        v->rest = weir_str_cut(v->name, k->name.len, v->name.len);
    }
    if (k->module == &wr_core_variables_module) {
        v->assign = wr_core_variable_assign(v->name);
        v->field = wr_core_variable_field(v->name);
    } else {
        v->flags &= ~(uint32_t)WR_VAR_PLAIN;
    }
}

int32_t
wr_vars_index(struct weir_conf *cf, struct wr_vars *vars, weir_str name)
{
    struct wr_vars_index *x = vars->index;
    uintptr_t found = (uintptr_t)wr_map_find(&x->by_name, name);
    const struct known *k;
    struct wr_var *v;

    if (found != 0) {
        return (int32_t)(found - 1);
    }
    if (!name_is_valid(name)) {
        wr_diag_error(cf->diag, wr_vars_place(cf, name),
                      "letters, digits and _ make a variable's name",
                      "invalid variable name \"%.*s\"", WEIR_FMT(name));
        return -1;
    }
    WR_ASSERT(x->all.count < INT32_MAX);
    v = wr_vec_add(&x->all);
    v->name = v->rest = weir_dup_lower(x->pool, name);
    v->slot = UINT32_MAX;
    v->used_at = wr_vars_place(cf, name);
    k = find_known(x, name);
    if (k != NULL) {
        bind_known(v, k);
    }
    vars->at = x->all.data;
    vars->n = (uint32_t)x->all.count;
    (void)wr_map_add(&x->by_name, v->name, (void *)(uintptr_t)vars->n);
    return (int32_t)(vars->n - 1);
}

int32_t
weir_var_find(weir_conf *cf, weir_str name)
{
    int32_t i = wr_vars_index(cf, wr_http_of(cf)->vars, name);

    return i >= 0 ? i : WEIR_ABSENT;
}

int32_t
weir_var_declare(weir_conf *cf, weir_str name)
{
    struct wr_vars *vars = wr_http_of(cf)->vars;
    int32_t i = wr_vars_index(cf, vars, name);
    struct wr_var *v;

    if (i < 0) {
        return WEIR_ABSENT;
    }
    v = &vars->at[i];
    if (v->get != NULL && v->flags & WEIR_VAR_PREFIX) { /* the family's until it is set */
        v->flags &= ~(uint32_t)(WR_VAR_LEAF | WR_VAR_PLAIN);
        v->field = 0;
        v->settable = true;
        return i;
    }
    if (v->get != NULL && v->assign == NULL) {
        wr_diag_error(cf->diag, wr_vars_place(cf, name), NULL,
                      "the variable \"%.*s\" computes itself and cannot be set", WEIR_FMT(v->name));
        return WEIR_ABSENT;
    }
    v->declared = true;
    v->settable = v->get == NULL;
    return i;
}

int32_t
weir_var_define(weir_conf *cf, weir_str name, uint32_t flags,
                weir_str (*get)(weir_request *r, void *data), void *data)
{
    struct wr_vars *vars = wr_http_of(cf)->vars;
    int32_t i = wr_vars_index(cf, vars, name);
    struct wr_var *v;

    if (i < 0) {
        return WEIR_ABSENT;
    }
    v = &vars->at[i];
    if (v->define != NULL || (v->get != NULL && !(v->flags & WEIR_VAR_PREFIX))) {
        wr_diag_error(cf->diag, wr_vars_place(cf, name), NULL, "the duplicate \"%.*s\" variable",
                      WEIR_FMT(v->name));
        return WEIR_ABSENT;
    }
    v->get = NULL;
    v->flags = flags & WEIR_VAR_FRESH;
    v->field = 0;
    v->define = get;
    v->data = data;
    v->declared = true;
    return i;
}

void
weir_var_default(weir_conf *cf, int32_t var, weir_str (*get)(weir_request *r, void *data),
                 void *data)
{
    struct wr_vars *vars = wr_http_of(cf)->vars;

    WR_ASSERT(var >= 0 && (uint32_t)var < vars->n);
    vars->at[var].unset = get;
    vars->at[var].unset_data = data;
}

/* ---- Those that nobody declared. ---- */

static const char *
suggest(const struct wr_vars *vars, weir_str name)
{
    const struct wr_vars_index *x = vars->index;
    struct wr_suggest s;

    wr_suggest_init(&s, name);
    for (size_t i = 0; i < wr_map_count(&x->known); i++) {
        wr_suggest_add(&s, wr_map_entry(&x->known, i)->key.data);
    }
    for (uint32_t i = 0; i < vars->n; i++) {
        if (vars->at[i].declared) {
            wr_suggest_add(&s, vars->at[i].name.data);
        }
    }
    return s.best;
}

bool
wr_vars_finish(struct weir_conf *cf, struct wr_vars *vars)
{
    bool good = true;

    for (uint32_t i = 0; i < vars->n; i++) {
        const struct wr_var *v = &vars->at[i];
        const char *near, *hint;
        char room[128];
        struct wr_strbuf to = wr_strbuf_over(room, sizeof(room) - 1);

        if (v->declared) {
            continue;
        }
        hint = wr_foreign_find(v->name);
        near = hint != NULL || wr_diag_full(cf->diag) ? NULL : suggest(vars, v->name);
        if (near != NULL) {
            wr_strbuf_print(&to, "did you mean \"$%s\"?", near);
            room[to.len] = '\0';
            hint = room;
        }
        good = wr_diag_error(cf->diag, v->used_at, hint,
                             "unknown \"%.*s\" variable", WEIR_FMT(v->name));
    }
    return good;
}

/* ---- Without a client. ---- */

static weir_str
get_unknown(weir_request *r, const void *conf, weir_str name)
{
    const struct wr_vars_watch *watch = wr_request_of(r)->http->vars->watch;

    (void)conf;
    watch->unknown(watch->data, name);
    return (weir_str){ NULL, 0 };
}

static weir_str
get_lost(weir_request *r, void *because)
{
    return get_unknown(r, NULL, *(const weir_str *)because);
}

void
wr_vars_set_watch(struct wr_vars *vars, const struct wr_vars_watch *watch)
{
    vars->watch = watch;
    for (uint32_t i = 0; i < vars->n; i++) {
        struct wr_var *v = &vars->at[i];
        v->flags |= WEIR_VAR_FRESH;
        if ((v->flags & WEIR_VAR_LATER) != 0) {
            v->get = get_unknown;
            v->rest = v->name;
        }
    }
}

void
wr_vars_lose(struct wr_request *r, int32_t var, weir_str because)
{
    struct wr_request *main = wr_request_of(r->pub.main);
    struct wr_var *v = &r->http->vars->at[var];

    if (v->settable && main->var_state != NULL) {
        main->var_state[var] = STATE_UNKNOWN;
    }
    if (v->settable && v->get == NULL) {
        v->unset = get_lost;
        v->unset_data = wr_pool_alloc(r->pub.pool, sizeof(because));
        *(weir_str *)v->unset_data = because;
    } else {
        v->get = get_unknown;
        v->rest = because;
        v->field = 0;
    }
}

/* ---- In a request. ---- */

static void
make_room(struct wr_request *r)
{
    if (r->vars == NULL) {
        r->vars = wr_pool_array(r->pub.pool, weir_str, r->http->vars->n);
        r->var_state = wr_pool_array(r->pub.pool, uint8_t, r->http->vars->n);
    }
}

/* Ask the variable's owner. The captures of the text around it stay as they are. */
static weir_str
compute(struct wr_request *r, const struct wr_var *v)
{
    struct wr_captures before = { .n = 0 };
    weir_str value;

    if (r->captures != NULL) {
        before = *r->captures;
    }
    if (v->get != NULL) {
        value = v->get(&r->pub, v->slot != UINT32_MAX ? r->pub.conf[v->slot] : NULL, v->rest);
    } else if (v->define != NULL) {
        value = v->define(&r->pub, v->data);
    } else {
        value = v->unset(&r->pub, v->unset_data);
    }
    if (r->captures != NULL) {
        *r->captures = before;
    }
    return value;
}

static weir_str
compute_once(struct wr_request *r, const struct wr_var *v, uint32_t i)
{
    weir_str value;

    make_room(r);
    if (r->var_state[i] == STATE_KNOWN) {
        return r->vars[i];
    }
    if (r->var_state[i] == STATE_COMPUTING) {
        wr_say(&r->log, ERROR, "cycle while evaluating variable \"%.*s\"", WEIR_FMT(v->name));
        return (weir_str){ NULL, 0 };
    }
    r->var_state[i] = STATE_COMPUTING;
    value = compute(r, v);
    r->var_state[i] = v->flags & WEIR_VAR_FRESH ? STATE_UNKNOWN : STATE_KNOWN;
    r->vars[i] = value;
    return value;
}

WR_APART weir_str
wr_var_kept(struct wr_request *r, const struct wr_var *v, uint32_t i)
{
    if (v->settable) {
        const struct wr_request *main = wr_request_of(r->pub.main);
        if (main->vars != NULL && main->var_state[i] == STATE_SET) {
            return main->vars[i];
        }
        if (v->get == NULL && v->define == NULL && v->unset == NULL) {
            return (weir_str){ NULL, 0 };
        }
    }
    return compute_once(r, v, i);
}

weir_str
weir_var_get(weir_request *r, int32_t var)
{
    struct wr_request *q = wr_request_of(r);

    WR_CHECK(q, WR_REQUEST_TAG);
    WR_ASSERT(var >= 0 && (uint32_t)var < q->http->vars->n);
    return wr_var_value(q, q->http->vars, (uint32_t)var);
}

int
weir_var_set(weir_request *r, int32_t var, weir_str value)
{
    struct wr_request *main = wr_request_of(r->main);
    const struct wr_vars *vars = main->http->vars;
    const struct wr_var *v;

    WR_CHECK(main, WR_REQUEST_TAG);
    WR_ASSERT(var >= 0 && (uint32_t)var < vars->n);
    v = &vars->at[var];
    if (v->assign != NULL) {
        v->assign(wr_request_of(r), value);
        return WEIR_OK;
    }
    if (!v->settable) {
        return WEIR_INVALID;
    }
    make_room(main);
    main->vars[var] = value;
    main->var_state[var] = STATE_SET;
    return WEIR_OK;
}
