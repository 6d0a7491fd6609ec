/* access.c - reading access_log and open_log_file_cache. */
#include "log.h"

/* What the parameters of one access_log say. */
struct parameters {
    weir_str format; /* absent: combined */
    weir_str condition;
    uint64_t buffer; /* bytes; 0: none */
    uint64_t flush_ms;
    int level; /* 0: no gzip */
};

/* Decimal from 1 to most. */
static bool
read_number(weir_str s, uint64_t most, uint64_t *value)
{
    return weir_parse_number(s, most, value) && *value != 0;
}

/* One word after the path: a parameter, or in the first place the format. */
static int
read_parameter(weir_conf *cf, uint32_t i, struct parameters *p)
{
    weir_str word = weir_conf_arg(cf, i);
    uint64_t level = 1;
    weir_str rest;

    if (weir_str_after(word, WEIR_STR("buffer="), &rest)) {
        if (weir_parse_size(rest, &p->buffer) != WEIR_OK || p->buffer == 0 ||
            p->buffer > LOG_BUFFER_MAX) {
            return weir_conf_error_at(cf, i, "invalid buffer size \"%.*s\"", WEIR_FMT(rest));
        }
    } else if (weir_str_after(word, WEIR_STR("flush="), &rest)) {
        if (weir_parse_msec(rest, &p->flush_ms) != WEIR_OK || p->flush_ms == 0) {
            return weir_conf_error_at(cf, i, "invalid flush time \"%.*s\"", WEIR_FMT(rest));
        }
    } else if (weir_str_after(word, WEIR_STR("if="), &rest)) {
        p->condition = rest;
    } else if (weir_str_eq(word, WEIR_STR("gzip")) ||
               weir_str_after(word, WEIR_STR("gzip="), &rest)) {
        if (word.len != 4 && !read_number(rest, 9, &level)) {
            return weir_conf_error_at(cf, i, "invalid compression level \"%.*s\"", WEIR_FMT(rest));
        }
        p->level = (int)level;
    } else if (i == 2) {
        p->format = word;
    } else {
        return weir_conf_invalid(cf, i, "parameter");
    }
    return WEIR_OK;
}

/* The buffer of a file: one, however many access_logs name it. */
static int
claim_buffer(weir_conf *cf, struct log_registry *g, struct log_target *t,
             const struct parameters *p)
{
    struct log_buffer *b = g->buffers;

    while (b != NULL && b->file != t->file) {
        b = b->next;
    }
    if (b == NULL) {
        b = weir_zalloc(weir_conf_pool(cf), sizeof(*b));
        b->file = t->file;
        b->size = p->buffer;
        b->flush_ms = p->flush_ms;
        b->level = p->level;
        b->next = g->buffers;
        g->buffers = b;
    } else if (b->size != p->buffer || b->flush_ms != p->flush_ms || b->level != p->level) {
        weir_str path = weir_conf_arg(cf, 1);

        return weir_conf_error(
            cf, "access_log \"%.*s\" already defined with conflicting parameters", WEIR_FMT(path));
    }
    t->buffer = b;
    return WEIR_OK;
}

/* The file, or the path with variables, and the buffer before it. */
static int
set_destination(weir_conf *cf, struct log_registry *g, struct log_target *t, struct parameters *p)
{
    weir_str path = weir_conf_arg(cf, 1);
    bool variable = weir_str_find(path, '$') != path.len;
    weir_str rest;
    bool syslog = weir_str_after(path, WEIR_STR("syslog:"), &rest);

    if (p->level != 0 && p->buffer == 0) {
        p->buffer = LOG_BUFFER_DEFAULT;
    }
    if (p->flush_ms != 0 && p->buffer == 0) {
        return weir_conf_error(cf, "no buffer is defined for access_log \"%.*s\"", WEIR_FMT(path));
    }
    if (p->buffer != 0 && syslog) {
        return weir_conf_error(cf, "logs to syslog cannot be buffered");
    }
    if (p->buffer != 0 && variable) {
        return weir_conf_error(cf, "buffered logs cannot have variables in name");
    }
    if (variable && !syslog) {
        t->path = weir_value_compile(cf, weir_conf_path(cf, path));
        if (t->path != NULL && g->root_var < 0) {
            g->root_var = weir_var_find(cf, WEIR_STR("document_root"));
        }
        return t->path != NULL && g->root_var >= 0 ? WEIR_OK : WEIR_ERROR;
    }
    t->file = weir_logfile_open(cf, path);
    if (t->file == NULL) {
        return WEIR_ERROR;
    }
    return p->buffer != 0 ? claim_buffer(cf, g, t, p) : WEIR_OK;
}

/* The format, unless it may still come: in http a log_format may stand further down. */
static int
set_format(weir_conf *cf, struct log_registry *g, struct log_target *t, weir_str name)
{
    bool known;

    t->format_name = name.data != NULL ? name : g->combined.name;
    if (weir_conf_where(cf) == WEIR_IN_HTTP) {
        return WEIR_OK;
    }
    t->format = log_format_find(cf, g, t->format_name, &known);
    if (!known) {
        return weir_conf_error_at(cf, 2, "unknown log format \"%.*s\"", WEIR_FMT(name));
    }
    return t->format != NULL ? WEIR_OK : WEIR_ERROR;
}

static void
append(struct log_set *set, struct log_target *t)
{
    *(set->last != NULL ? &set->last->next : &set->first) = t;
    set->last = t;
}

int
log_set_access(weir_conf *cf, const weir_directive *d, void *field)
{
    log_conf *c = (void *)((char *)field - offsetof(log_conf, set));
    struct log_registry *g = log_registry_of(cf, &c->shared);
    struct parameters p = { 0 };
    struct log_target *t;

    (void)d;
    if (c->set == NULL) {
        c->set = weir_zalloc(weir_conf_pool(cf), sizeof(*c->set));
    }
    if (weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("off"))) {
        c->set->off = true;
        return weir_conf_argc(cf) == 2 ? WEIR_OK : weir_conf_invalid(cf, 2, "parameter");
    }
    for (uint32_t i = 2; i < weir_conf_argc(cf); i++) {
        if (read_parameter(cf, i, &p) != WEIR_OK) {
            return WEIR_ERROR;
        }
    }
    t = weir_zalloc(weir_conf_pool(cf), sizeof(*t));
    if (p.condition.data != NULL) {
        t->condition = weir_value_compile(cf, p.condition);
        if (t->condition == NULL) {
            return WEIR_ERROR;
        }
    }
    if (set_destination(cf, g, t, &p) != WEIR_OK || set_format(cf, g, t, p.format) != WEIR_OK) {
        return WEIR_ERROR;
    }
    append(c->set, t);
    return WEIR_OK;
}

int
log_resolve_formats(weir_conf *cf, struct log_registry *g, struct log_set *set)
{
    for (struct log_target *t = set->first; t != NULL; t = t->next) {
        bool known = true;

        if (t->format == NULL) {
            t->format = log_format_find(cf, g, t->format_name, &known);
        }
        if (!known) {
            return weir_conf_error(cf, "unknown log format \"%.*s\" in \"access_log\"",
                                   WEIR_FMT(t->format_name));
        }
        if (t->format == NULL) {
            return WEIR_ERROR;
        }
    }
    return WEIR_OK;
}

/* One word of open_log_file_cache. */
static bool
read_cache_word(weir_str word, struct log_cache *c)
{
    uint64_t n = 0;
    weir_str rest;

    if (weir_str_after(word, WEIR_STR("max="), &rest)) {
        bool ok = read_number(rest, LOG_CACHE_MAX, &n);

        c->max = (uint32_t)n;
        return ok;
    }
    if (weir_str_after(word, WEIR_STR("min_uses="), &rest)) {
        bool ok = read_number(rest, UINT32_MAX, &n);

        c->min_uses = (uint32_t)n;
        return ok;
    }
    if (weir_str_after(word, WEIR_STR("inactive="), &rest)) {
        return weir_parse_msec(rest, &c->inactive_ms) == WEIR_OK;
    }
    return weir_str_after(word, WEIR_STR("valid="), &rest) &&
           weir_parse_msec(rest, &c->valid_ms) == WEIR_OK;
}

int
log_set_cache(weir_conf *cf, const weir_directive *d, void *field)
{
    struct log_shared *shared = field;
    struct log_registry *g = log_registry_of(cf, shared);
    struct log_cache *cache;

    (void)d;
    shared->cache = NULL;
    if (weir_conf_argc(cf) == 2 && weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("off"))) {
        return WEIR_OK;
    }
    cache = weir_zalloc(weir_conf_pool(cf), sizeof(*cache));
    cache->min_uses = 1;
    cache->inactive_ms = 10 * 1000;
    cache->valid_ms = 60 * 1000;
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);

        if (!read_cache_word(word, cache)) {
            return weir_conf_error_at(cf, i, "invalid \"open_log_file_cache\" parameter \"%.*s\"",
                                      WEIR_FMT(word));
        }
    }
    if (cache->max == 0) {
        return weir_conf_error(cf, "\"open_log_file_cache\" must have \"max\" parameter");
    }
    log_cache_init(cache, weir_conf_pool(cf));
    cache->next = g->caches;
    g->caches = cache;
    shared->cache = cache;
    return WEIR_OK;
}
