/* upstream/upstream_load.c - what the end of a load makes of the names it met: groups have an
 * upstream{}, all others are addresses, and hosts are looked up together.
 */
#include "base/assert.h"
#include "base/map.h"
#include "base/pool.h"
#include "conf/suggest.h"
#include "upstream/resolver_conf.h"
#include "upstream/group.h"
#include "upstream/lookup.h"
#include "upstream/upstream_conf.h"

static const char *
suggest_group(const struct wr_map *names, weir_str name)
{
    struct wr_suggest s;

    wr_suggest_init(&s, name);
    for (size_t i = 0; i < wr_map_count(names); i++) {
        const weir_upstream *u = wr_map_entry(names, i)->value;
        if (u->defined != NULL) {
            wr_suggest_add(&s, u->name.data);
        }
    }
    return s.best;
}

/* Where the name stands: in the statement that uses it, or in upstream{}. */
static struct wr_conf_place
place_of(const weir_upstream *u)
{
    if (u->defined != NULL) {
        return wr_conf_place(u->defined, 1);
    }
    return u->used != NULL ? wr_conf_place(u->used, u->used->n_words > 1 ? 1 : 0)
                           : (struct wr_conf_place){ NULL, 0, 0, 0 };
}

void
wr_upstream_look_up(const struct wr_scope *scope, weir_upstream *u, struct wr_group_server *s)
{
    const struct wr_resolver_conf *c = wr_resolver_conf_of(scope);

    if (s->host.data != NULL) {
        wr_lookup_add(u, s, s->resolve ? WR_LOOKUP_RESOLVED : WR_LOOKUP_FIXED, c->resolver,
                     c->timeout_ms);
    }
}

/* u has no upstream{}, so it is an address. */
static bool
make_address(weir_conf *cf, const struct wr_map *names, weir_upstream *u)
{
    const struct wr_group_server like = { .weight = 1 };
    struct wr_group_server *server;
    struct wr_err err;
    const char *near;

    server = wr_group_add(u, u->name, u->default_port, &like, &err);
    if (server != NULL) {
        wr_upstream_look_up(u->scope != NULL ? u->scope : cf->scope, u, server);
        return true;
    }
    near = suggest_group(names, u->name);
    return wr_diag_error(cf->diag, place_of(u),
                         near != NULL
                             ? weir_print(cf->pool, "did you mean the upstream \"%s\"?", near).data
                             : "an upstream's name, host:port or unix:/path is wanted",
                         "%s", err.text);
}

/* Look up what stands in the configuration by name. What is not found is only warned of: workers go
 * on asking. */
static void
look_up_all(weir_conf *cf, const struct wr_map *names)
{
    size_t n = wr_map_count(names);
    weir_upstream **all = wr_pool_array(wr_conf_scratch(cf), weir_upstream *, n + 1);

    for (size_t i = 0; i < n; i++) {
        all[i] = wr_map_entry(names, i)->value;
    }
    wr_lookup_load(all, n);
    for (size_t i = 0; i < n; i++) {
        const struct wr_group_server *missing = wr_lookup_missing(all[i]);
        const char *near = all[i]->defined == NULL ? suggest_group(names, all[i]->name) : NULL;
        if (missing == NULL) {
            continue;
        }
        wr_diag_add(cf->diag, WR_DIAG_WARN, place_of(all[i]),
                    near != NULL
                        ? weir_print(cf->pool, "did you mean the upstream \"%s\"?", near).data
                        : "it is asked for again while the server runs",
                    "host not found in upstream \"%.*s\"", WEIR_FMT(missing->name));
    }
}

bool
wr_upstream_load(struct weir_conf *cf, const struct wr_map *names)
{
    bool good = true;

    for (size_t i = 0; i < wr_map_count(names); i++) {
        weir_upstream *u = wr_map_entry(names, i)->value;
        good &= u->defined != NULL || make_address(cf, names, u);
    }
    if (good) {
        look_up_all(cf, names);
    }
    return good;
}
