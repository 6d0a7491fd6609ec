/* module/metric.c - cells in shared memory, handed out by name; see metric.h. */
#include "module/metric.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/shm.h"
#include "base/strbuf.h"
#include "base/vec.h"

enum { TAG = WR_TAG('m', 't', 'r', 'c'), NAME_MAX_LEN = 256 };

/* What the ABI's weir_metric is inside: a name and shape that has its cells, for the life of the master. */
struct wr_metric {
    weir_metric pub;
    struct wr_metric *next;
    char *name; /* as exported */
    uint32_t type;
    uint32_t n_cells;
    uint32_t n_bounds;
    uint64_t *bounds;
    uint32_t first_cell;
};

/* The shared part: which rows are taken, then the rows. */
struct region {
    uint32_t taken[WR_METRICS_ROWS]; /* 0 or 1 */
    uint32_t rows_used;              /* rows from here on have never been taken */
    uint32_t reserved[15];
    uint64_t cells[]; /* WR_METRICS_ROWS rows of WR_METRICS_CELLS */
};

struct wr_metrics {
    uint32_t tag;
    uint32_t cells_used;
    int row; /* of this process */
    struct wr_shm shm;
    struct region *region;
    struct wr_metric *first;
};

/* What weir_metric_at and weir_metric_read speak of. */
static struct {
    const struct wr_metrics *metrics;
    const struct wr_registry *registry;
} current;

static uint64_t *
row_at(const struct wr_metrics *m, uint32_t row)
{
    return m->region->cells + (size_t)row * WR_METRICS_CELLS;
}

/* ---- Making and ending. ---- */

struct wr_metrics *
wr_metrics_create(struct wr_err *err)
{
    struct wr_metrics *m = calloc(1, sizeof(*m));
    size_t size = sizeof(struct region) +
                  sizeof(uint64_t) * (size_t)WR_METRICS_ROWS * WR_METRICS_CELLS;
    int error = m != NULL ? wr_shm_open(&m->shm, size) : -ENOMEM;

    if (error != 0) {
        free(m);
        (void)wr_err_set(err, "cannot get memory for metrics: %s", strerror(-error));
        return NULL;
    }
    m->tag = TAG;
    m->region = m->shm.at;
    m->region->taken[0] = 1; /* the master's */
    m->region->rows_used = 1;
    return m;
}

void
wr_metrics_destroy(struct wr_metrics **metrics)
{
    struct wr_metrics *m = *metrics;

    if (m == NULL) {
        return;
    }
    WR_CHECK(m, TAG);
    if (current.metrics == m) {
        current.metrics = NULL;
        current.registry = NULL;
    }
    while (m->first != NULL) {
        struct wr_metric *next = m->first->next;
        free(m->first->name);
        free(m->first->bounds);
        free(m->first);
        m->first = next;
    }
    wr_shm_close(&m->shm);
    free(m);
    *metrics = NULL;
}

/* ---- Names to cells. ---- */

static uint32_t
cells_of(const weir_metric_def *d)
{
    return d->type == WEIR_HISTOGRAM ? d->n + 2 : d->label != NULL ? d->n : 1;
}

/* "weir_acme_csp_pages_total" for "acme.csp" and "pages_total". */
static bool
export_name(const weir_module *module, const weir_metric_def *d, char *to, size_t room)
{
    struct wr_strbuf b = wr_strbuf_over(to, room - 1);

    wr_strbuf_lit(&b, "weir_");
    if (wr_loader_image_of(module) != NULL) {
        for (const char *c = module->name; *c != '\0'; c++) {
            wr_strbuf_byte(&b, *c == '.' || *c == '-' ? '_' : *c);
        }
        wr_strbuf_byte(&b, '_');
    }
    wr_strbuf_str(&b, weir_str_c(d->name));
    to[b.len] = '\0';
    return !b.full;
}

static bool
same_shape(const struct wr_metric *metric, const weir_metric_def *d)
{
    uint32_t n_bounds = d->type == WEIR_HISTOGRAM ? d->n : 0;

    return metric->type == d->type && metric->n_cells == cells_of(d) &&
           metric->n_bounds == n_bounds &&
           (n_bounds == 0 || memcmp(metric->bounds, d->bounds, n_bounds * sizeof(uint64_t)) == 0);
}

static struct wr_metric *
find_metric(const struct wr_metrics *m, const char *name, const weir_metric_def *d)
{
    struct wr_metric *at = m->first;

    while (at != NULL && (strcmp(at->name, name) != 0 || !same_shape(at, d))) {
        at = at->next;
    }
    return at;
}

/* A metric with new cells; NULL when there are none left, or no memory. */
static struct wr_metric *
make_metric(struct wr_metrics *m, const char *name, const weir_metric_def *d)
{
    uint32_t cells = cells_of(d);
    struct wr_metric *metric;

    if (cells > WR_METRICS_CELLS - m->cells_used ||
        (metric = calloc(1, sizeof(*metric))) == NULL) {
        return NULL;
    }
    metric->name = strdup(name);
    metric->n_bounds = d->type == WEIR_HISTOGRAM ? d->n : 0;
    metric->bounds = calloc(metric->n_bounds + 1, sizeof(uint64_t));
    if (metric->name == NULL || metric->bounds == NULL) {
        free(metric->name);
        free(metric->bounds);
        free(metric);
        return NULL;
    }
    if (metric->n_bounds != 0) {
        memcpy(metric->bounds, d->bounds, metric->n_bounds * sizeof(uint64_t));
    }
    metric->type = d->type;
    metric->n_cells = cells;
    metric->first_cell = m->cells_used;
    metric->pub.cells = row_at(m, (uint32_t)m->row) + metric->first_cell;
    metric->next = m->first;
    m->first = metric;
    m->cells_used += cells;
    return metric;
}

/* ---- A configuration's metrics. ---- */

static int
compare_rows(const void *a, const void *b)
{
    return strcmp(((const struct wr_metric_row *)a)->name, ((const struct wr_metric_row *)b)->name);
}

static bool
add_module(struct wr_metrics *m, const weir_module *module, struct wr_vec *rows, struct wr_err *err)
{
    const weir_metric_def *d = module->metrics.at;

    for (uint32_t i = 0; i < module->metrics.count; i++) {
        char name[NAME_MAX_LEN];
        struct wr_metric *metric;

        if (!export_name(module, &d[i], name, sizeof(name))) {
            return wr_err_set(err, "the name of metric \"%s\" is too long", d[i].name);
        }
        metric = find_metric(m, name, &d[i]);
        if (metric == NULL) {
            metric = make_metric(m, name, &d[i]);
        }
        if (metric == NULL) {
            return wr_err_set(err, "no place is left for metric \"%s\"", name);
        }
        *d[i].handle = &metric->pub;
        *(struct wr_metric_row *)wr_vec_add(rows) = (struct wr_metric_row){
            .name = metric->name, .def = &d[i], .module = module, .metric = metric
        };
    }
    return true;
}

bool
wr_metrics_add(struct wr_metrics *m, struct wr_registry *reg, struct wr_err *err)
{
    struct wr_vec rows;
    const struct wr_metric_row *row;

    WR_CHECK(m, TAG);
    wr_vec_init_of(&rows, reg->pool, struct wr_metric_row);
    WR_VEC_EACH (struct wr_registry_module, l, &reg->loaded) {
        if (!add_module(m, l->module, &rows, err)) {
            return false;
        }
    }
    if (rows.count != 0) {
        qsort(rows.data, rows.count, rows.size, compare_rows);
    }
    row = rows.data;
    for (size_t i = 1; i < rows.count; i++) {
        if (strcmp(row[i - 1].name, row[i].name) == 0) {
            return wr_err_set(err, "modules \"%s\" and \"%s\" both have the metric \"%s\"",
                              row[i - 1].module->name, row[i].module->name, row[i].name);
        }
    }
    reg->metrics = row;
    reg->n_metrics = (uint32_t)rows.count;
    return true;
}

void
wr_metrics_use(const struct wr_metrics *m, const struct wr_registry *reg)
{
    current.metrics = m;
    current.registry = reg;
}

/* ---- Rows. ---- */

int
wr_metrics_row_take(struct wr_metrics *m)
{
    struct region *r = m->region;

    WR_CHECK(m, TAG);
    for (uint32_t i = 1; i < WR_METRICS_ROWS; i++) {
        uint32_t no = 0;
        uint32_t used = __atomic_load_n(&r->rows_used, __ATOMIC_ACQUIRE);

        if (!__atomic_compare_exchange_n(&r->taken[i], &no, 1, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE)) {
            continue;
        }
        while (used < i + 1 && !__atomic_compare_exchange_n(&r->rows_used, &used, i + 1, false,
                                                            __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        }
        return (int)i;
    }
    return -EAGAIN;
}

void
wr_metrics_row_free(struct wr_metrics *m, int row)
{
    WR_CHECK(m, TAG);
    WR_ASSERT(row > 0 && row < WR_METRICS_ROWS && m->region->taken[row] != 0);
    for (const struct wr_metric *at = m->first; at != NULL; at = at->next) {
        if (at->type == WEIR_GAUGE) {
            memset(row_at(m, (uint32_t)row) + at->first_cell, 0, at->n_cells * sizeof(uint64_t));
        }
    }
    __atomic_store_n(&m->region->taken[row], 0, __ATOMIC_RELEASE);
}

void
wr_metrics_worker_start(struct wr_metrics *m, int row)
{
    WR_CHECK(m, TAG);
    WR_ASSERT(row >= 0 && row < WR_METRICS_ROWS);
    m->row = row;
    for (struct wr_metric *at = m->first; at != NULL; at = at->next) {
        at->pub.cells = row_at(m, (uint32_t)row) + at->first_cell;
    }
}

/* ---- The ABI's functions. ---- */

void
weir_observe(weir_metric *m, uint64_t value)
{
    const struct wr_metric *metric = WR_CONTAINER(m, struct wr_metric, pub);
    uint32_t i = 0;

    WR_ASSERT(metric->type == WEIR_HISTOGRAM);
    while (i < metric->n_bounds && value > metric->bounds[i]) {
        i++;
    }
    m->cells[i]++;
    m->cells[metric->n_bounds + 1] += value;
}

int
weir_metric_at(uint32_t i, weir_metric_view *view)
{
    const struct wr_metric_row *row;
    weir_metric_view full = { .size = view->size };

    if (current.registry == NULL || i >= current.registry->n_metrics) {
        return WEIR_ABSENT;
    }
    row = &current.registry->metrics[i];
    full.n = row->metric->n_cells;
    full.name = row->name;
    full.def = row->def;
    memcpy(view, &full, WR_MIN(view->size, sizeof(full)));
    return WEIR_OK;
}

uint64_t
weir_metric_read(uint32_t i, uint32_t cell)
{
    const struct wr_metrics *m = current.metrics;
    const struct wr_metric *metric;
    uint64_t sum = 0;
    uint32_t rows;

    if (m == NULL || i >= current.registry->n_metrics) {
        return 0;
    }
    metric = current.registry->metrics[i].metric;
    if (cell >= metric->n_cells) {
        return 0;
    }
    rows = __atomic_load_n(&m->region->rows_used, __ATOMIC_ACQUIRE);
    for (uint32_t row = 0; row < rows; row++) {
        sum += __atomic_load_n(&row_at(m, row)[metric->first_cell + cell], __ATOMIC_RELAXED);
    }
    return sum;
}
