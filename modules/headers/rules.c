/* rules - carries out `header` and `request_header` on a request; rules_conf.c reads them.
 *
 * The two differ only in whose fields they change. A line that a request has already is not appended again: rules are
 * carried out anew when a request goes on to another location.
 */
#include "rules.h"

enum {
    MEMBERS_MAX = 64,    /* of a value that is merged: each is looked for in the whole list */
    MERGED_MAX = 1 << 20 /* bytes of a field that was merged */
};

/* Whose fields are changed. */
struct side {
    const char *directive;
    const weir_header *(*find)(const weir_request *r, weir_str name);
    int (*set)(weir_request *r, weir_str name, weir_str value);
    int (*add)(weir_request *r, weir_str name, weir_str value);
    int (*remove)(weir_request *r, weir_str name);
    bool again; /* rules may be carried out more than once */
};

static const struct side answer = { "header",     weir_out_find,   weir_out_set,
                                    weir_out_add, weir_out_remove, false };
static const struct side request = { "request_header", weir_in_find,   weir_in_set,
                                     weir_in_add,      weir_in_remove, true };

static bool
has_line(const weir_header *h, weir_str value)
{
    while (h != NULL && !weir_str_eq(h->value, value)) {
        h = h->same;
    }
    return h != NULL;
}

static int
append_line(weir_request *r, const struct side *side, weir_str name, weir_str value)
{
    if (side->again && has_line(side->find(r, name), value)) {
        return WEIR_OK;
    }
    return side->add(r, name, value);
}

static void
add_member(weir_text *to, weir_str text)
{
    if (text.len != 0) {
        weir_text_add(to, to->len != 0 ? WEIR_STR(", ") : WEIR_STR(""));
        weir_text_add(to, text);
    }
}

/* Is it there as it is, with its parameters? */
static bool
has_member(weir_str list, weir_str member)
{
    weir_str one;

    while (weir_list_next(&list, &one)) {
        if (weir_str_ieq(one, member)) {
            return true;
        }
    }
    return false;
}

static int
merge(weir_request *r, const struct side *side, weir_str name, weir_str value)
{
    const weir_header *h = side->find(r, name);
    size_t before;
    weir_text all;
    weir_str member;

    if (h == NULL) {
        return side->set(r, name, value);
    }
    all = weir_text_begin(r->pool, 256, MERGED_MAX);
    for (; h != NULL; h = h->same) {
        add_member(&all, h->value);
    }
    before = all.len;
    for (int i = 0; i < MEMBERS_MAX && weir_list_next(&value, &member); i++) {
        if (!has_member(weir_text_view(&all), member)) {
            add_member(&all, member);
        }
    }
    return all.len != before && !all.full ? side->set(r, name, weir_text_view(&all)) : WEIR_OK;
}

static int
carry_out(weir_request *r, const struct side *side, const struct rule *rule)
{
    weir_str value = weir_value_get(r, rule->value);

    if (rule->action == RULE_UNSET || (rule->action == RULE_SET && value.len == 0)) {
        return side->remove(r, rule->name);
    }
    if (value.len == 0) {
        return WEIR_OK;
    }
    switch (rule->action) {
    case RULE_APPEND:
        return append_line(r, side, rule->name, value);
    case RULE_MERGE:
        return merge(r, side, rule->name, value);
    case RULE_DEFAULT:
        return side->find(r, rule->name) == NULL ? side->set(r, rule->name, value) : WEIR_OK;
    default:
        return side->set(r, rule->name, value);
    }
}

static bool
applies(weir_request *r, const struct rule *rule)
{
    const struct status_span *s = rule->statuses;

    while (s != NULL && (r->status < s->from || r->status > s->to)) {
        s = s->next;
    }
    if (rule->statuses != NULL && s == NULL) {
        return false;
    }
    if (rule->condition != NULL) {
        return weir_str_is_true(weir_value_get(r, rule->condition));
    }
    return true;
}

static void
apply(weir_request *r, const struct side *side, const struct all_rules *rules)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->at[i];
        if (applies(r, rule) && carry_out(r, side, rule) == WEIR_INVALID) {
            weir_say(r->log, WARN, "%s: the value of \"%.*s\" holds a line break: left out",
                     side->directive, WEIR_FMT(rule->name));
        }
    }
}

void
rules_apply_out(weir_request *r, const struct all_rules *rules)
{
    apply(r, &answer, rules);
}

void
rules_apply_in(weir_request *r, const struct all_rules *rules)
{
    apply(r, &request, rules);
}
