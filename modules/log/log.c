/* log.c - the access log: one line a request, in formats compiled at load.
 *
 * Reading is in format.c and access.c; here are the hook, the default log, the tables. A line is
 * made once and handed on: to the server's log file, which gathers a turn's lines into one write,
 * to a buffer (buffer.c), or to a file named by variables (path.c). Nothing here fails a request.
 */
#include "log.h"

static int
log_request(weir_request *r, const void *conf)
{
    const log_conf *c = conf;

    for (const struct log_target *t = c->set->first; t != NULL; t = t->next) {
        weir_str line;

        if (t->condition != NULL && !weir_str_is_true(weir_value_get(r, t->condition))) {
            continue;
        }
        line = weir_value_get(r, t->format->line);
        if (t->path != NULL) {
            log_path_write(r, c, t, line);
        } else if (t->buffer != NULL) {
            log_buffer_add(t->buffer, line);
        } else {
            weir_logfile_write(t->file, line);
        }
    }
    return WEIR_NEXT;
}

static bool
wanted(const void *conf)
{
    const log_conf *c = conf;

    return !c->set->off && c->set->first != NULL;
}

struct log_registry *
log_registry_of(weir_conf *cf, struct log_shared *shared)
{
    struct log_registry *g = shared->registry;

    if (g == NULL) {
        g = weir_zalloc(weir_conf_pool(cf), sizeof(*g));
        g->root_var = -1;
        log_format_init(g);
        g->default_set.first = g->default_set.last = &g->default_target;
        g->default_target.format = &g->combined;
        shared->registry = g;
    }
    return g;
}

static int
check(weir_conf *cf, void *conf)
{
    log_conf *c = conf;
    struct log_registry *g = log_registry_of(cf, &c->shared);

    if (c->set == NULL) { /* the outermost block: no access_log may stand there */
        c->set = &g->default_set;
    }
    return c->set != &g->default_set ? log_resolve_formats(cf, g, c->set) : WEIR_OK;
}

/* The default log is opened only now, when nothing can take its place any more. */
static int
init(weir_conf *cf, void *conf)
{
    log_conf *c = conf;
    struct log_registry *g = c->shared.registry;
    bool known;

    if (c->set != &g->default_set) {
        return WEIR_OK;
    }
    g->default_target.file = weir_logfile_open(cf, (weir_str){ NULL, 0 });
    if (g->default_target.file == NULL ||
        log_format_find(cf, g, g->combined.name, &known) == NULL) {
        return WEIR_ERROR;
    }
    return WEIR_OK;
}

static void
worker_stop(const void *conf)
{
    const struct log_registry *g = ((const log_conf *)conf)->shared.registry;

    for (struct log_buffer *b = g->buffers; b != NULL; b = b->next) {
        log_buffer_flush(b);
    }
    for (struct log_cache *cache = g->caches; cache != NULL; cache = cache->next) {
        log_cache_empty(cache);
    }
}

enum { BLOCKS = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_directive directives[] = {
    { .name = "access_log",
      .help = "where and in which format requests are logged",
      .preset = "logs/access.log combined",
      .where = BLOCKS | WEIR_IN_IF | WEIR_IN_LIMIT_EXCEPT,
      .type = WEIR_T_CUSTOM,
      .offset = offsetof(log_conf, set),
      .size = sizeof(struct log_set *),
      .min = 1,
      .flags = WEIR_D_MANY,
      .set = log_set_access },
    WEIR_OPT_CUSTOM(log_conf, formats, "log_format", WEIR_IN_HTTP, 2, 0, WEIR_D_MANY,
                    log_set_format, "a format for access_log, by name"),
    WEIR_OPT_CUSTOM(log_conf, shared, "open_log_file_cache", BLOCKS, 1, 4, 0, log_set_cache,
                    "keep open the files of logs whose path has variables"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_LOG,
      .handler = log_request,
      .wanted = wanted,
      .flags = WEIR_HOOK_SUBREQUESTS },
};

WEIR_MODULE("log", "1.0", .flags = WEIR_MODULE_ALWAYS, .summary = "the access log",
            .conf_size = sizeof(log_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .check = check, .init = init, .worker_stop = worker_stop);
