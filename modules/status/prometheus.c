/* prometheus.c - the text format 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
#include <inttypes.h>

#include "metric.h"

/* s with `\` and line breaks, and where quotes is true also `"`, behind a backslash: a HELP text or
 * a label value. */
static void
add_escaped(weir_text *t, weir_str s, bool quotes)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];

        if (c == '\n') {
            weir_text_add(t, WEIR_STR("\\n"));
            continue;
        }
        if (c == '\\' || (quotes && c == '"')) {
            weir_text_add_byte(t, '\\');
        }
        weir_text_add_byte(t, c);
    }
}

static void
add_metric_value(weir_text *t, const struct metric *m, uint64_t value)
{
    if (m->def->type == WEIR_GAUGE) {
        weir_text_print(t, " %" PRId64 "\n", (int64_t)value);
    } else {
        weir_text_print(t, " %" PRIu64 "\n", value);
    }
}

/* Buckets are cumulative here; the cells are not. */
static void
add_histogram(weir_text *t, const struct metric *m)
{
    weir_str name = weir_str_c(m->name);
    uint64_t count = 0;

    for (uint32_t i = 0; i + 1 < m->n; i++) {
        count += m->cells[i];
        weir_text_add(t, name);
        if (i < m->def->n) {
            weir_text_print(t, "_bucket{le=\"%" PRIu64 "\"} %" PRIu64 "\n", m->def->bounds[i],
                            count);
        } else {
            weir_text_print(t, "_bucket{le=\"+Inf\"} %" PRIu64 "\n", count);
        }
    }
    weir_text_add(t, name);
    weir_text_print(t, "_sum %" PRIu64 "\n", m->cells[m->n - 1]);
    weir_text_add(t, name);
    weir_text_print(t, "_count %" PRIu64 "\n", count);
}

static void
add_values(weir_text *t, const struct metric *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        weir_text_add(t, weir_str_c(m->name));
        if (m->def->label != NULL) {
            weir_text_add(t, WEIR_STR("{"));
            weir_text_add(t, weir_str_c(m->def->label));
            weir_text_add(t, WEIR_STR("=\""));
            add_escaped(t, weir_str_c(m->def->values[i]), true);
            weir_text_add(t, WEIR_STR("\"}"));
        }
        add_metric_value(t, m, m->cells[i]);
    }
}

static void
add_head(weir_text *t, const char *metric, const char *help, uint32_t type)
{
    static const char *const types[] = {
        [WEIR_COUNTER] = "counter", [WEIR_GAUGE] = "gauge", [WEIR_HISTOGRAM] = "histogram"
    };
    weir_str name = weir_str_c(metric);

    if (help != NULL) {
        weir_text_add(t, WEIR_STR("# HELP "));
        weir_text_add(t, name);
        weir_text_add(t, WEIR_STR(" "));
        add_escaped(t, weir_str_c(help), false);
        weir_text_add(t, WEIR_STR("\n"));
    }
    weir_text_add(t, WEIR_STR("# TYPE "));
    weir_text_add(t, name);
    weir_text_print(t, " %s\n", types[type]);
}

void
metric_prometheus(weir_text *t, const struct metric *m)
{
    add_head(t, m->name, m->def->help, m->def->type);
    if (m->def->type == WEIR_HISTOGRAM) {
        add_histogram(t, m);
    } else {
        add_values(t, m);
    }
}

void
series_prometheus(weir_text *t, const weir_series *s, bool first)
{
    if (first) {
        add_head(t, s->name, s->help, s->type);
    }
    weir_text_add(t, weir_str_c(s->name));
    for (uint32_t i = 0; i < s->n_labels; i++) {
        weir_text_add(t, i == 0 ? WEIR_STR("{") : WEIR_STR(","));
        weir_text_add(t, s->labels[i].name);
        weir_text_add(t, WEIR_STR("=\""));
        add_escaped(t, s->labels[i].value, true);
        weir_text_add(t, WEIR_STR("\""));
    }
    if (s->n_labels != 0) {
        weir_text_add(t, WEIR_STR("}"));
    }
    if (s->type == WEIR_GAUGE) {
        weir_text_print(t, " %" PRId64 "\n", (int64_t)s->value);
    } else {
        weir_text_print(t, " %" PRIu64 "\n", s->value);
    }
}
