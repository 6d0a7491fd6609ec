/* access - lets clients in, or not, by their address: allow, deny.
 *
 * An access hook, ahead of those that ask somebody. Both directives fill one list, whose first rule
 * for the client's address decides; a client that no rule is about is nobody's concern here.
 */
#include "rules.h"

typedef struct {
    struct rules rules;
} access_conf;

static int
check_address(weir_request *r, const void *conf)
{
    const access_conf *c = conf;
    const struct rule *rule = rules_find(&c->rules, weir_client_addr_bytes(r));

    if (rule == NULL) {
        return WEIR_NEXT;
    }
    if (!rule->denies) {
        return WEIR_DONE;
    }
    if (!weir_satisfy_any(
            r)) { /* else another hook may let the client in, and the server says it if none does */
        weir_say(r->log, ERROR, "access forbidden by rule");
    }
    return 403;
}

static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    const access_conf *c = conf;
    const struct rule *rule = rules_find(&c->rules, weir_client_addr_bytes(r));

    (void)phase;
    if (rule == NULL) {
        weir_explain_say(to, "no rule is about %.*s", WEIR_FMT(weir_client_addr(r, NULL)));
        return;
    }
    weir_explain_say(to, "%.*s is %s by the rule of %.*s:%u", WEIR_FMT(weir_client_addr(r, NULL)),
                     rule->denies ? "denied" : "allowed", WEIR_FMT(rule->place.file),
                     rule->place.line);
    weir_explain_verdict(to, rule->denies ? 403 : WEIR_DONE);
}

static bool
wanted(const void *conf)
{
    return ((const access_conf *)conf)->rules.first != NULL;
}

static int
set_rule(weir_conf *cf, const weir_directive *d, void *field)
{
    struct rule *rule = weir_zalloc(weir_conf_pool(cf), sizeof(*rule));
    weir_str text = weir_conf_arg(cf, 1);
    bool loose = false;

    rule->denies = d->name[0] == 'd';
    rule->all = weir_str_eq(text, WEIR_STR("all"));
    if (!rule->all && weir_net_parse(text, &rule->net, &loose) != WEIR_OK) {
        return weir_conf_invalid(cf, 1, "parameter");
    }
    if (loose) {
        weir_conf_warn(cf, "low address bits of %.*s are meaningless", WEIR_FMT(text));
    }
    rule->place = weir_conf_place(cf);
    rules_add(field, rule);
    return WEIR_OK;
}

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION | WEIR_IN_LIMIT_EXCEPT };

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(access_conf, rules, "allow", WHERE, 1, 1, WEIR_D_MANY, set_rule,
                    "let clients of this address or network in"),
    WEIR_OPT_CUSTOM(access_conf, rules, "deny", WHERE, 1, 1, WEIR_D_MANY, set_rule,
                    "answer clients of this address or network with 403"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_ACCESS,
      .rank = WEIR_RANK_EARLY,
      .handler = check_address,
      .wanted = wanted },
};

WEIR_MODULE("access", "1.0", .summary = "lets clients in, or not, by their address",
            .conf_size = sizeof(access_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .explain = explain);
