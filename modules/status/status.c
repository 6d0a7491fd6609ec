/* status.c - pages about the server: stub_status and metrics.
 *
 * Content hooks that read what the server counts (weir_metric_at, weir_metric_read) and write it
 * out; nothing is counted here. The pages are never to be stored.
 */
#include <weir/weir.h>

#include "metric.h"

enum {
    CELLS_MAX = 65536,
    PAGE_MAX = 16 << 20 /* bytes */
};

enum form { FORM_OFF, FORM_PROMETHEUS, FORM_JSON };

typedef struct {
    bool stub;
    uint32_t form; /* enum form */
} status_conf;

static int
answer(weir_request *r, weir_str type, weir_str body)
{
    (void)weir_out_set(r, WEIR_STR("Cache-Control"), WEIR_STR("no-store"));
    return weir_respond(r, 200, type, body);
}

/* ---- stub_status. --------------------------------------------------------------------------- */

/* The metric called name, by its place; false: there is none. */
static bool
find(const char *name, uint32_t *at, weir_metric_view *view)
{
    view->size = sizeof(*view);
    for (uint32_t i = 0; weir_metric_at(i, view) == WEIR_OK; i++) {
        if (strcmp(view->name, name) == 0) {
            *at = i;
            return true;
        }
    }
    return false;
}

/* A metric's number, for the label value if one is given; 0 when there is no such metric. */
static uint64_t
value_of(const char *name, const char *label_value)
{
    weir_metric_view view;
    uint32_t at;

    if (!find(name, &at, &view)) {
        return 0;
    }
    if (label_value == NULL) {
        return weir_metric_read(at, 0);
    }
    for (uint32_t i = 0; i < view.def->n; i++) {
        if (strcmp(view.def->values[i], label_value) == 0) {
            return weir_metric_read(at, i);
        }
    }
    return 0;
}

static int
stub_status(weir_request *r, const void *conf)
{
    weir_text t = weir_text_begin(r->pool, 512, 512);

    (void)conf;
    if (!(r->method & (WEIR_GET | WEIR_HEAD))) {
        return weir_respond_method_not_allowed(r, WEIR_GET | WEIR_HEAD);
    }
    weir_text_print(&t, "Active connections: %llu \n",
                    (unsigned long long)value_of("weir_connections", "active"));
    weir_text_print(&t, "server accepts handled requests\n %llu %llu %llu \n",
                    (unsigned long long)value_of("weir_connections_accepted_total", NULL),
                    (unsigned long long)value_of("weir_connections_handled_total", NULL),
                    (unsigned long long)value_of("weir_requests_total", NULL));
    weir_text_print(&t, "Reading: %llu Writing: %llu Waiting: %llu \n",
                    (unsigned long long)value_of("weir_connections", "reading"),
                    (unsigned long long)value_of("weir_connections", "writing"),
                    (unsigned long long)value_of("weir_connections", "waiting"));
    return answer(r, WEIR_STR("text/plain"), weir_text_view(&t));
}

/* ---- metrics. ------------------------------------------------------------------------------- */

/* The i-th metric with its numbers; false past the last. One with no cells, or more than can be
 * meant, has n 0. */
static bool
read_metric(weir_pool *pool, uint32_t i, struct metric *m)
{
    weir_metric_view view = { .size = sizeof(view) };
    uint64_t *cells;

    if (weir_metric_at(i, &view) != WEIR_OK) {
        return false;
    }
    *m = (struct metric){ .name = view.name, .def = view.def };
    if (view.n != 0 && view.n <= CELLS_MAX) {
        cells = weir_alloc(pool, view.n * sizeof(cells[0]));
        for (uint32_t cell = 0; cell < view.n; cell++) {
            cells[cell] = weir_metric_read(i, cell);
        }
        m->cells = cells;
        m->n = view.n;
    }
    return true;
}

/* What series are written to. */
struct page {
    weir_text *text;
    const char *name; /* of the number before */
    cJSON *all;
    bool failed;
};

static void
add_prometheus(void *data, const weir_series *s)
{
    struct page *p = data;
    bool first = p->name == NULL || strcmp(p->name, s->name) != 0;

    p->name = s->name;
    series_prometheus(p->text, s, first);
}

static void
add_json(void *data, const weir_series *s)
{
    struct page *p = data;

    p->failed = p->failed || !series_json(p->all, s);
}

static int
answer_prometheus(weir_request *r)
{
    /* The operator's metrics, not a client's wish: the bound on a request's memory is not for them. */
    weir_text t = weir_text_begin(weir_pool_new(r->pool), 4096, PAGE_MAX);
    struct page p = { .text = &t };
    struct metric m;

    for (uint32_t i = 0; read_metric(r->pool, i, &m); i++) {
        if (m.n != 0) {
            metric_prometheus(&t, &m);
        }
    }
    weir_series_each(add_prometheus, &p);
    if (t.full) {
        weir_say(r->log, ERROR, "the metrics are longer than 16m");
        return WEIR_ERROR;
    }
    return answer(r, WEIR_STR("text/plain; version=0.0.4; charset=utf-8"), weir_text_view(&t));
}

/* All metrics in the object. False: no memory. */
static bool
add_all(weir_request *r, cJSON *root)
{
    struct page p = { .failed = false };
    cJSON *all;
    struct metric m;

    if (cJSON_AddStringToObject(root, "version", weir_server_version()) == NULL) {
        return false;
    }
    all = cJSON_AddObjectToObject(root, "metrics");
    for (uint32_t i = 0; all != NULL && read_metric(r->pool, i, &m); i++) {
        if (m.n != 0 && !metric_json(all, &m)) {
            return false;
        }
    }
    p.all = all;
    if (all != NULL) {
        weir_series_each(add_json, &p);
    }
    return all != NULL && !p.failed;
}

static int
answer_json(weir_request *r)
{
    cJSON *root = cJSON_CreateObject();
    char *printed = root != NULL && add_all(r, root) ? cJSON_PrintUnformatted(root) : NULL;
    weir_str body;

    cJSON_Delete(root);
    if (printed == NULL) {
        weir_say(r->log, ERROR, "no memory for the metrics as JSON");
        return WEIR_ERROR;
    }
    body = weir_print(r->pool, "%s\n", printed);
    cJSON_free(printed);
    return answer(r, WEIR_STR("application/json"), body);
}

static int
metrics_page(weir_request *r, const void *conf)
{
    const status_conf *c = conf;

    if (!(r->method & (WEIR_GET | WEIR_HEAD))) {
        return weir_respond_method_not_allowed(r, WEIR_GET | WEIR_HEAD);
    }
    return c->form == FORM_JSON ? answer_json(r) : answer_prometheus(r);
}

/* ---- Tables. -------------------------------------------------------------------------------- */

static bool
stub_wanted(const void *conf)
{
    return ((const status_conf *)conf)->stub;
}

static bool
metrics_wanted(const void *conf)
{
    return ((const status_conf *)conf)->form != FORM_OFF;
}

static const weir_name forms[] = {
    { "off", FORM_OFF }, { "prometheus", FORM_PROMETHEUS }, { "json", FORM_JSON }, { NULL, 0 }
};

static const weir_directive directives[] = {
    /* its word is what nginx before 1.7.5 asked for */
    WEIR_OPT_CUSTOM(status_conf, stub, "stub_status", WEIR_IN_SERVER | WEIR_IN_LOCATION, 0, 1,
                    WEIR_D_LOCAL, weir_set_written,
                    "answer with the numbers of connections and requests"),
    { .name = "metrics",
      .help = "answer with everything the server and its modules count",
      .preset = "off",
      .where = WEIR_IN_SERVER | WEIR_IN_LOCATION,
      .type = WEIR_T_ENUM,
      WEIR_FIELD_(status_conf, form, ENUM),
      .flags = WEIR_D_LOCAL,
      .names = forms },
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT, .handler = stub_status, .wanted = stub_wanted },
    { .phase = WEIR_PHASE_CONTENT, .handler = metrics_page, .wanted = metrics_wanted },
};

WEIR_MODULE("status", "1.0", .summary = "pages about the server: stub_status, metrics",
            .conf_size = sizeof(status_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks));
