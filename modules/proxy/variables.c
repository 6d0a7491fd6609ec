/* proxy/variables.c - $proxy_host, $proxy_port, $proxy_add_x_forwarded_for. */
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
