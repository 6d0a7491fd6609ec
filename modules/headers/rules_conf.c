/* rules_conf - reads `header` and `request_header` and settles what each block inherits.
 *
 * What can be known to go wrong is found here: names that are the server's affair, fields that cannot have a second value,
 * constant values that are no field's.
 */
#include "rules.h"

static const weir_name actions[] = {
    { "set", RULE_SET },     { "append", RULE_APPEND },   { "merge", RULE_MERGE },
    { "unset", RULE_UNSET }, { "default", RULE_DEFAULT }, { NULL, 0 },
};

/* Of an answer, these are made by what its framing and its clock say. */
static const char *const server_names[] = {
    "Connection", "Content-Length", "Date", "Keep-Alive", "Transfer-Encoding", NULL,
};

/* Of a request, these have been understood already, or say how its bytes go on. */
static const char *const client_names[] = {
    "Connection", "Content-Length",    "Expect",  "Host", "Keep-Alive",
    "Trailer",    "Transfer-Encoding", "Upgrade", NULL,
};

/* There is one of these. */
static const char *const single_names[] = {
    "Age",     "Authorization", "Content-Location", "Content-Range",       "Content-Type", "ETag",
    "Expires", "From",          "If-Modified-Since", "If-Unmodified-Since", "Last-Modified", "Location",
    "Range",   "Referer",       "Retry-After",      "Server",              "User-Agent",   NULL,
};

/* Lines of these are no list. [RFC 9110 5.3] */
static const char *const separate_names[] = { "Cookie", "Set-Cookie", NULL };

static int
read_action(weir_conf *cf, struct rule *rule)
{
    weir_str word = weir_conf_arg(cf, 1);

    for (const weir_name *a = actions; a->name != NULL; a++) {
        if (weir_str_eq(word, weir_str_c(a->name))) {
            rule->action = a->value;
            return WEIR_OK;
        }
    }
    return weir_conf_error_at(cf, 1,
                              "invalid value \"%.*s\", it must be \"set\", \"append\", \"merge\", "
                              "\"unset\" or \"default\"",
                              WEIR_FMT(word));
}

static int
check_name(weir_conf *cf, const struct rule *rule, const char *const *fixed_names)
{
    bool more = rule->action == RULE_APPEND || rule->action == RULE_MERGE;

    if (!weir_is_token(rule->name)) {
        return weir_conf_error_at(cf, 2, "\"%.*s\" cannot be a field name: it must be a token",
                                  WEIR_FMT(rule->name));
    }
    if (weir_str_is_among(rule->name, fixed_names)) {
        return weir_conf_error_at(cf, 2, "\"%.*s\" cannot be changed: it is the server's own affair",
                                  WEIR_FMT(rule->name));
    }
    if (more && weir_str_is_among(rule->name, single_names)) {
        return weir_conf_error_at(cf, 2, "\"%.*s\" has one value: use \"set\" or \"default\"",
                                  WEIR_FMT(rule->name));
    }
    if (rule->action == RULE_MERGE && weir_str_is_among(rule->name, separate_names)) {
        return weir_conf_error_at(cf, 2, "\"%.*s\" is no list: use \"append\"", WEIR_FMT(rule->name));
    }
    return WEIR_OK;
}

/* "404", "4xx". */
static bool
read_status(weir_str word, struct status_span *s)
{
    bool all = weir_str_ends(word, WEIR_STR("xx"));
    uint64_t n;

    if (word.len != 3 || !weir_parse_number(weir_str_cut(word, 0, all ? 1 : 3), 999, &n)) {
        return false;
    }
    s->from = (uint32_t)(all ? n * 100 : n);
    s->to = (uint32_t)(all ? n * 100 + 99 : n);
    return s->from >= 100 && s->to <= 599;
}

static int
read_statuses(weir_conf *cf, uint32_t i, weir_str list, struct rule *rule)
{
    struct status_span *spans = NULL;
    weir_str word;

    while (weir_list_next(&list, &word)) {
        struct status_span *s = weir_zalloc(weir_conf_pool(cf), sizeof(*s));
        if (!read_status(word, s)) {
            return weir_conf_error_at(cf, i, "invalid status \"%.*s\"", WEIR_FMT(word));
        }
        s->next = spans;
        spans = s;
    }
    rule->statuses = spans;
    return spans != NULL ? WEIR_OK : weir_conf_error_at(cf, i, "a status is missing");
}

/* always, status=, if=. */
static int
read_parameter(weir_conf *cf, uint32_t i, struct rule *rule, bool answers)
{
    weir_str word = weir_conf_arg(cf, i), rest;

    if (weir_str_after(word, WEIR_STR("if="), &rest)) {
        rule->condition = weir_value_compile(cf, rest);
        return rule->condition != NULL ? WEIR_OK : WEIR_ERROR;
    }
    if (answers && weir_str_eq(word, WEIR_STR("always"))) {
        return WEIR_OK;
    }
    if (answers && weir_str_after(word, WEIR_STR("status="), &rest)) {
        return read_statuses(cf, i, rest, rule);
    }
    return weir_conf_invalid(cf, i, "parameter");
}

static int
read_value(weir_conf *cf, struct rule *rule)
{
    weir_str text = weir_conf_arg(cf, 3);

    if (text.data == NULL) {
        return weir_conf_error(cf, "\"%.*s\" needs a value", WEIR_FMT(weir_conf_arg(cf, 1)));
    }
    if (!weir_is_field_value(text)) {
        return weir_conf_error_at(cf, 3, "the value of \"%.*s\" must be one line of text",
                                  WEIR_FMT(rule->name));
    }
    rule->value = weir_value_compile(cf, text);
    return rule->value != NULL ? WEIR_OK : WEIR_ERROR;
}

static int
set_rule(weir_conf *cf, struct own_rules *own, bool answers)
{
    struct rule *rule = weir_zalloc(weir_conf_pool(cf), sizeof(*rule));
    int rc = read_action(cf, rule);

    rule->name = weir_conf_arg(cf, 2);
    if (rc == WEIR_OK) {
        rc = check_name(cf, rule, answers ? server_names : client_names);
    }
    if (rc == WEIR_OK && rule->action != RULE_UNSET) {
        rc = read_value(cf, rule);
    }
    for (uint32_t i = rule->action == RULE_UNSET ? 3 : 4; rc == WEIR_OK && i < weir_conf_argc(cf); i++) {
        rc = read_parameter(cf, i, rule, answers);
    }
    if (own->last != NULL) {
        own->last->next = rule;
    } else {
        own->first = rule;
    }
    own->last = rule;
    own->count++;
    return rc;
}

int
set_header(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return set_rule(cf, field, true);
}

int
set_request_header(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return set_rule(cf, field, false);
}

int
set_rules_inherit(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str word = weir_conf_arg(cf, 1);
    bool off = weir_str_eq(word, WEIR_STR("off"));

    (void)d;
    if (!off && !weir_str_eq(word, WEIR_STR("on"))) {
        return weir_conf_error_at(cf, 1, "invalid value \"%.*s\", it must be \"on\" or \"off\"",
                                  WEIR_FMT(word));
    }
    ((struct all_rules *)field)->alone = off;
    return WEIR_OK;
}

void
rules_settle(weir_conf *cf, struct rules *rules)
{
    uint32_t outer = rules->all.alone ? 0 : rules->all.count, n = outer;
    struct rule *at;

    if (rules->own.count == 0) {
        rules->all.count = outer;
        return;
    }
    at = weir_alloc(weir_conf_pool(cf), (outer + rules->own.count) * sizeof(*at));
    for (uint32_t i = 0; i < outer; i++) {
        at[i] = rules->all.at[i];
    }
    for (const struct rule *rule = rules->own.first; rule != NULL; rule = rule->next) {
        at[n++] = *rule;
    }
    rules->all.at = at;
    rules->all.count = n;
}
