/* wire/etag.h - entity tags and their two comparisons. */
#ifndef WR_WIRE_ETAG_H
#define WR_WIRE_ETAG_H

#include <stdbool.h>
#include <weir/base.h>

struct wr_etag {
    weir_str opaque; /* with its quotes: "\"5f-3\""; absent: no tag */
    bool weak;
};

enum wr_etag_how {
    WR_ETAG_STRONG, /* same bytes, neither weak: for If-Match and If-Range */
    WR_ETAG_WEAK    /* same bytes: for If-None-Match */
};

/* The whole of text as one entity-tag, `"..."` or `W/"..."`; false for anything else.  [RFC 9110 8.8.3] */
bool wr_etag_parse(weir_str text, struct wr_etag *tag);

/* Are both tags there and the same?  [RFC 9110 8.8.3.2] */
bool wr_etag_is_same(struct wr_etag a, struct wr_etag b, enum wr_etag_how how);

/*
 * Does a list of entity-tags (the value of If-Match or If-None-Match, lines joined by commas) name tag?
 *
 * "*" is not looked at here. What is no entity-tag names nothing, and so does what follows it, for where the next begins is
 * then not known.
 */
bool wr_etag_is_listed(weir_str list, struct wr_etag tag, enum wr_etag_how how);

#endif
