/* prometheus.c - the text format 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
#include <inttypes.h>

#include "metric.h"

static void
add_metric_value(struct text *t, const struct metric *m, uint64_t value)
{
    if (m->def->type == WEIR_GAUGE) {
        text_print(t, " %" PRId64 "\n", (int64_t)value);
    } else {
        text_print(t, " %" PRIu64 "\n", value);
    }
}

/* Buckets are cumulative here; the cells are not. */
static void
add_histogram(struct text *t, const struct metric *m)
{
    weir_str name = weir_str_c(m->name);
    uint64_t count = 0;

    for (uint32_t i = 0; i + 1 < m->n; i++) {
        count += m->cells[i];
        text_add(t, name);
        if (i < m->def->n) {
            text_print(t, "_bucket{le=\"%" PRIu64 "\"} %" PRIu64 "\n", m->def->bounds[i], count);
        } else {
            text_print(t, "_bucket{le=\"+Inf\"} %" PRIu64 "\n", count);
        }
    }
    text_add(t, name);
    text_print(t, "_sum %" PRIu64 "\n", m->cells[m->n - 1]);
    text_add(t, name);
    text_print(t, "_count %" PRIu64 "\n", count);
}

static void
add_values(struct text *t, const struct metric *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        text_add(t, weir_str_c(m->name));
        if (m->def->label != NULL) {
            text_add(t, WEIR_STR("{"));
            text_add(t, weir_str_c(m->def->label));
            text_add(t, WEIR_STR("=\""));
            text_add_escaped(t, weir_str_c(m->def->values[i]), true);
            text_add(t, WEIR_STR("\"}"));
        }
        add_metric_value(t, m, m->cells[i]);
    }
}

static void
add_head(struct text *t, const char *metric, const char *help, uint32_t type)
{
    static const char *const types[] = {
        [WEIR_COUNTER] = "counter", [WEIR_GAUGE] = "gauge", [WEIR_HISTOGRAM] = "histogram"
    };
    weir_str name = weir_str_c(metric);

    if (help != NULL) {
        text_add(t, WEIR_STR("# HELP "));
        text_add(t, name);
        text_add(t, WEIR_STR(" "));
        text_add_escaped(t, weir_str_c(help), false);
        text_add(t, WEIR_STR("\n"));
    }
    text_add(t, WEIR_STR("# TYPE "));
    text_add(t, name);
    text_print(t, " %s\n", types[type]);
}

void
metric_prometheus(struct text *t, const struct metric *m)
{
    add_head(t, m->name, m->def->help, m->def->type);
    if (m->def->type == WEIR_HISTOGRAM) {
        add_histogram(t, m);
    } else {
        add_values(t, m);
    }
}

void
series_prometheus(struct text *t, const weir_series *s, bool first)
{
    if (first) {
        add_head(t, s->name, s->help, s->type);
    }
    text_add(t, weir_str_c(s->name));
    for (uint32_t i = 0; i < s->n_labels; i++) {
        text_add(t, i == 0 ? WEIR_STR("{") : WEIR_STR(","));
        text_add(t, s->labels[i].name);
        text_add(t, WEIR_STR("=\""));
        text_add_escaped(t, s->labels[i].value, true);
        text_add(t, WEIR_STR("\""));
    }
    if (s->n_labels != 0) {
        text_add(t, WEIR_STR("}"));
    }
    if (s->type == WEIR_GAUGE) {
        text_print(t, " %" PRId64 "\n", (int64_t)s->value);
    } else {
        text_print(t, " %" PRIu64 "\n", s->value);
    }
}
