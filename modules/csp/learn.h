/* csp/learn.h - the policy that would have let pass what was reported, in a file of csp lines.
 *
 * What has been learned is shared by the workers, and stays over reloads. It is bounded: who can
 * send reports can send any.
 */
#ifndef CSP_LEARN_H
#define CSP_LEARN_H

#include <weir/weir.h>

#include "reports.h"

enum { LEARN_SOURCE_MAX = 120, LEARN_SOURCES_MAX = 512 };

/* A source of a directive of the policy. */
struct learned_source {
    uint8_t directive; /* enum csp_directive */
    uint8_t len;
    char text[LEARN_SOURCE_MAX];
};

/* Shared. */
struct learned {
    uint32_t n, version;
    struct learned_source at[LEARN_SOURCES_MAX];
};

struct learn_setting {
    weir_str path; /* absent: nothing is learned */
    weir_zone *zone;
};

/* csp_learn FILE | off */
int set_learn(weir_conf *cf, const weir_directive *d, void *field);

/* Add what v lacks, and write the file if that is news. */
void learn_from(weir_request *r, const struct learn_setting *s, const struct violation *v);

/* Add to l, in memory nobody else changes: what v's policy has for the directive, so that the line
 * can take its place, and what v lacked. True: it is news. */
bool learned_add(struct learned *l, const struct violation *v);

/* The lines, as text in pool. */
weir_str learned_lines(weir_pool *pool, const struct learned *l);

#endif
