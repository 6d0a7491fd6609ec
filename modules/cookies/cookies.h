/* cookies/cookies.h - the settings of the module, and what its parts offer one another. */
#ifndef COOKIES_COOKIES_H
#define COOKIES_COOKIES_H

#include <weir/weir.h>

#include "policy.h"
#include "seal.h"

/* What is done about cookies that browsers refuse. */
enum cookie_checks { CHECKS_UNSAID = 0, CHECKS_FIX = 1, CHECKS_REFUSE = 2, CHECKS_OFF = 3 };

typedef struct {
    struct cookie_rules rules;
    struct cookie_keys *keys; /* NULL: none */
    uint32_t checks;          /* enum cookie_checks; unsaid: fix, where there are rules */
    int64_t open_limit;       /* cookies of a request that are opened */
} cookies_conf;

/* Places in the metrics. */
enum { SENT_CHANGED, SENT_FIXED, SENT_DROPPED, SENT_REFUSED };
enum { CAME_OPENED, CAME_REFUSED, CAME_OVER_LIMIT };

extern weir_metric *cookies_sent, *cookies_came;

/* The hook of the response's head: the policy, over every Set-Cookie line. */
int cookies_filter_head(weir_request *r, const void *conf);

/* The hook in front of all that asks for cookies: names and values as the application knows them.
 */
int cookies_open(weir_request *r, const void *conf);

#endif
