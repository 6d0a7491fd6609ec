/* explain.c - for weir -M: the policies of a location, and what becomes of its pages. */
#include "csp.h"

static void
say_policy(weir_request *r, const char *field, const char *answers, const weir_value *value,
           weir_explain *to)
{
    weir_str text = weir_value_get(r, value), unknown = weir_explain_unknown(to);

    if (unknown.data != NULL) {
        weir_explain_say(to, "%s%s: unknown, depends on $%.*s", field, answers, WEIR_FMT(unknown));
    } else {
        weir_explain_say(to, "%s%s: %.*s", field, answers, WEIR_FMT(text));
    }
}

static void
say_side(weir_request *r, const char *field, const struct policy_values *values, bool hashes,
         weir_explain *to)
{
    if (values->page == NULL) {
        return;
    }
    if (!values->has_nonce && !hashes) {
        say_policy(r, field, "", values->page, to);
        return;
    }
    say_policy(r, field, " of pages", values->page, to);
    say_policy(r, field, " of others", values->other, to);
}

static void
say_fields(weir_request *r, const csp_conf *c, weir_explain *to)
{
    if (c->upstream == UPSTREAM_REPLACE) {
        weir_explain_say(to, "policies that the answer has already are taken away");
    }
    say_side(r, "Content-Security-Policy", &c->enforced.values, c->hashes.on, to);
    say_side(r, "Content-Security-Policy-Report-Only", &c->reported.values, c->hashes.on, to);
    if (c->hashes.on) {
        weir_explain_say(to, "and the sums of inline scripts and styles of pages that are files");
    }
}

void
csp_explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    const csp_conf *c = conf;

    if (phase == WEIR_PHASE_HEADERS) {
        say_fields(r, c, to);
    } else if (phase == WEIR_PHASE_BODY && c->stamps != NULL) {
        weir_explain_say(to, "tags marked with %.*s%s get the nonce", WEIR_FMT(c->stamps->name),
                         c->stamps->value.data != NULL ? " and the secret" : "");
    }
    if (phase == WEIR_PHASE_BODY && c->enforced.values.meta != NULL) {
        weir_explain_say(to, "the enforced policy is written into the head");
    }
}
