/* upstream/upstream_names.c - names met in any block, also before their upstream{} is read. */
#include "upstream/upstream_names.h"

#include "base/assert.h"
#include "base/pool.h"
#include "module/registry.h"
#include "upstream/upstream_conf.h"

struct wr_upstream_conf *
wr_upstream_main(const struct weir_conf *cf)
{
    const struct wr_scope *scope = cf->scope;

    if (scope == NULL) {
        return NULL;
    }
    while (scope->parent != NULL) {
        scope = scope->parent;
    }
    return (struct wr_upstream_conf *)(uintptr_t)scope->conf[wr_upstream_module.self->slot];
}

weir_str
wr_upstream_key(weir_pool *pool, weir_str name)
{
    return weir_str_starts(name, WEIR_STR("unix:")) ? name : weir_dup_lower(pool, name);
}

weir_upstream *
wr_upstream_named(struct weir_conf *cf, struct wr_upstream_conf *top, weir_str name)
{
    weir_str key = wr_upstream_key(wr_conf_scratch(cf), name);
    weir_upstream *u;

    if (top->names == NULL) {
        top->names = wr_pool_alloc(cf->pool, sizeof(*top->names));
        wr_map_init(top->names, cf->pool, false);
    }
    u = wr_map_find(top->names, key);
    if (u == NULL) {
        u = wr_group_create(cf->pool, weir_dup(cf->pool, name));
        wr_map_add(top->names, wr_upstream_key(cf->pool, u->name), u);
    }
    return u;
}

/* The names that an upstream{} of http defines. Its statements are all there from the first on. */
static struct wr_map *
read_defined(const struct weir_conf *cf)
{
    struct wr_map *names = wr_pool_alloc(wr_conf_scratch(cf), sizeof(*names));
    const struct wr_scope *scope = cf->scope;

    wr_map_init(names, wr_conf_scratch(cf), true);
    while (scope->parent != NULL && scope->where != WEIR_IN_HTTP) {
        scope = scope->parent;
    }
    for (const struct wr_conf_node *n = scope->node != NULL ? scope->node->first : NULL; n != NULL;
         n = n->next) {
        if (n->n_words == 2 && weir_str_eq(n->words[0].text, WEIR_STR("upstream"))) {
            (void)wr_map_add(names, n->words[1].text, (void *)(uintptr_t)n);
        }
    }
    return names;
}

/* Is there a group of this name, or will there be one when all is read? */
static bool
is_defined(const struct weir_conf *cf, struct wr_upstream_conf *top, weir_str name)
{
    if (top->defined == NULL) {
        top->defined = read_defined(cf);
    }
    return wr_map_find(top->defined, name) != NULL;
}

static bool
is_group(const struct weir_conf *cf, struct wr_upstream_conf *top, const weir_upstream *u)
{
    return u->defined != NULL || is_defined(cf, top, u->name);
}

/* Where an address says its port, or a path: at a colon; the length if it does not. */
static size_t
port_colon(weir_str name)
{
    size_t end = name.data[0] == '[' ? weir_str_find(name, ']') : 0;

    return end + weir_str_find(weir_str_cut(name, end, SIZE_MAX), ':');
}

static bool
has_port(weir_str name)
{
    return port_colon(name) < name.len;
}

/* The group or address of this name. A name without a port that users give different default ports
 * is two addresses, unless it is a group. */
static weir_upstream *
find_for(struct weir_conf *cf, struct wr_upstream_conf *top, weir_str name, uint16_t default_port)
{
    weir_upstream *u = wr_upstream_named(cf, top, name);

    if (u->defined != NULL || default_port == 0 || u->default_port == default_port) {
        return u;
    }
    if (u->default_port == 0) {
        u->default_port = default_port;
        return u;
    }
    if (has_port(name) || is_group(cf, top, u)) {
        return u;
    }
    return wr_upstream_named(cf, top, weir_print(wr_conf_scratch(cf), "%.*s:%u", WEIR_FMT(name),
                                              default_port));
}

/* The servers of a group have ports of their own. */
static bool
is_port_allowed(struct weir_conf *cf, struct wr_upstream_conf *top, weir_str name)
{
    size_t colon = port_colon(name);
    weir_str host = weir_str_cut(name, 0, colon);

    if (colon >= name.len || weir_str_starts(name, WEIR_STR("unix:")) ||
        is_defined(cf, top, name) || !is_defined(cf, top, host)) {
        return true;
    }
    (void)weir_conf_error(cf, "upstream \"%.*s\" may not have port %.*s", WEIR_FMT(host),
                          WEIR_FMT(weir_str_cut(name, colon + 1, SIZE_MAX)));
    return false;
}

static void
add_use(const struct weir_conf *cf, struct wr_upstream_conf *top, struct wr_upstream_use use)
{
    if (top->uses.pool == NULL) {
        wr_vec_init_of(&top->uses, wr_conf_scratch(cf), struct wr_upstream_use);
    }
    *(struct wr_upstream_use *)wr_vec_add(&top->uses) = use;
}

weir_upstream *
weir_upstream_find(weir_conf *cf, weir_str name, uint32_t default_port)
{
    struct wr_upstream_conf *top = wr_upstream_main(cf);
    weir_upstream *u;

    WR_ASSERT(default_port <= UINT16_MAX);
    if (top == NULL || name.len == 0) {
        (void)weir_conf_error(cf, "no host in upstream \"%.*s\"", WEIR_FMT(name));
        return NULL;
    }
    if (!is_port_allowed(cf, top, name)) {
        return NULL;
    }
    u = find_for(cf, top, name, (uint16_t)default_port);
    if (u->used == NULL) {
        u->used = cf->node;
        u->scope = cf->scope;
    }
    add_use(cf, top, (struct wr_upstream_use){ .scope = cf->scope, .group = u });
    return u;
}

void
weir_upstream_held(weir_conf *cf, weir_upstream *u, const weir_exchange_policy *policy,
                   weir_str tls_name)
{
    struct wr_upstream_conf *top = wr_upstream_main(cf);

    WR_CHECK(u, WR_GROUP_TAG);
    WR_ASSERT(top != NULL && policy->size > offsetof(weir_exchange_policy, tls));
    add_use(cf, top,
            (struct wr_upstream_use){ .scope = cf->scope,
                                      .group = u,
                                      .policy = policy,
                                      .tls_name = tls_name.len != 0 ? tls_name : u->name });
}

int
wr_upstream_make(struct weir_conf *cf, weir_str text, weir_upstream **field)
{
    weir_upstream *u = weir_upstream_find(cf, text, 0);

    if (u == NULL) {
        return WEIR_ERROR;
    }
    *field = u;
    return WEIR_OK;
}
