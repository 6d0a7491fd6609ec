/* http/http.c - the http block of one generation, from empty to serving. */
#include "http/http.h"

#include "base/assert.h"
#include "base/log.h"
#include "http/build.h"
#include "http/core_ssl.h"
#include "http/coded.h"
#include "http/file_cache.h"
#include "http/coder.h"
#include "http/kept.h"
#include "http/settings.h"
#include "http/variable.h"

struct wr_http *
wr_http_of(const struct weir_conf *cf)
{
    const struct wr_http_home *home = cf->owner;

    WR_ASSERT(home != NULL);
    WR_CHECK(home->http, WR_HTTP_TAG);
    return home->http;
}

struct wr_http *
wr_http_create(struct weir_conf *cf, const struct wr_registry *registry)
{
    struct wr_http *http = wr_pool_zalloc(cf->pool, sizeof(*http));
    struct weir_pool *scratch = wr_conf_scratch(cf);
    struct wr_build *b = wr_pool_zalloc(scratch, sizeof(*b));

    http->tag = WR_HTTP_TAG;
    http->pool = cf->pool;
    http->registry = registry;
    http->prefix = cf->prefix;
    http->n_slots = registry->space.n_slots;
    http->compat_nginx = cf->compat_nginx;
    http->build = b;
    wr_map_init(&b->addresses, scratch, false);
    wr_map_init(&b->regexes, scratch, false);
    wr_map_init(&b->ignored, scratch, false);
    wr_vec_init_of(&b->servers, cf->pool, struct wr_server *);
    wr_vec_init_of(&b->locations, scratch, struct wr_location *);
    wr_vec_init_of(&b->listens, scratch, struct wr_build_listen);
    wr_vec_init_of(&b->deferred, scratch, struct wr_build_deferred);
    wr_vec_init_of(&b->wishes, scratch, struct wr_order_wish);
    ((struct wr_http_home *)cf->owner)->http = http;
    cf->make_value = wr_value_make;
    cf->make_zone = wr_zone_make;
    http->vars = wr_vars_create(cf->pool);
    wr_vars_add_modules(cf, http->vars);
    return http;
}

/* ---- Finishing. ---- */

static bool
resolve_hooks(struct weir_conf *cf, struct wr_http *http)
{
    const struct wr_vec *wishes = &http->build->wishes;
    const struct wr_vec *loaded = &http->registry->loaded;
    const weir_module **modules = wr_pool_array(cf->pool, const weir_module *, loaded->count);
    struct wr_err err;
    uint32_t n = 0;

    WR_VEC_EACH (struct wr_registry_module, m, loaded) {
        modules[n++] = m->module;
    }
    if (!wr_order_resolve(cf->pool, modules, n, wishes->data, (uint32_t)wishes->count, &http->order,
                          &err)) {
        weir_conf_error(cf, "%s", err.text);
        return false;
    }
    http->planner = wr_planner_create(cf->pool, &http->order);
    return true;
}

static void
make_plans(struct wr_http *http)
{
    WR_VEC_EACH (struct wr_location *, loc, &http->build->locations) {
        (*loc)->plan = wr_planner_plan(http->planner, (*loc)->conf);
    }
}

static void
init_modules(struct weir_conf *cf, const struct wr_http *http)
{
    WR_VEC_EACH (struct wr_registry_module, l, &http->registry->loaded) {
        const weir_module *m = l->module;
        uint32_t errors = cf->diag->errors, slot = m->self->slot;
        cf->slot = slot;
        if (m->init != NULL && m->init(cf, (void *)(uintptr_t)http->scope->conf[slot]) != WEIR_OK &&
            cf->diag->errors == errors) {
            weir_conf_error(cf, "module \"%s\" refuses the configuration", m->name);
        }
    }
}

bool
wr_http_finish(struct weir_conf *cf, struct wr_http *http)
{
    struct weir_conf before = *cf;

    if (http->scope == NULL) {
        http->scope = wr_scope_create(cf, cf->scope, WEIR_IN_HTTP, NULL);
    }
    cf->scope = http->scope;
    cf->node = NULL;
    http->servers = http->build->servers.data;
    http->n_servers = (uint32_t)http->build->servers.count;
    (void)wr_zone_check(http->registry, cf->diag);
    if (cf->diag->errors == 0 && resolve_hooks(cf, http)) {
        make_plans(http);
        wr_listen_finish(cf, http);
        (void)wr_ssl_finish(cf, http);
        init_modules(cf, http);
        wr_lint(cf, http);
    }
    (void)wr_vars_finish(cf, http->vars);
    http->build = NULL;
    cf->scope = before.scope;
    cf->node = before.node;
    cf->slot = before.slot;
    return cf->diag->errors == 0;
}

/* ---- In a worker. ---- */

bool
wr_http_worker_start(const struct wr_http *http, const struct wr_http_drivers *drivers)
{
    const struct wr_files_conf *files = http->scope->conf[WR_SLOT_FILES];
    const struct wr_coding_conf *coding = http->scope->conf[WR_SLOT_CODING];

    wr_file_cache_init(files->hot_memory);
    wr_coder_init(coding->coder_memory);
    wr_kept_init(coding->compress_memory);
    for (struct wr_listen *l = http->listens; l != NULL; l = l->next) {
        l->accepted = drivers->accepted;
    }
    for (uint32_t i = 0; i < http->n_endpoints; i++) {
        struct wr_endpoint *e = &http->endpoints[i];
        e->http2 = e->any_http2 ? drivers->http2 : NULL;
    }
    WR_VEC_EACH (struct wr_registry_module, m, &http->registry->loaded) {
        if (m->module->worker_start != NULL &&
            m->module->worker_start(http->scope->conf[m->module->self->slot]) != WEIR_OK) {
            wr_say(wr_log_process(), EMERG, "module \"%s\" could not start in this worker",
                   m->module->name);
            return false;
        }
    }
    return true;
}

void
wr_http_worker_stop(const struct wr_http *http)
{
    const struct wr_vec *loaded = &http->registry->loaded;

    for (size_t i = loaded->count; i-- > 0;) {
        const weir_module *m = wr_vec_at(loaded, struct wr_registry_module, i)->module;
        if (m->worker_stop != NULL) {
            m->worker_stop(http->scope->conf[m->self->slot]);
        }
    }
    wr_coder_fini();
    wr_kept_fini();
    wr_file_cache_fini();
}
