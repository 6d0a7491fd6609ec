/* cors/isolation.h - which requests that a browser makes for pages of other sites are let in, by
 * its Sec-Fetch-* fields. [W3C Fetch Metadata Request Headers] */
#ifndef CORS_ISOLATION_H
#define CORS_ISOLATION_H

#include <weir/weir.h>

enum isolation_mode { ISOLATION_OFF = 0, ISOLATION_ON = 1, ISOLATION_REPORT = 2 };

/* A line of fetch_metadata_allow: what each of its words says has to be so. Absent: anything. */
struct isolation_exception {
    struct isolation_exception *next;
    weir_str site, mode, dest;
};

struct isolation {
    uint32_t mode; /* enum isolation_mode */
    struct isolation_exception *exceptions;
};

/* The setter of fetch_metadata_allow, whose field is a struct isolation_exception *. */
int set_isolation_exception(weir_conf *cf, const weir_directive *d, void *field);

/*
 * May the request come in? listed: it has an Origin that is on the site's list of origins.
 *
 * Requests without Sec-Fetch-Site are: whoever sends none is no browser of today. So are those of
 * the site's own pages and of the user himself, and a GET that opens a page, unless as an object of
 * another.
 */
bool isolation_admits(const weir_request *r, const struct isolation *i, bool listed);

#endif
