/* proxy/chunks.c - the chunked coding of a request's body whose trailers go with it. [RFC 9112 7.1]
 *
 * The exchange frames bodies itself, and knows no trailers; with proxy_pass_trailers they are
 * framed here.
 */
#include <stdio.h>

#include "proxy.h"

/* Fields that would say something about framing, routing or who asks, behind the body that they are
 * too late for. [RFC 9110 6.5.1] */
static bool
may_trail(const weir_header *h)
{
    switch (h->id) {
    case WEIR_H_CONTENT_LENGTH:
    case WEIR_H_TRANSFER_ENCODING:
    case WEIR_H_TRAILER:
    case WEIR_H_HOST:
    case WEIR_H_CONNECTION:
    case WEIR_H_TE:
    case WEIR_H_UPGRADE:
    case WEIR_H_KEEP_ALIVE:
    case WEIR_H_EXPECT:
    case WEIR_H_CONTENT_TYPE:
    case WEIR_H_CONTENT_ENCODING:
    case WEIR_H_CONTENT_RANGE:
    case WEIR_H_CACHE_CONTROL:
    case WEIR_H_AUTHORIZATION:
    case WEIR_H_PROXY_AUTHORIZATION:
    case WEIR_H_COOKIE:
    case WEIR_H_RANGE:
    case WEIR_H_FORWARDED:
    case WEIR_H_X_FORWARDED_FOR:
    case WEIR_H_X_FORWARDED_PROTO:
    case WEIR_H_X_REAL_IP:
        return false;
    default:
        return true;
    }
}

bool
chunks_trail(const weir_request *r)
{
    for (const weir_header *h = weir_in_trailers(r); h != NULL; h = h->next) {
        if (may_trail(h)) {
            return true;
        }
    }
    return false;
}

static weir_str
end_of(struct proxied *p)
{
    const weir_header *h = weir_in_trailers(p->r);
    weir_text t = weir_text_begin(p->r->pool, 64, TEXT_MAX);

    weir_text_add(&t, WEIR_STR("0\r\n"));
    for (; h != NULL; h = h->next) {
        if (may_trail(h)) {
            weir_text_add(&t, h->name);
            weir_text_add(&t, WEIR_STR(": "));
            weir_text_add(&t, h->value);
            weir_text_add(&t, WEIR_STR("\r\n"));
        }
    }
    weir_text_add(&t, WEIR_STR("\r\n"));
    return weir_text_view(&t);
}

void
chunks_frame(struct proxied *p, weir_chain *body, bool last)
{
    weir_pool *pool = p->r->pool;
    weir_chain data = { NULL, NULL };
    uint64_t len = weir_chain_len(body);
    char size[24];

    weir_chain_take(&data, body);
    if (len != 0) {
        int n = snprintf(size, sizeof(size), "%llx\r\n", (unsigned long long)len);
        weir_chain_push(body, weir_buf_copy(pool, (weir_str){ size, (size_t)n }));
        weir_chain_take(body, &data);
        weir_chain_push(body, weir_buf_ref(pool, WEIR_STR("\r\n")));
    }
    if (last) {
        weir_chain_push(body, weir_buf_ref(pool, end_of(p)));
    }
}
