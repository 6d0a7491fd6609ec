/* A module with one of everything. Its constructor leaves a mark, so that a test can see whether code of it ran. */
#include <stdlib.h>
#include <weir/weir.h>

typedef struct {
    bool on;
    uint64_t size;
} conf;

static weir_metric *pages;

__attribute__((constructor)) static void
constructed(void)
{
    (void)setenv("WEIR_DOUBLE_RAN", "1", 1);
}

static int
content(weir_request *r, const void *c)
{
    (void)r;
    (void)c;
    weir_count(pages, 1);
    return WEIR_NEXT;
}

static weir_str
get(weir_request *r, const void *c, weir_str name)
{
    (void)r;
    (void)c;
    return name;
}

static const int table = 42;

static const weir_directive directives[] = {
    WEIR_OPT(conf, on, FLAG, "double_plain", WEIR_IN_ANY, "off", "be there"),
    WEIR_OPT(conf, size, SIZE, "double_size", WEIR_IN_HTTP, "8k", "how large"),
};
static const weir_hook hooks[] = { { .phase = WEIR_PHASE_CONTENT, .handler = content } };
static const weir_variable variables[] = {
    { .name = "double_plain", .get = get },
    { .name = "double_plain_", .flags = WEIR_VAR_PREFIX, .get = get },
};
static const weir_metric_def metrics[] = {
    { .name = "pages_total", .help = "pages", .handle = &pages, .type = WEIR_COUNTER },
};
static const weir_interface interfaces[] = { { "double.plain/1", &table } };

#ifndef DOUBLE_VERSION
#define DOUBLE_VERSION "1.0"
#endif

WEIR_MODULE("double.plain", DOUBLE_VERSION, .conf_size = sizeof(conf),
            .directives = WEIR_ITEMS(directives), .hooks = WEIR_ITEMS(hooks),
            .variables = WEIR_ITEMS(variables), .metrics = WEIR_ITEMS(metrics),
            .interfaces = WEIR_ITEMS(interfaces));
