/* cache/status_field.h - what became of a request here, as a member of Cache-Status. [RFC 9211] */
#ifndef CACHE_STATUS_FIELD_H
#define CACHE_STATUS_FIELD_H

#include <weir/text.h>

enum forward {
    FWD_NONE,
    FWD_BYPASS,
    FWD_METHOD,
    FWD_MISS,
    FWD_VARY_MISS,
    FWD_STALE,
    FWD_REQUEST,
    FWD_PARTIAL
};

struct status_member {
    weir_str cache; /* its name */
    weir_str key;
    enum forward forward; /* FWD_NONE: a hit */
    uint32_t forward_status; /* what the origin said; 0: nothing, or not told */
    int64_t ttl;
    bool has_ttl, stored, collapsed;
};

/* The member: "weir; hit; ttl=30; key=\"...\"". */
weir_str status_member_text(weir_pool *pool, const struct status_member *m);

#endif
