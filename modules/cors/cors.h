/* cors/cors.h - the settings of the module, and what its parts offer one another. */
#ifndef CORS_CORS_H
#define CORS_CORS_H

#include <weir/weir.h>

#include "isolation.h"
#include "origins.h"

typedef struct {
    struct origins origins;
    weir_strs methods, headers, expose, timing;
    uint64_t max_age_ms;
    bool credentials;
    bool private_network;
    bool pass; /* preflights go to the application */
    bool keep; /* what the application says of itself holds */
    struct isolation isolation;
    /* Made by check(): the lists as fields have them; absent: no field. */
    weir_str methods_text, headers_text, expose_text, max_age_text, timing_text;
} cors_conf;

enum { CORS_ALLOWED, CORS_REFUSED }; /* places in the metrics */

extern weir_metric *cors_requests;

/* Does a browser ask whether it may send a request of another origin? [Fetch, CORS-preflight
 * request] */
bool cors_is_preflight(const weir_request *r);

/* The origin of the page that the request comes from; absent: none, or nothing to rely on. */
weir_str cors_origin_of(const weir_request *r);

/* The hook of the response's head: put on it what other origins may do. */
int cors_headers(weir_request *r, const void *conf);

#endif
