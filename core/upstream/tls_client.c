/* upstream/tls_client.c - TLS towards upstreams in a server that was built without it. */
#include <weir/upstream.h>

weir_tls_client *
weir_tls_client_make(weir_conf *cf, const weir_tls_client_options *o)
{
    (void)o;
    (void)weir_conf_error(cf, "https upstreams need TLS, which this weir was built without");
    return NULL;
}
