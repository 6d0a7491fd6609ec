/* json.c - a metric as JSON. Numbers are written as they are, not as doubles: those are exact only
 * up to 2^53.
 */
#include <inttypes.h>
#include <stdio.h>

#include "metric.h"

static bool
add_number(cJSON *to, const char *name, uint32_t type, uint64_t value)
{
    char text[24];

    if (type == WEIR_GAUGE) {
        (void)snprintf(text, sizeof(text), "%" PRId64, (int64_t)value);
    } else {
        (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    }
    return cJSON_AddRawToObject(to, name, text) != NULL;
}

/* A cell under name in an object, or at the end of an array. */
static bool
add_cell(cJSON *to, const char *name, const struct metric *m, uint64_t value)
{
    return add_number(to, name, m->def->type, value);
}

/* "buckets":[{"le":100,"count":3},...,{"le":null,"count":9}]: cumulative, as Prometheus has them.
 */
static bool
json_histogram(cJSON *o, const struct metric *m)
{
    cJSON *buckets = cJSON_AddArrayToObject(o, "buckets");
    uint64_t count = 0;

    for (uint32_t i = 0; buckets != NULL && i + 1 < m->n; i++) {
        cJSON *bucket = cJSON_CreateObject();
        bool ok = bucket != NULL && cJSON_AddItemToArray(buckets, bucket);

        count += m->cells[i];
        ok = ok && (i < m->def->n ? add_cell(bucket, "le", m, m->def->bounds[i])
                                  : cJSON_AddNullToObject(bucket, "le") != NULL);
        if (!ok || !add_cell(bucket, "count", m, count)) {
            return false;
        }
    }
    return buckets != NULL && add_cell(o, "sum", m, m->cells[m->n - 1]) &&
           add_cell(o, "count", m, count);
}

static bool
json_values(cJSON *o, const struct metric *m)
{
    cJSON *values;

    if (m->def->label == NULL) {
        return add_cell(o, "value", m, m->cells[0]);
    }
    if (cJSON_AddStringToObject(o, "label", m->def->label) == NULL) {
        return false;
    }
    values = cJSON_AddObjectToObject(o, "values");
    for (uint32_t i = 0; values != NULL && i < m->n; i++) {
        if (!add_cell(values, m->def->values[i], m, m->cells[i])) {
            return false;
        }
    }
    return values != NULL;
}

bool
metric_json(cJSON *to, const struct metric *m)
{
    static const char *const types[] = {
        [WEIR_COUNTER] = "counter", [WEIR_GAUGE] = "gauge", [WEIR_HISTOGRAM] = "histogram"
    };
    cJSON *o = cJSON_AddObjectToObject(to, m->name);

    if (o == NULL || cJSON_AddStringToObject(o, "type", types[m->def->type]) == NULL) {
        return false;
    }
    if (m->def->help != NULL && cJSON_AddStringToObject(o, "help", m->def->help) == NULL) {
        return false;
    }
    return m->def->type == WEIR_HISTOGRAM ? json_histogram(o, m) : json_values(o, m);
}

/* "NAME":{"type":"counter","help":"...","series":[ ]}: the list; NULL: no memory. */
static cJSON *
list_of(cJSON *to, const weir_series *s)
{
    cJSON *o = cJSON_GetObjectItemCaseSensitive(to, s->name);

    if (o != NULL) {
        return cJSON_GetObjectItemCaseSensitive(o, "series");
    }
    o = cJSON_AddObjectToObject(to, s->name);
    if (o == NULL ||
        cJSON_AddStringToObject(o, "type", s->type == WEIR_GAUGE ? "gauge" : "counter") == NULL ||
        (s->help != NULL && cJSON_AddStringToObject(o, "help", s->help) == NULL)) {
        return NULL;
    }
    return cJSON_AddArrayToObject(o, "series");
}

static bool
add_label(cJSON *to, const weir_pair *label)
{
    char name[64], value[1024];

    (void)snprintf(name, sizeof(name), "%.*s", WEIR_FMT(label->name));
    (void)snprintf(value, sizeof(value), "%.*s", WEIR_FMT(label->value));
    return cJSON_AddStringToObject(to, name, value) != NULL;
}

bool
series_json(cJSON *to, const weir_series *s)
{
    cJSON *list = list_of(to, s), *one = cJSON_CreateObject(), *labels;

    if (list == NULL || one == NULL || !cJSON_AddItemToArray(list, one)) {
        cJSON_Delete(one);
        return false;
    }
    labels = cJSON_AddObjectToObject(one, "labels");
    for (uint32_t i = 0; labels != NULL && i < s->n_labels; i++) {
        if (!add_label(labels, &s->labels[i])) {
            return false;
        }
    }
    return labels != NULL && add_number(one, "value", s->type, s->value);
}
