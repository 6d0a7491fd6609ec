/* csp/policy.h - a policy while the configuration is read: lines of blocks, merged down the levels,
 * to values for answers. */
#ifndef CSP_POLICY_H
#define CSP_POLICY_H

#include <weir/weir.h>

#include "grammar.h"

/* The words of each directive, one space between them; absent: the policy has it not. */
struct policy {
    weir_str at[CSP_DIRECTIVES_MAX];
};

/* `csp` lines of this very block: a local setting, empty in every inner block. */
struct own_policy {
    struct policy policy;
    bool off;
    uint32_t n;
};

/* The setters of csp and csp_report_only, whose field is a struct own_policy. */
int set_policy_line(weir_conf *cf, const weir_directive *d, void *field);
int set_report_only_line(weir_conf *cf, const weir_directive *d, void *field);

/* The setter of csp_policy and csp_report_only_policy, whose field is a struct policy: the text
 * takes its place. */
int set_policy_text(weir_conf *cf, const weir_directive *d, void *field);

/* Let a block's own lines take the place of the outer ones of the same directives. */
void policy_merge(struct policy *p, const struct own_policy *own);

/* How a policy is sent. */
struct policy_values {
    weir_value *page;  /* with answers that are pages; NULL: there is no policy */
    weir_value *other; /* with others: without what is made for one page */
    weir_value *meta;  /* in a page; NULL: nothing of it means anything there */
    bool has_nonce;    /* $csp_nonce stands in it */
};

/*
 * Compile p.
 *
 * hashes  $csp_script_hashes and $csp_style_hashes join the directives that say which inline
 * scripts and styles may run
 *
 * WEIR_OK, or WEIR_ERROR (reported).
 */
int policy_compile(weir_conf *cf, const struct policy *p, bool hashes,
                   struct policy_values *values);

#endif
