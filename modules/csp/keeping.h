/* csp/keeping.h - who may keep a page that is made for one reader. */
#ifndef CSP_KEEPING_H
#define CSP_KEEPING_H

#include <weir/weir.h>

/* Keep the answer from shared caches, and from being confirmed by a 304: the next one has another
 * nonce. */
void keeping_guard(weir_request *r);

#endif
