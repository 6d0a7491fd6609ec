/* cache/invalidate.h - which other URIs an answered unsafe request makes invalid. [RFC 9111 4.4] */
#ifndef CACHE_INVALIDATE_H
#define CACHE_INVALIDATE_H

#include <weir/request.h>

enum { INVALIDATE_KEY_MAX = 16 * 1024 };

/* Is a method safe? What is not known is not. [RFC 9110 9.2.1] */
bool invalidate_is_safe(uint32_t method);

/* Path and query ("/a?b") of a reference that stands in Location or Content-Location, if it is of the
 * request's origin; absent if it is not, or no reference. base: path and query of the request.
 * [RFC 3986 5.2] */
weir_str invalidate_target(weir_pool *pool, weir_str reference, bool tls, weir_str host,
                           weir_str base);

/* The cache key of `target`, worked out from that of a request for `base`: the last place in the key
 * where base stands, replaced. Absent: the key does not hold it. */
weir_str invalidate_key(weir_pool *pool, weir_str key, weir_str base, weir_str target);

#endif
