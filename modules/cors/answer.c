/* cors/answer.c - the fields that tell a browser which origins may read an answer. [Fetch, HTTP
 * extensions]
 *
 * They go on every answer, errors too: without them a page cannot even see the status. Which fields
 * an answer has depends on the Origin of its request, so Vary says so in either case; only "*" does
 * not depend on anything.
 */
#include "cors.h"

static const char *const own_fields[] = {
    "Access-Control-Allow-Origin",          "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Methods",         "Access-Control-Allow-Headers",
    "Access-Control-Expose-Headers",        "Access-Control-Max-Age",
    "Access-Control-Allow-Private-Network",
};

bool
cors_is_preflight(const weir_request *r)
{
    return r->method == WEIR_OPTIONS && r->in[WEIR_H_ORIGIN] != NULL &&
           weir_in_find(r, WEIR_STR("Access-Control-Request-Method")) != NULL;
}

weir_str
cors_origin_of(const weir_request *r)
{
    const weir_header *h = r->in[WEIR_H_ORIGIN];

    return h != NULL && h->same == NULL ? h->value : (weir_str){ NULL, 0 };
}

static void
vary_by(weir_request *r, weir_str name)
{
    const weir_header *vary = r->out[WEIR_H_VARY];

    if (!weir_header_has(vary, WEIR_STR("*")) && !weir_header_has(vary, name)) {
        (void)weir_out_add(r, WEIR_STR("Vary"), name);
    }
}

static void
put(weir_request *r, const char *name, weir_str value)
{
    if (value.len != 0) {
        (void)weir_out_set(r, weir_str_c(name), value);
    }
}

/* What else an origin that is on the list may know. */
static void
allow(weir_request *r, const cors_conf *c)
{
    if (c->credentials) {
        put(r, "Access-Control-Allow-Credentials", WEIR_STR("true"));
    }
    if (!cors_is_preflight(r)) {
        put(r, "Access-Control-Expose-Headers", c->expose_text);
        return;
    }
    put(r, "Access-Control-Allow-Methods", c->methods_text);
    put(r, "Access-Control-Allow-Headers", c->headers_text);
    put(r, "Access-Control-Max-Age", c->max_age_text);
    if (c->private_network) {
        const weir_header *asked =
            weir_in_find(r, WEIR_STR("Access-Control-Request-Private-Network"));
        if (asked != NULL && weir_str_eq(asked->value, WEIR_STR("true"))) {
            put(r, "Access-Control-Allow-Private-Network", WEIR_STR("true"));
        }
    }
}

static void
share(weir_request *r, const cors_conf *c)
{
    weir_str origin = cors_origin_of(r);
    bool listed = origin.len != 0 && origins_have(&c->origins, origin);

    for (size_t i = 0; i < sizeof(own_fields) / sizeof(own_fields[0]); i++) {
        if (weir_out_find(r, weir_str_c(own_fields[i])) != NULL) {
            (void)weir_out_remove(r, weir_str_c(own_fields[i]));
        }
    }
    if (r->in[WEIR_H_ORIGIN] != NULL) {
        weir_count_at(cors_requests, listed ? CORS_ALLOWED : CORS_REFUSED, 1);
    }
    if (c->origins.any) {
        put(r, own_fields[0], WEIR_STR("*"));
        allow(r, c);
        return;
    }
    vary_by(r, WEIR_STR("Origin"));
    if (listed) {
        put(r, own_fields[0], origin);
        allow(r, c);
    }
}

int
cors_headers(weir_request *r, const void *conf)
{
    const cors_conf *c = conf;

    if (origins_any(&c->origins) &&
        !(c->keep && weir_out_find(r, weir_str_c(own_fields[0])) != NULL)) {
        share(r, c);
    }
    put(r, "Timing-Allow-Origin", c->timing_text);
    if (c->isolation.mode == ISOLATION_ON) {
        vary_by(r, WEIR_STR("Sec-Fetch-Site"));
        vary_by(r, WEIR_STR("Sec-Fetch-Mode"));
        vary_by(r, WEIR_STR("Sec-Fetch-Dest"));
    }
    return WEIR_NEXT;
}
