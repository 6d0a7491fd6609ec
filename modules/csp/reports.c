/* reports.c - from JSON to violations. */
#include "reports.h"

#include <cjson/cJSON.h>

/* How one shape names what a violation has. */
struct names {
    const char *document, *directive, *directive_before, *blocked, *source, *sample, *disposition,
        *policy, *line, *column, *status;
};

/* "violated-directive" is the older name, and may have the directive's sources behind it. */
static const struct names names_report_uri = {
    "document-uri", "effective-directive", "violated-directive", "blocked-uri",
    "source-file",  "script-sample",       "disposition",        "original-policy",
    "line-number",  "column-number",       "status-code",
};
static const struct names names_report_to = {
    "documentURL", "effectiveDirective", "violatedDirective", "blockedURL", "sourceFile",
    "sample",      "disposition",        "originalPolicy",    "lineNumber", "columnNumber",
    "statusCode",
};

/* Is the text nested no deeper than we like? What is no JSON is for the parser to say. */
static bool
is_shallow(weir_str json)
{
    uint32_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < json.len; i++) {
        char c = json.data[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > REPORT_DEPTH_MAX) {
                return false;
            }
        } else if ((c == ']' || c == '}') && depth != 0) {
            depth--;
        }
    }
    return true;
}

/* A string of the object, at most `most` bytes of it and no half character; empty if there is none.
 */
static weir_str
text_of(const cJSON *o, const char *name, size_t most)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);
    weir_str s = { "", 0 };

    if (cJSON_IsString(item)) {
        s = weir_str_c(item->valuestring);
        if (s.len > most) {
            s.len = most;
            while (s.len != 0 && ((uint8_t)s.data[s.len] & 0xc0) == 0x80) {
                s.len--;
            }
        }
    }
    return s;
}

/* The same of an address, up to its query. */
static weir_str
address_of(const cJSON *o, const char *name)
{
    weir_str s = text_of(o, name, REPORT_TEXT_MAX);

    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '?' || s.data[i] == '#') {
            s.len = i;
        }
    }
    return s;
}

static int64_t
number_of(const cJSON *o, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);

    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= INT32_MAX
               ? (int64_t)item->valuedouble
               : 0;
}

static bool
read_violation(const cJSON *o, const struct names *n, struct violation *v)
{
    *v = (struct violation){
        .document = address_of(o, n->document),
        .directive = text_of(o, n->directive, REPORT_TEXT_MAX),
        .blocked = address_of(o, n->blocked),
        .source = address_of(o, n->source),
        .sample = text_of(o, n->sample, REPORT_SAMPLE_MAX),
        .disposition = text_of(o, n->disposition, REPORT_TEXT_MAX),
        .policy = text_of(o, n->policy, REPORT_POLICY_MAX),
        .line = number_of(o, n->line),
        .column = number_of(o, n->column),
        .status = number_of(o, n->status),
    };
    if (v->directive.len == 0) {
        v->directive = text_of(o, n->directive_before, REPORT_TEXT_MAX);
    }
    v->directive.len = weir_str_find(v->directive, ' ');
    return v->directive.len != 0 && v->document.len != 0;
}

bool
reports_read(weir_str json, void (*fn)(void *data, const struct violation *v), void *data,
             struct report_counts *counts)
{
    cJSON *all = is_shallow(json) ? cJSON_ParseWithLength(json.data, json.len) : NULL;
    const cJSON *one = cJSON_GetObjectItemCaseSensitive(all, "csp-report"), *item;
    struct violation v;
    uint32_t n = 0;

    *counts = (struct report_counts){ 0 };
    if (cJSON_IsObject(one)) {
        counts->violations = read_violation(one, &names_report_uri, &v);
        counts->others = !counts->violations;
        if (counts->violations) {
            fn(data, &v);
        }
        cJSON_Delete(all);
        return true;
    }
    if (!cJSON_IsArray(all)) {
        cJSON_Delete(all);
        return false;
    }
    cJSON_ArrayForEach (item, all) {
        const cJSON *body = cJSON_GetObjectItemCaseSensitive(item, "body");
        if (n++ >= REPORTS_MAX) {
            counts->dropped++;
        } else if (weir_str_eq(text_of(item, "type", 64), WEIR_STR("csp-violation")) &&
                   read_violation(body, &names_report_to, &v)) {
            counts->violations++;
            fn(data, &v);
        } else {
            counts->others++;
        }
    }
    cJSON_Delete(all);
    return true;
}
