/* cache/path_conf.c - proxy_cache_path: a folder, the zone that keeps its keys, and how both are
 * looked after. The zone's store is made once the block is read (conf.c). */
#include "conf.h"

#include "list.h"

static bool
read_levels(weir_str text, uint32_t levels[3])
{
    uint32_t n = 0;

    while (text.len != 0) {
        if (n == 3 || text.data[0] < '1' || text.data[0] > '2' ||
            (text.len > 1 && (text.data[1] != ':' || text.len == 2))) {
            return false;
        }
        levels[n++] = (uint32_t)(text.data[0] - '0');
        text = weir_str_cut(text, 2, SIZE_MAX);
    }
    return n != 0;
}

static bool
read_switch(weir_str text, bool *to)
{
    *to = weir_str_eq(text, WEIR_STR("on"));
    return *to || weir_str_eq(text, WEIR_STR("off"));
}

/* Files are begun in the folder that they are for, so nothing is ever copied. */
static bool
read_temp_path(weir_conf *cf, weir_str text)
{
    bool on;

    if (read_switch(text, &on) && on) {
        weir_conf_warn(cf, "\"use_temp_path=on\" has no effect: files of a cache are begun in its "
                           "own folder, on one file system");
    }
    return on || weir_str_eq(text, WEIR_STR("off"));
}

static bool
read_count(weir_str text, uint32_t *to)
{
    uint64_t n;

    if (!number_read(text, UINT32_MAX, &n) || n == 0) {
        return false;
    }
    *to = (uint32_t)n;
    return true;
}

/* Options that are a time, a size or a number: false when the word is none of them or no good;
 * *known tells the two apart. */
static bool
read_plain_option(struct store_options *o, weir_str word, bool *known)
{
    const struct {
        weir_str name;
        uint64_t *ms, *bytes;
        uint32_t *count;
    } options[] = {
        { WEIR_STR("inactive="), &o->inactive_ms, NULL, NULL },
        { WEIR_STR("max_size="), NULL, &o->max_size, NULL },
        { WEIR_STR("min_free="), NULL, &o->min_free, NULL },
        { WEIR_STR("memory="), NULL, &o->memory, NULL },
        { WEIR_STR("manager_files="), NULL, NULL, &o->manager_files },
        { WEIR_STR("manager_sleep="), &o->manager_sleep_ms, NULL, NULL },
        { WEIR_STR("manager_threshold="), &o->manager_threshold_ms, NULL, NULL },
        { WEIR_STR("loader_files="), NULL, NULL, &o->loader_files },
        { WEIR_STR("loader_sleep="), &o->loader_sleep_ms, NULL, NULL },
        { WEIR_STR("loader_threshold="), &o->loader_threshold_ms, NULL, NULL },
        { WEIR_STR("purger_files="), NULL, NULL, &o->purger_files },
        { WEIR_STR("purger_sleep="), &o->purger_sleep_ms, NULL, NULL },
        { WEIR_STR("purger_threshold="), &o->purger_threshold_ms, NULL, NULL },
    };
    weir_str value;

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (weir_str_after(word, options[i].name, &value)) {
            *known = true;
            return options[i].ms != NULL      ? weir_parse_msec(value, options[i].ms) == WEIR_OK
                   : options[i].bytes != NULL ? weir_parse_size(value, options[i].bytes) == WEIR_OK
                                              : read_count(value, options[i].count);
        }
    }
    return false;
}

static int
read_option(weir_conf *cf, struct path *p, weir_str *zone, uint32_t i)
{
    weir_str word = weir_conf_arg(cf, i), value;
    bool known = false;

    if (read_plain_option(&p->options, word, &known)) {
        return WEIR_OK;
    }
    if (known) {
        return weir_conf_invalid(cf, i, "value");
    }
    if (weir_str_after(word, WEIR_STR("levels="), &value)) {
        return read_levels(value, p->options.levels) ? WEIR_OK
                                                     : weir_conf_invalid(cf, i, "\"levels\"");
    }
    if (weir_str_after(word, WEIR_STR("use_temp_path="), &value)) {
        return read_temp_path(cf, value) ? WEIR_OK : weir_conf_invalid(cf, i, "value");
    }
    if (weir_str_after(word, WEIR_STR("purger="), &value)) {
        return read_switch(value, &p->options.purger) ? WEIR_OK : weir_conf_invalid(cf, i, "value");
    }
    if (weir_str_after(word, WEIR_STR("keys_zone="), &value)) {
        *zone = value;
        return weir_str_find(value, ':') < value.len ? WEIR_OK
                                                     : weir_conf_invalid(cf, i, "keys zone size");
    }
    return weir_conf_invalid(cf, i, "parameter");
}

/* nginx's defaults; memory is weir's own. */
static const struct store_options defaults = { .memory = 32u << 20,
                                               .inactive_ms = 600 * 1000,
                                               .manager_files = 100,
                                               .manager_sleep_ms = 50,
                                               .manager_threshold_ms = 200,
                                               .loader_files = 100,
                                               .loader_sleep_ms = 50,
                                               .loader_threshold_ms = 200,
                                               .purger_files = 10,
                                               .purger_sleep_ms = 50,
                                               .purger_threshold_ms = 50 };

int
set_path(weir_conf *cf, const weir_directive *d, void *field)
{
    struct path **last = field, *p = weir_zalloc(weir_conf_pool(cf), sizeof(*p));
    weir_str zone = { NULL, 0 };

    p->options = defaults;
    p->options.path = weir_conf_path(cf, weir_conf_arg(cf, 1));
    for (uint32_t i = 2; i < weir_conf_argc(cf); i++) {
        int rc = read_option(cf, p, &zone, i);
        if (rc != WEIR_OK) {
            return rc;
        }
    }
    if (zone.data == NULL) {
        return weir_conf_error(cf, "\"%s\" must have \"keys_zone\" parameter", d->name);
    }
    p->zone = weir_str_cut(zone, 0, weir_str_find(zone, ':'));
    for (; *last != NULL; last = &(*last)->next) {
        if (weir_str_eq((*last)->zone, p->zone)) {
            return weir_conf_error(cf, "duplicate zone \"%.*s\"", WEIR_FMT(p->zone));
        }
    }
    p->options.zone = store_zone(cf, zone, p->options.memory);
    *last = p;
    return p->options.zone != NULL ? WEIR_OK : WEIR_ERROR;
}
