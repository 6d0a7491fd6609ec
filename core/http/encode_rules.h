/* http/encode_rules.h - questions about a request and its response that decide whether a coding applies. Pure: they read headers and
 * answer. */
#ifndef WR_HTTP_ENCODE_RULES_H
#define WR_HTTP_ENCODE_RULES_H

#include <weir/coding.h>
#include <weir/request.h>

/* Does the list that h and its namesakes make hold the token? h may be NULL. [RFC 9110 5.6.1] */
bool wr_encode_list_has(const weir_header *h, weir_str token);

/* Does a list of entity tags hold the weak form of the strong tag `etag`? [RFC 9110 8.8.3] */
bool wr_encode_lists_weak(const weir_header *h, weir_str etag);

/* Do WEIR_CODING_PROXIED_* allow coding the response r has? now: seconds since 1970. */
bool wr_encode_proxied_allows(const weir_request *r, uint32_t proxied, int64_t now);

#endif
