/* http/block.c - the blocks of the http context as they are read: http, server, location,
 * limit_except and modules' own.
 *
 * Each becomes a wr_location: settings, the locations within, later a plan. A block that a
 * directive of the first pass opens
 * (`if`) inherits from a block that is not complete yet, so it is bound when that one is.
 */
#include "base/assert.h"
#include "base/str.h"
#include "http/build.h"
#include "http/request.h"
#include "wire/names.h"

struct wr_location *
wr_block_create(struct weir_conf *cf, uint32_t kind, weir_str name)
{
    struct wr_build *b = wr_build_of(cf);
    struct wr_location *loc = wr_pool_zalloc(cf->pool, sizeof(*loc));

    loc->kind = kind;
    loc->name = name;
    loc->node = cf->node;
    if (b->block != NULL) {
        loc->outer = b->block->loc;
        loc->server = b->block->loc->server;
        loc->base = b->block->loc->base;
    }
    return loc;
}

/* ---- Binding. ---- */

/* Bind cf->node's block as loc's: its settings, the blocks within, its locations in search order.
 * loc has its kind and name. */
static void bind_block(struct weir_conf *cf, struct wr_location *loc, uint32_t where);

/* Bind the blocks that were put off until `scope` is complete: those from place `first` on. */
static void
bind_deferred(struct weir_conf *cf, struct wr_scope *scope, size_t first)
{
    struct wr_vec *deferred = &wr_build_of(cf)->deferred;
    struct weir_conf before = *cf;
    size_t n = deferred->count;

    for (size_t i = first; i < n; i++) {
        struct wr_build_deferred d = *wr_vec_at(deferred, struct wr_build_deferred, i);
        WR_ASSERT(d.scope == scope);
        cf->scope = scope;
        cf->node = d.node;
        bind_block(cf, d.loc, d.where);
    }
    wr_vec_cut(deferred, first);
    cf->scope = before.scope;
    cf->node = before.node;
}

static void
bind_block(struct weir_conf *cf, struct wr_location *loc, uint32_t where)
{
    struct wr_build *b = wr_build_of(cf);
    struct wr_build_block block = { .outer = b->block, .loc = loc };
    struct wr_scope *scope = wr_scope_create(cf, cf->scope, where, cf->node);
    size_t deferred = b->deferred.count;

    wr_vec_init_of(&block.locations, wr_conf_scratch(cf), struct wr_location *);
    *(struct wr_location **)wr_vec_add(&b->locations) = loc;
    loc->conf = scope->conf;
    loc->scope = scope;
    b->block = &block;
    wr_scope_bind(cf, scope, cf->node->first);
    bind_deferred(cf, scope, deferred);
    b->block = block.outer;
    loc->inner = wr_locations_create(cf, &block.locations);
}

void
wr_block_defer(struct weir_conf *cf, struct wr_location *loc, uint32_t where,
               const struct wr_conf_node *node)
{
    struct wr_build_deferred *d = wr_vec_add(&wr_build_of(cf)->deferred);

    *d = (struct wr_build_deferred){ .scope = cf->scope, .loc = loc, .node = node, .where = where };
    cf->block_read = true;
}

weir_scope *
weir_conf_scope(weir_conf *cf, uint32_t where)
{
    struct wr_build *b = wr_build_of(cf);
    struct wr_location *loc;

    if (cf->node == NULL || !cf->node->block || b->block == NULL ||
        (where != WEIR_IN_IF && where != WEIR_IN_LIMIT_EXCEPT)) {
        weir_conf_error(cf, "a block of settings cannot stand here");
        return NULL;
    }
    if (where == WEIR_IN_IF && (cf->scope->where & WEIR_IN_SERVER) != 0) {
        where = WEIR_IN_SERVER_IF;
    }
    loc = wr_block_create(cf, WR_LOC_BLOCK, cf->node->words[0].text);
    wr_block_defer(cf, loc, where, cf->node);
    return (weir_scope *)loc;
}

weir_str
weir_conf_location(weir_conf *cf, uint32_t *kind)
{
    static const uint8_t kinds[] = { [WR_LOC_PREFIX] = WEIR_LOCATION_PREFIX,
                                     [WR_LOC_PREFIX_FINAL] = WEIR_LOCATION_PREFIX,
                                     [WR_LOC_EXACT] = WEIR_LOCATION_EXACT,
                                     [WR_LOC_REGEX] = WEIR_LOCATION_REGEX,
                                     [WR_LOC_NAMED] = WEIR_LOCATION_NAMED };
    const struct wr_build_block *block = wr_build_of(cf)->block;
    const struct wr_location *loc = block != NULL ? block->loc : NULL;

    while (loc != NULL && (loc->kind == WR_LOC_BLOCK || loc->kind == WR_LOC_BRANCH)) {
        loc = loc->outer;
    }
    if (loc == NULL || loc->kind == WR_LOC_SERVER) {
        *kind = WEIR_LOCATION_NONE;
        return (weir_str){ NULL, 0 };
    }
    *kind = kinds[loc->kind];
    return loc->name;
}

/* Put r->hook so that the hook after the running one, in resolved order, is next in the plan that r
 * has now. */
static void
keep_place(struct wr_request *r, const struct wr_plan_hook *running)
{
    const struct wr_plan_phase *p = &r->plan->phase[r->phase];
    uint32_t next = 0;

    while (next < p->n && p->at[next].origin <= running->origin) {
        next++;
    }
    r->hook = (uint16_t)(next - 1); /* the run counts one up when the hook returns, from -1 too */
}

void
weir_enter(weir_request *pub, const weir_scope *scope)
{
    struct wr_request *r = wr_request_of(pub);
    const struct wr_plan_phase *p = &r->plan->phase[r->phase];
    const struct wr_plan_hook *running = r->hook < p->n ? &p->at[r->hook] : NULL;

    wr_request_enter(r, (const struct wr_location *)scope);
    if (running != NULL) {
        keep_place(r, running);
    }
}

/* ---- http and server. ---- */

int
wr_http_block(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_http *http = wr_http_of(cf);

    (void)d;
    (void)field;
    http->scope = wr_scope_create(cf, cf->scope, WEIR_IN_HTTP, cf->node);
    wr_scope_bind(cf, http->scope, cf->node->first);
    return WEIR_OK;
}

static bool
speaks_http2(const struct wr_server *server)
{
    const struct wr_http2_conf *c = server->base.conf[WR_SLOT_HTTP2];

    return c->on;
}

/* Every name at every address. */
static void
add_names(struct weir_conf *cf, struct wr_build_server *s)
{
    struct wr_server_name *names;

    if (s->names.count == 0) {
        struct wr_server_name *none = wr_vec_add(&s->names);
        none->server = s->server;
        none->name = WEIR_STR("");
        none->place = wr_conf_place(s->server->base.node, 0);
    }
    names = wr_pool_array(cf->pool, struct wr_server_name, s->names.count);
    memcpy(names, s->names.data, s->names.count * sizeof(*names));
    WR_VEC_EACH (struct wr_build_address *, a, &s->addresses) {
        (*a)->any_http2 = (*a)->any_http2 || speaks_http2(s->server);
        for (size_t i = 0; i < s->names.count; i++) {
            wr_names_add(cf, *a, &names[i]);
        }
    }
    s->server->name = names[0].name;
    if (weir_str_starts(s->server->name,
                        WEIR_STR("."))) { /* ".example.com" goes by its domain (nginx) */
        s->server->name = weir_str_cut(s->server->name, 1, SIZE_MAX);
    }
}

int
wr_server_block(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_build *b = wr_build_of(cf);
    struct wr_server *server = wr_pool_zalloc(cf->pool, sizeof(*server));
    struct wr_build_server s = { .server = server };

    (void)d;
    (void)field;
    server->base.kind = WR_LOC_SERVER;
    server->base.server = server;
    server->base.base = &server->base;
    server->base.node = cf->node;
    server->base.name = WEIR_STR("");
    server->http = wr_http_of(cf);
    server->index = (uint32_t)b->servers.count;
    wr_vec_init_of(&s.names, wr_conf_scratch(cf), struct wr_server_name);
    wr_vec_init_of(&s.addresses, wr_conf_scratch(cf), struct wr_build_address *);
    *(struct wr_server **)wr_vec_add(&b->servers) = server;
    b->server = &s;
    bind_block(cf, &server->base, WEIR_IN_SERVER);
    if (s.addresses.count == 0) {
        wr_listen_default(cf);
    }
    add_names(cf, &s);
    b->server = NULL;
    return WEIR_OK;
}

/* ---- location. ---- */

/* The words of `location` to kind and name: "= /a", and "=/a" in one word. False: they are none. */
static bool
parse_location(const struct wr_conf_node *node, uint32_t *kind, bool *fold, weir_str *name)
{
    static const struct {
        weir_str mark;
        uint32_t kind;
        bool fold;
    } marks[] = { { { "=", 1 }, WR_LOC_EXACT, false },
                  { { "^~", 2 }, WR_LOC_PREFIX_FINAL, false },
                  { { "~*", 2 }, WR_LOC_REGEX, true },
                  { { "~", 1 }, WR_LOC_REGEX, false } };
    weir_str first = node->words[1].text;
    bool two = node->n_words == 3;

    for (size_t i = 0; i < WR_COUNT(marks); i++) {
        if (two ? weir_str_eq(first, marks[i].mark) : weir_str_starts(first, marks[i].mark)) {
            *kind = marks[i].kind;
            *fold = marks[i].fold;
            *name = two ? node->words[2].text : weir_str_cut(first, marks[i].mark.len, SIZE_MAX);
            return true;
        }
    }
    *fold = false;
    *name = first;
    *kind = first.len != 0 && first.data[0] == '@' ? WR_LOC_NAMED : WR_LOC_PREFIX;
    return !two;
}

/* Does loc fit into the location around it? */
static int
check_nesting(struct weir_conf *cf, const struct wr_location *loc)
{
    const struct wr_location *outer = loc->outer;

    if (outer == outer->base) {
        return WEIR_OK;
    }
    if (outer->kind == WR_LOC_BRANCH) {
        return weir_conf_error(cf, "a request in \"%.*s\" of a location has its location already",
                               WEIR_FMT(outer->node->words[0].text));
    }
    if (outer->kind == WR_LOC_EXACT || outer->kind == WR_LOC_NAMED) {
        return weir_conf_error(cf, "location \"%.*s\" cannot be inside the %s location \"%.*s\"",
                               WEIR_FMT(loc->name), outer->kind == WR_LOC_EXACT ? "exact" : "named",
                               WEIR_FMT(outer->name));
    }
    if (loc->kind == WR_LOC_NAMED) {
        return weir_conf_error(cf, "named location \"%.*s\" can be on the server level only",
                               WEIR_FMT(loc->name));
    }
    if (loc->kind != WR_LOC_REGEX && !weir_str_starts(loc->name, outer->name)) {
        return weir_conf_error(cf, "location \"%.*s\" is outside location \"%.*s\"",
                               WEIR_FMT(loc->name), WEIR_FMT(outer->name));
    }
    return WEIR_OK;
}

/* Among the named locations of its base, unless another has the name. */
static int
add_named(struct weir_conf *cf, struct wr_location *loc)
{
    struct wr_location *base = (struct wr_location *)(uintptr_t)loc->base; /* being made, too */

    if (base->named == NULL) {
        base->named = wr_pool_alloc(cf->pool, sizeof(*base->named));
        wr_map_init(base->named, cf->pool, false);
    }
    if (!wr_map_add(base->named, loc->name, loc)) {
        const struct wr_location *first = wr_map_find(base->named, loc->name);
        wr_diag_error(cf->diag, wr_conf_place(cf->node, 1), wr_build_first(cf, first->node),
                      "duplicate location \"%.*s\"", WEIR_FMT(loc->name));
        return WEIR_ERROR;
    }
    return WEIR_OK;
}

/* Does a directive stand in the block that says who answers there? */
static bool
has_content(const struct wr_scope *scope)
{
    const struct wr_scope_origin *o = scope->origins;

    while (o != NULL && (o->row->flags & WEIR_D_CONTENT) == 0) {
        o = o->next;
    }
    return o != NULL;
}

int
wr_location_block(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_build_block *around = wr_build_of(cf)->block;
    struct wr_location *loc = wr_block_create(cf, WR_LOC_PREFIX, WEIR_STR(""));
    bool fold = false;
    int rc;

    (void)d;
    (void)field;
    if (!parse_location(cf->node, &loc->kind, &fold, &loc->name)) {
        return weir_conf_error_at(cf, 1, "invalid location modifier \"%.*s\"",
                                  WEIR_FMT(cf->node->words[1].text));
    }
    rc = check_nesting(cf, loc);
    if (rc == WEIR_OK && loc->kind == WR_LOC_REGEX) {
        loc->regex = weir_regex_compile(cf, loc->name, fold ? WEIR_REGEX_ICASE : 0);
        rc = loc->regex != NULL ? WEIR_OK : WEIR_ERROR;
    } else if (rc == WEIR_OK && loc->kind == WR_LOC_NAMED) {
        rc = add_named(cf, loc);
    }
    if (rc == WEIR_OK && loc->kind != WR_LOC_NAMED) {
        *(struct wr_location **)wr_vec_add(&around->locations) = loc;
    }
    bind_block(cf, loc, WEIR_IN_LOCATION);
    loc->adds_slash = (loc->kind == WR_LOC_PREFIX || loc->kind == WR_LOC_PREFIX_FINAL) && loc->name.len > 1 &&
                      loc->name.data[loc->name.len - 1] == '/' && has_content(loc->scope);
    return rc;
}

/* ---- limit_except. ---- */

/* Methods that have no bit of their own and that people may name all the same, nginx's. */
static bool
known_method(weir_str name)
{
    static const char *const names[] = { "MKCOL",     "COPY", "MOVE",  "PROPFIND",
                                         "PROPPATCH", "LOCK", "UNLOCK" };

    for (size_t i = 0; i < WR_COUNT(names); i++) {
        if (weir_str_eq(name, weir_str_c(names[i]))) {
            return true;
        }
    }
    return false;
}

int
wr_limit_except_block(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_location *around = wr_build_of(cf)->block->loc;
    struct wr_location *loc = wr_block_create(cf, WR_LOC_BLOCK, WEIR_STR("limit_except"));
    weir_str *others = wr_pool_array(cf->pool, weir_str, cf->node->n_words);
    uint32_t methods = 0;
    size_t n = 0;

    (void)d;
    (void)field;
    for (uint32_t i = 1; i < cf->node->n_words; i++) {
        weir_str name = cf->node->words[i].text;
        uint32_t id = wr_method_id(name);
        if (id != WEIR_METHOD_OTHER) {
            methods |= id;
        } else if (known_method(name)) {
            others[n++] = name;
        } else {
            weir_conf_error_at(cf, i, "invalid method \"%.*s\"", WEIR_FMT(name));
        }
    }
    if (methods & WEIR_GET) {
        methods |= WEIR_HEAD;
    }
    around->limit_methods = methods;
    around->limit_names = (weir_strs){ others, n };
    around->limited = loc;
    bind_block(cf, loc, WEIR_IN_LIMIT_EXCEPT);
    return WEIR_OK;
}
