/* headers/explain.c - for weir -M: which fields an answer would get, which a request, and on what
 * condition.
 */
#include "explain.h"

/* "Name: value", or what it depends on. */
static void
say_field(weir_explain *to, const char *what, weir_str name, weir_str value, weir_str unknown,
          const char *when)
{
    if (unknown.data != NULL) {
        weir_explain_say(to, "%s %.*s: unknown, depends on $%.*s%s", what, WEIR_FMT(name),
                         WEIR_FMT(unknown), when);
    } else {
        weir_explain_say(to, "%s %.*s: %.*s%s", what, WEIR_FMT(name), WEIR_FMT(value), when);
    }
}

void
explain_added(weir_request *r, const char *what, const struct settled *fields, weir_explain *to)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct field *f = &fields->fields[i];
        weir_str value = weir_value_get(r, f->value), unknown = weir_explain_unknown(to);
        if (unknown.data == NULL && value.len == 0) {
            weir_explain_say(to, "%s %.*s: empty, not sent", what, WEIR_FMT(f->name));
            continue;
        }
        say_field(to, what, f->name, value, unknown,
                  f->always ? "   (any status)" : "   (200, 201, 204, 206, 301 to 304, 307, 308)");
    }
}

/* "   (404, 500-599)" */
static weir_str
statuses_of(weir_request *r, const struct rule *rule)
{
    weir_str text = WEIR_STR("");

    for (const struct status_span *s = rule->statuses; s != NULL; s = s->next) {
        text = s->from == s->to
                   ? weir_print(r->pool, "%.*s%s%u", WEIR_FMT(text), text.len != 0 ? ", " : "",
                                (unsigned)s->from)
                   : weir_print(r->pool, "%.*s%s%u-%u", WEIR_FMT(text), text.len != 0 ? ", " : "",
                                (unsigned)s->from, (unsigned)s->to);
    }
    return text.len != 0 ? weir_print(r->pool, "   (%.*s)", WEIR_FMT(text)) : text;
}

static void
explain_rule(weir_request *r, const struct rule *rule, weir_explain *to)
{
    static const char *const actions[] = { "set", "append", "merge", "unset", "default" };
    const char *action = actions[rule->action];
    weir_str when = statuses_of(r, rule), unknown, value;

    if (rule->condition != NULL) {
        value = weir_value_get(r, rule->condition);
        unknown = weir_explain_unknown(to);
        if (unknown.data != NULL) {
            when = weir_print(r->pool, "%.*s   (if: unknown, depends on $%.*s)", WEIR_FMT(when),
                              WEIR_FMT(unknown));
        } else if (value.len == 0 || weir_str_eq(value, WEIR_STR("0"))) {
            weir_explain_say(to, "%s %.*s: left out, if= is \"%.*s\"", action,
                             WEIR_FMT(rule->name), WEIR_FMT(value));
            return;
        }
    }
    if (rule->action == RULE_UNSET) {
        weir_explain_say(to, "%s %.*s%.*s", action, WEIR_FMT(rule->name), WEIR_FMT(when));
        return;
    }
    value = weir_value_get(r, rule->value);
    say_field(to, action, rule->name, value, weir_explain_unknown(to), weir_dup(r->pool, when).data);
}

void
explain_rules(weir_request *r, const struct all_rules *rules, weir_explain *to)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        explain_rule(r, &rules->at[i], to);
    }
}
