/* proxy/variables.c - $proxy_host, $proxy_port, $proxy_add_x_forwarded_for, and how the body goes up.
 */
#include "proxy.h"

/* Where r goes, or went. */
static const struct destination *
destination_of(const weir_request *r, const proxy_conf *c)
{
    const struct proxied *p = weir_ctx(r);

    if (p != NULL) {
        return &p->to;
    }
    return c->pass != NULL && c->pass->value == NULL ? &c->pass->known : NULL;
}

weir_str
var_proxy_host(weir_request *r, const void *conf, weir_str name)
{
    const struct destination *to = destination_of(r, conf);

    (void)name;
    return to != NULL ? to->host : (weir_str){ NULL, 0 };
}

weir_str
var_proxy_port(weir_request *r, const void *conf, weir_str name)
{
    const struct destination *to = destination_of(r, conf);

    (void)name;
    return to != NULL ? to->port : (weir_str){ NULL, 0 };
}

weir_str
var_add_x_forwarded_for(weir_request *r, const void *conf, weir_str name)
{
    (void)conf;
    (void)name;
    return add_x_forwarded_for(r);
}

/* The length that is sent, as nginx has it: 0 where there is no body, absent where it is not known. */
weir_str
var_body_length(weir_request *r, const void *conf, weir_str name)
{
    const struct proxied *p = weir_ctx(r);

    (void)conf;
    (void)name;
    if (p == NULL || p->up_chunked) {
        return (weir_str){ NULL, 0 };
    }
    return weir_print(r->pool, "%lld", (long long)(p->up_length > 0 ? p->up_length : 0));
}

weir_str
var_chunked(weir_request *r, const void *conf, weir_str name)
{
    const struct proxied *p = weir_ctx(r);

    (void)conf;
    (void)name;
    return p != NULL && p->up_chunked ? WEIR_STR("chunked") : (weir_str){ NULL, 0 };
}
