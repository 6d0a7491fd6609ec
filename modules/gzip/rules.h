/* rules.h - questions about a request and its response that decide whether gzip applies. Pure: they
 * read headers and answer; the directives' meanings are nginx's.
 */
#ifndef GZIP_RULES_H
#define GZIP_RULES_H

#include <weir/base.h>
#include <weir/request.h>

/* gzip_proxied: which answers to requests with a Via header are coded. */
enum {
    GZIP_PROXIED_OFF = 1u << 0,
    GZIP_PROXIED_EXPIRED = 1u << 1,
    GZIP_PROXIED_NO_CACHE = 1u << 2,
    GZIP_PROXIED_NO_STORE = 1u << 3,
    GZIP_PROXIED_PRIVATE = 1u << 4,
    GZIP_PROXIED_NO_LAST_MODIFIED = 1u << 5,
    GZIP_PROXIED_NO_ETAG = 1u << 6,
    GZIP_PROXIED_AUTH = 1u << 7,
    GZIP_PROXIED_ANY = 1u << 8
};

/* Is there a member called name, with or without "=value", in the comma list that h and its
 * namesakes make? Case does not matter; h may be NULL. [RFC 9110 5.6.1] */
bool gzip_list_has(const weir_header *h, weir_str name);

/* Does a list of entity tags hold the weak form of the strong tag `etag`? [RFC 9110 8.8.3] */
bool gzip_lists_weak(const weir_header *h, weir_str etag);

/* Does gzip_proxied allow coding the response r has? now: seconds since 1970. */
bool gzip_proxied_allows(const weir_request *r, uint32_t proxied, int64_t now);

/* Is it Internet Explorer 4 to 6 without the fixes of SV1, which could not be trusted with gzip
 * ("msie6")? */
bool gzip_old_msie(weir_str agent);

/* in/out with two decimals, rounded, into to (room at least 24 bytes); its length. out must not be
 * 0. */
size_t gzip_ratio_text(uint64_t in, uint64_t out, char *to, size_t room);

#endif
