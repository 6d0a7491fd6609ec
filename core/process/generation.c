/* process/generation.c - from files to a configuration that can serve. */
#include "process/generation.h"

#include <sys/stat.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/str.h"
#include "module/metric.h"
#include "process/client_ocsp.h"
#include "process/folders.h"
#include "tls/bank.h"
#include "upstream/resolver_conf.h"
#include "process/stapling.h"
#include "upstream/upstream_conf.h"
#include "http1/http1.h"
#include "http2/http2.h"

enum { BUILTIN_MAX = 64 };

/* ---- Built-in modules. ---- */

/* core.main has slot 0, the http layer's follow in the order it says, then those of the others. */
static uint32_t
list_builtin(const weir_module **to)
{
    uint32_t n = 0;

    to[n++] = &wr_main_module;
    WR_ASSERT(wr_http_builtin_count + 6 <= BUILTIN_MAX);
    for (uint32_t i = 0; i < wr_http_builtin_count; i++) {
        to[n++] = wr_http_builtin[i];
    }
    to[n++] = &wr_events_module;
    to[n++] = &wr_resolver_module;
    to[n++] = &wr_stapling_module; /* its init() names upstreams, before they are settled; the next one's, too */
    to[n++] = &wr_client_ocsp_module;
    to[n++] = &wr_upstream_module;
    return n;
}

/* ---- Life. ---- */

struct wr_generation *
wr_generation_create(struct wr_instance *in)
{
    struct weir_pool *pool = wr_pool_create("generation", NULL);
    struct wr_generation *g;

    wr_pool_bulk(pool);
    g = wr_pool_zalloc(pool, sizeof(*g));
    g->tag = WR_GENERATION_TAG;
    g->pool = pool;
    g->reading = wr_pool_create("reading", pool);
    wr_pool_bulk(g->reading);
    g->instance = in;
    wr_diag_init(&g->diag, pool);
    wr_vec_init_of(&g->folders, pool, weir_str);
    return g;
}

void
wr_generation_destroy(struct wr_generation **g)
{
    struct weir_pool *pool;

    if (*g != NULL) {
        if ((*g)->conf != NULL && wr_log_process()->sink == &(*g)->conf->error_log) {
            wr_log_process_set(NULL);
        }
        pool = (*g)->pool; /* g itself is in it */
        *g = NULL;
        wr_pool_destroy(&pool);
    }
}

struct wr_generation *
wr_generation_of(const struct weir_conf *cf)
{
    struct wr_generation *g = cf->owner;

    WR_CHECK(g, WR_GENERATION_TAG);
    return g;
}

/* ---- Loading. ---- */

weir_str
wr_generation_word(const struct wr_conf_tree *tree, const char *name)
{
    weir_str found = { NULL, 0 };

    for (const struct wr_conf_node *n = tree->first; n != NULL; n = n->next) {
        if (n->n_words == 2 && weir_str_eq(n->words[0].text, weir_str_c(name))) {
            found = n->words[1].text;
        }
    }
    return found;
}

/* The folder of path, with its slash. */
static weir_str
folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return (weir_str){ path, slash != NULL ? (size_t)(slash - path) + 1 : 0 };
}

static void
begin_conf(struct wr_generation *g)
{
    g->cf = (struct weir_conf){
        .pool = g->pool,
        .scratch = g->reading,
        .diag = &g->diag,
        .space = &g->registry.space,
        .owner = g,
        .tls = wr_tls_bank_create(g->pool),
        .prefix = g->instance->prefix,
        .folder = folder_of(g->instance->conf_path),
        .compat_nginx = weir_str_eq(wr_generation_word(&g->tree, "compat"), WEIR_STR("nginx")),
    };
    g->cf.make_folder = wr_folders_note;
    (void)wr_http_create(&g->cf, &g->registry);
    g->cf.make_upstream = wr_upstream_make;
}

/* The statements to settings. */
static bool
bind_conf(struct wr_generation *g)
{
    struct wr_conf_place nowhere = { .source = NULL };
    bool ok;

    begin_conf(g);
    g->scope = wr_scope_create_main(&g->cf);
    g->events = g->scope->conf[wr_events_module.self->slot];
    g->conf = g->scope->conf[wr_main_module.self->slot];
    ok = wr_scope_bind(&g->cf, g->scope, g->tree.first);
    /* As nginx: a file that an editor has emptied and not yet filled is no configuration. */
    if (ok && g->events == g->scope->conf[wr_events_module.self->slot]) {
        wr_diag_error(&g->diag, nowhere, NULL, "no \"events\" section in configuration");
        ok = false;
    }
    return ok;
}

static bool
finish(struct wr_generation *g)
{
    struct wr_conf_place nowhere = { .source = NULL };
    struct wr_err err;

    if (!wr_metrics_add(g->instance->metrics, &g->registry, &err)) {
        return wr_diag_error(&g->diag, nowhere, NULL, "%s", err.text);
    }
    if (!wr_http_finish(&g->cf, g->home.http)) {
        return false;
    }
    g->listens = g->home.http->listens;
    for (struct wr_listen *l = g->listens; l != NULL; l = l->next) {
        l->multi_accept = g->events->multi_accept;
    }
    return true;
}

/* A folder of logs that others can write to lets them lead our writing elsewhere. */
static void
warn_of_log_folders(struct wr_generation *g)
{
    struct wr_conf_place nowhere = { .source = NULL };

    for (const struct weir_logfile *f = g->instance->logs.first; f != NULL; f = f->next) {
        const char *slash = strrchr(f->path, '/');
        struct stat st;
        if (f->user != g->pool || f->path[0] != '/' || slash == f->path) {
            continue;
        }
        weir_str folder = weir_dup(g->pool, (weir_str){ f->path, (size_t)(slash - f->path) });
        if (stat(folder.data, &st) == 0 && (st.st_mode & S_IWOTH) != 0 &&
            (st.st_mode & S_ISVTX) == 0) {
            wr_diag_add(&g->diag, WR_DIAG_WARN, nowhere, NULL,
                        "everybody may write to \"%s\", the folder of the log \"%s\"", folder.data,
                        f->path);
        }
    }
}

/* For workers' temporary files. */
static bool
make_folders(struct wr_generation *g)
{
    struct wr_conf_place nowhere = { .source = NULL };
    struct wr_privileges_user user;
    struct wr_err err;

    if (!wr_privileges_find(g->conf, &user, &err) || !wr_folders_make(&g->folders, &user, &err)) {
        return wr_diag_error(&g->diag, nowhere, NULL, "%s", err.text);
    }
    return true;
}

bool
wr_generation_load(struct wr_generation *g)
{
    const weir_module *builtin[BUILTIN_MAX];
    uint32_t n = list_builtin(builtin);
    bool ok;

    if (!wr_conf_read(g->reading, g->pool, g->instance->conf_path, g->instance->globals,
                      &g->instance->sites, &g->diag, &g->tree)) {
        return false;
    }
    wr_registry_init(&g->registry, g->pool, g->instance->modules, builtin, n, &g->instance->zones);
    /* A fault in one step does not hide those of the next ones. */
    ok = wr_registry_prepare(&g->registry, &g->tree, &g->diag);
    ok = bind_conf(g) && ok;
    warn_of_log_folders(g);
    return finish(g) && ok && make_folders(g);
}

void
wr_generation_settle(struct wr_generation *g)
{
    g->tree = (struct wr_conf_tree){ .first = NULL };
    g->cf.scratch = NULL;
    g->cf.rows = NULL;
    wr_pool_destroy(&g->reading);
}

void
wr_generation_forget(struct wr_generation *g)
{
    wr_pool_forget(g->pool);
}

bool
wr_generation_open(struct wr_generation *g, const struct wr_listen *have, struct wr_err *err)
{
    return wr_listen_open_all(g->listens, have, g->conf->workers, g->instance->testing, err);
}

/* ---- Workers. ---- */

bool
wr_generation_worker_start(struct wr_generation *g)
{
    static const struct wr_http_drivers drivers = { .accepted = wr_http1_accepted,
                                                    .http2 = wr_http2_adopt };

    return wr_http_worker_start(g->home.http, &drivers);
}

void
wr_generation_worker_stop(struct wr_generation *g)
{
    wr_http_worker_stop(g->home.http);
}

bool
wr_generation_explain(const struct wr_generation *g, const struct wr_question *q, bool json, int fd)
{
    return wr_http_explain(g->home.http, q, json, fd);
}
