/* csp/csp.h - what the files of this module share: a block's settings and a request's state. */
#ifndef CSP_CSP_H
#define CSP_CSP_H

#include <weir/weir.h>

#include "collect.h"
#include "hashes.h"
#include "policy.h"
#include "scanner.h"

enum {
    NONCE_BYTES = 18, /* 144 random bits: as base64 there is no padding */
    NONCE_LEN = NONCE_BYTES / 3 * 4,
    STAMP_BEFORE = 7, /* nonce=" */
    STAMP_LEN = STAMP_BEFORE + NONCE_LEN + 1
};

enum upstream_policy { UPSTREAM_KEEP, UPSTREAM_REPLACE };

/* One of the two policies: enforced, and for reports alone. */
struct side {
    struct own_policy own;
    struct policy settled;
    struct policy_values values; /* check() makes these */
};

struct marker_setting {
    const struct scan_marker *marker; /* NULL: off, or nothing was said */
    bool off;
};

typedef struct {
    struct side enforced, reported;
    bool meta;         /* the enforced policy stands in pages, too */
    uint32_t upstream; /* enum upstream_policy */
    weir_str nonce_header;
    struct marker_setting marker;
    struct hash_setting hashes;
    struct collector collector;
    const struct scan_marker *stamps; /* check(): what tags get nonces by; NULL: none do */
} csp_conf;

/* A client's request: what its answer has to do with policies. */
struct csp_state {
    char stamp[STAMP_LEN]; /* nonce="...", as a tag gets it */
    bool drawn;
    struct scanner scanner;
    weir_str meta;                   /* the element for the page's head; empty: none */
    size_t ahead;                    /* bytes on the filter's input that have been scanned */
    weir_chain scanned;              /* what may begin with the marker's secret */
    const struct page_hashes *found; /* of the page that is being answered with; NULL: none */
};

extern weir_metric *csp_tags, *csp_pages;

/* Labels of csp_tags: what became of marked tags. */
enum { TAG_STAMPED, TAG_REFUSED, TAG_HIDDEN, TAG_OUTCOMES };

/* The state of r's client's request, made on first use. */
struct csp_state *csp_state_of(weir_request *r);

/* The one nonce of the client's request, drawn on first use. */
weir_str csp_nonce(weir_request *r);

/* Are the bytes of pages changed: tags stamped, the policy written into them? */
static inline bool
csp_changes_pages(const csp_conf *c)
{
    return c->stamps != NULL || c->enforced.values.meta != NULL;
}

/* Hooks. */
int csp_request(weir_request *r, const void *conf);
int csp_headers(weir_request *r, const void *conf);
int csp_body(weir_request *r, const void *conf, weir_chain *in, weir_chain *out);

/* For weir -M. */
void csp_explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to);

#endif
