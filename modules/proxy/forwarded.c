/* proxy/forwarded.c - fields that tell who asked and which way a request went, and fields that go
 * no further than here.
 *
 * Via [RFC 9110 7.6.3], Max-Forwards [RFC 9110 7.6.2], Forwarded [RFC 7239], the members of
 * Connection [RFC 9110 7.6.1].
 */
#include "proxy.h"

/* Fields that are for the recipient whatever Connection says: a client that names them would have
 * them taken away from in front of an application that trusts them to be there. [RFC 9110 7.6.1] */
static bool
is_end_to_end(const weir_header *h)
{
    static const char *const names[] = { "X-Forwarded-Host", "X-Forwarded-Port",
                                         "X-Forwarded-Prefix" };

    switch (h->id) {
    case WEIR_H_HOST:
    case WEIR_H_AUTHORIZATION:
    case WEIR_H_COOKIE:
    case WEIR_H_CACHE_CONTROL:
    case WEIR_H_CONTENT_TYPE:
    case WEIR_H_CONTENT_ENCODING:
    case WEIR_H_CONTENT_RANGE:
    case WEIR_H_FORWARDED:
    case WEIR_H_X_FORWARDED_FOR:
    case WEIR_H_X_FORWARDED_PROTO:
    case WEIR_H_X_REAL_IP:
    case WEIR_H_ORIGIN:
    case WEIR_H_VIA:
        return true;
    default:
        break;
    }
    for (size_t i = 0; h->id == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
        if (weir_str_ieq(h->name, weir_str_c(names[i]))) {
            return true;
        }
    }
    return false;
}

bool
is_nominated(const weir_request *r, const weir_header *h)
{
    return weir_header_has(r->in[WEIR_H_CONNECTION], h->name) && !is_end_to_end(h);
}

/* ---- Via. ---- */

static weir_str
protocol_of(const weir_request *r)
{
    return r->version >= 30   ? WEIR_STR("3.0 weir")
           : r->version >= 20 ? WEIR_STR("2.0 weir")
           : r->version == 10 ? WEIR_STR("1.0 weir")
                              : WEIR_STR("1.1 weir");
}

/* The lines of a field, joined by commas, and a comma behind them. */
static void
write_joined(weir_text *to, const weir_header *h)
{
    for (; h != NULL; h = h->same) {
        if (h->value.len != 0) {
            weir_text_add(to, h->value);
            weir_text_add(to, WEIR_STR(", "));
        }
    }
}

void
via_write(weir_text *to, weir_request *r)
{
    weir_text_add(to, WEIR_STR("Via: "));
    write_joined(to, r->in[WEIR_H_VIA]);
    weir_text_add(to, protocol_of(r));
    weir_text_add(to, WEIR_STR("\r\n"));
}

weir_str
var_add_via(weir_request *r, const void *conf, weir_str name)
{
    weir_text to = weir_text_begin(r->pool, 64, TEXT_MAX);

    (void)conf;
    (void)name;
    write_joined(&to, r->in[WEIR_H_VIA]);
    weir_text_add(&to, protocol_of(r));
    return weir_text_view(&to);
}

/* ---- Who asked. ---- */

weir_str
add_x_forwarded_for(weir_request *r)
{
    weir_str client = weir_client_addr(r, NULL);
    weir_text to;

    if (r->in[WEIR_H_X_FORWARDED_FOR] == NULL) {
        return client;
    }
    to = weir_text_begin(r->pool, 128, TEXT_MAX);
    write_joined(&to, r->in[WEIR_H_X_FORWARDED_FOR]);
    weir_text_add(&to, client);
    return weir_text_view(&to);
}

/* A node: an address, in brackets and quotes when it is of IPv6, "unknown" for one that has none.
 * [RFC 7239 6] */
static void
write_node(weir_text *to, weir_str addr)
{
    if (weir_str_starts(addr, WEIR_STR("unix:"))) {
        weir_text_add(to, WEIR_STR("unknown"));
    } else if (weir_str_find(addr, ':') < addr.len) {
        weir_text_add(to, WEIR_STR("\"["));
        weir_text_add(to, addr);
        weir_text_add(to, WEIR_STR("]\""));
    } else {
        weir_text_add(to, addr);
    }
}

void
forwarded_write(weir_text *to, struct proxied *p)
{
    weir_request *r = p->r;
    const weir_header *host = r->in[WEIR_H_HOST];

    if (!p->conf->head.forwarded) {
        return;
    }
    weir_text_add(to, WEIR_STR("Forwarded: "));
    for (const weir_header *h = r->in[WEIR_H_FORWARDED]; h != NULL; h = h->same) {
        /* An open string would take in what is added behind it. */
        if (h->value.len != 0 && weir_str_open_quote(h->value) == h->value.len) {
            weir_text_add(to, h->value);
            weir_text_add(to, WEIR_STR(", "));
        }
    }
    weir_text_add(to, WEIR_STR("for="));
    write_node(to, weir_client_addr(r, NULL));
    if (host != NULL &&
        host->value.len != 0) { /* a host has neither quotes nor backslashes: it was checked */
        weir_text_add(to, WEIR_STR(";host=\""));
        weir_text_add(to, host->value);
        weir_text_add(to, WEIR_STR("\""));
    }
    weir_text_add(to, r->flags & WEIR_R_TLS ? WEIR_STR(";proto=https\r\n")
                                            : WEIR_STR(";proto=http\r\n"));
}

/* ---- Max-Forwards. ---- */

bool
forwards_are_over(weir_request *r, const proxy_conf *c)
{
    const weir_header *h;
    uint64_t n;

    if (!(r->method & (WEIR_OPTIONS | WEIR_TRACE)) || !c->pass_headers) {
        return false;
    }
    h = weir_in_find(r, WEIR_STR("Max-Forwards"));
    if (h == NULL || !weir_parse_number(h->value, UINT32_MAX, &n)) {
        return false;
    }
    if (n == 0) {
        return true;
    }
    (void)weir_in_set(r, WEIR_STR("Max-Forwards"),
                      weir_print(r->pool, "%llu", (unsigned long long)(n - 1)));
    return false;
}
