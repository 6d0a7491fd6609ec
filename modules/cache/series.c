/* cache/series.c - what a zone holds and did, for the status page. */
#include "series.h"

/* Which stores this worker has: the one thing here that is not a request's. */
static const cache_conf *own;

void
series_start(const cache_conf *c)
{
    own = c;
}

struct telling {
    void (*fn)(void *data, const weir_series *s);
    void *data;
    uint32_t which;
};

static const struct row {
    const char *name, *help;
    uint32_t type;
    size_t offset;
} rows[] = {
#define ROW(name, type, field, help)                                                               \
    {                                                                                              \
        "weir_cache_zone_" name, help, type, offsetof(struct store_stats, field)                   \
    }
    ROW("entries", WEIR_GAUGE, entries, "stored responses"),
    ROW("memory_entries", WEIR_GAUGE, memory_entries, "stored responses that lie in memory"),
    ROW("memory_bytes", WEIR_GAUGE, memory_bytes, "bytes of them"),
    ROW("index_bytes", WEIR_GAUGE, index_bytes, "bytes of memory for what is known of them, about"),
    ROW("disk_bytes", WEIR_GAUGE, disk_bytes, "bytes of files"),
    ROW("purges", WEIR_GAUGE, purges, "purges of many that are being carried out"),
    ROW("loading", WEIR_GAUGE, loading, "is the folder still being read?"),
    ROW("finds_total", WEIR_COUNTER, finds, "looks for a response"),
    ROW("memory_hits_total", WEIR_COUNTER, hits_memory, "that found one in memory"),
    ROW("disk_hits_total", WEIR_COUNTER, hits_disk, "that found one on the disk"),
    ROW("misses_total", WEIR_COUNTER, misses, "that found none"),
    ROW("hit_percent", WEIR_GAUGE, hit_percent, "of a hundred looks, how many found one"),
    ROW("evicted_total", WEIR_COUNTER, evicted, "responses that made room for others"),
    ROW("expired_total", WEIR_COUNTER, expired, "responses that nobody had asked for in time"),
    ROW("purged_total", WEIR_COUNTER, purged, "responses that were purged"),
    ROW("disk_failures_total", WEIR_COUNTER, disk_failures,
        "times that the disk could not be written"),
    ROW("damaged_total", WEIR_COUNTER, damaged, "files that were found damaged"),
    ROW("collapsed_total", WEIR_COUNTER, collapsed, "requests that waited for another's fetch"),
    ROW("fills_total", WEIR_COUNTER, fills, "responses that began to come"),
    ROW("fill_failures_total", WEIR_COUNTER, fill_failures, "responses that broke off"),
#undef ROW
};

static void
tell(void *data, const struct path *p)
{
    const struct telling *t = data;
    const struct row *row = &rows[t->which];
    struct store_stats stats;
    const weir_pair label = { WEIR_STR("zone"), p->zone };
    weir_series s = { .size = sizeof(s),
                      .type = row->type,
                      .name = row->name,
                      .help = row->help,
                      .labels = &label,
                      .n_labels = 1 };

    store_stats(p->store, &stats);
    memcpy(&s.value, (const char *)&stats + row->offset, sizeof(s.value));
    t->fn(t->data, &s);
}

static void
each(void (*fn)(void *data, const weir_series *s), void *data)
{
    struct telling t = { fn, data, 0 };

    for (; own != NULL && t.which < sizeof(rows) / sizeof(rows[0]); t.which++) {
        conf_each_store(own, tell, &t);
    }
}

const weir_series_source series_source = { .size = sizeof(series_source), .each = each };
