/* upstream/upstream_at.c - groups that are named while the server runs: not without a resolver. */
#include <weir/upstream.h>

weir_upstream *
weir_upstream_at(weir_request *r, weir_str name, uint32_t default_port)
{
    (void)r;
    (void)name;
    (void)default_port;
    return NULL;
}
