/* conf/source.h - the files of a configuration: each is read once, however often it is included,
 * and kept whole for messages and -T. */
#ifndef WR_CONF_SOURCE_H
#define WR_CONF_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/map.h"
#include "base/pool.h"
#include "conf/diag.h"
#include "conf/tree.h"

struct wr_source_set {
    struct weir_pool *pool;
    struct wr_conf_source *first, *last; /* in the order read */
    struct wr_conf_source **table; /* by the hash of name and site; open addressing, never full */
    size_t room, count;
    struct wr_map texts; /* struct wr_site_text by name: what sites have read from files */
};

void wr_source_set_init(struct wr_source_set *set, struct weir_pool *pool);

/* The file called name, read now unless it was before. Every site has sources of its own (NULL: those
 * of no site), so that a fault in a file that several include is each one's. NULL after an error,
 * with its place `at`, in diag: it cannot be opened or read, is longer than WR_CONF_FILE_MAX, or
 * holds a NUL byte. */
const struct wr_conf_source *wr_source_read(struct wr_source_set *set, struct wr_site *site,
                                            weir_str name, struct wr_conf_place at,
                                            struct wr_diag *diag);

/* A text that is no file: it is not found by wr_source_read. text must live as long as the pool.
 * NULL after an error. */
const struct wr_conf_source *wr_source_add_text(struct wr_source_set *set, weir_str name,
                                                weir_str text, struct wr_diag *diag);

#endif
