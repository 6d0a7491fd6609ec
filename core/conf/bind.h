/* conf/bind.h - statements to settings: the binder fills module structs by their typed rows and lets blocks inherit.
 *
 * A scope is one block of settings (http, a server, a location, an if): one pointer per module slot. Until a directive of a
 * module stands in a block, the block's pointer is its parent's; the first one makes a copy (copy on first directive). A
 * block's own directives are all bound before its inner blocks are entered, so that order in the file does not matter for
 * inheritance. This layer knows rows and fields; what modules there are, the `space` says.
 */
#ifndef WR_CONF_BIND_H
#define WR_CONF_BIND_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/conf.h>
#include <weir/module.h>

#include "conf/diag.h"
#include "conf/tree.h"

/* Row flags beyond the ABI's, for core tables. */
enum {
    /* The directive's block is a scope of its own (server, location, if): bound after the block's other directives. */
    WR_D_SCOPE = 1u << 16
};

/* What directives exist: implemented by module/registry. The modules stay the same from wr_scope_create_main to the end of the
 * load, and their tables are of our stride (sizeof(weir_directive)), their fields within their structs. */
struct wr_conf_space {
    uint32_t n_slots;
    const weir_module *const *modules; /* by slot */
    /* The row called name that may stand in `where` (all its WEIR_IN_* bits): true with slot and row (in that module's table). When there is none:
     * *elsewhere is a row of that name for other contexts, or NULL. */
    bool (*find)(const struct wr_conf_space *s, weir_str name, uint32_t where, uint32_t *slot,
                 const weir_directive **row, const weir_directive **elsewhere);
    /* Directive names for "did you mean": the i-th of those that may stand in one of the `where` contexts (UINT32_MAX: all
     * names); NULL past the last. May be NULL itself, as may foreign. */
    const char *(*name_at)(const struct wr_conf_space *s, uint32_t i, uint32_t where);
    /* A word for a directive that weir does not have but nginx does ("ngx_http_dav_module ..."), or NULL. */
    const char *(*foreign)(const struct wr_conf_space *s, weir_str name);
};

/* One appearance of a directive, kept so that `weir -M` can say where a setting comes from. */
struct wr_scope_origin {
    struct wr_scope_origin *next;
    const struct wr_conf_node *node;
    const weir_directive *row;
    uint32_t slot;
};

struct wr_scope {
    const struct wr_scope *parent; /* NULL: the outermost (main) */
    const void **conf;             /* by slot; NULL for modules without a struct */
    uint32_t where;                /* its WEIR_IN_* bit; of a branch of a server SERVER and LOCATION */
    const struct wr_conf_node *node; /* whose block it is; NULL for main */
    struct wr_scope_origin *origins; /* directives that stand in this very block, in order */
    struct wr_scope_origin *last_origin;
    bool has_local; /* one of them is LOCAL */
};

struct wr_tls_bank;

/* What weir_conf of the ABI is inside: the state of one load. */
struct weir_conf {
    struct weir_pool *pool;    /* the configuration's */
    struct weir_pool *scratch; /* memory of the load: ends with the tree, when all is bound and said. NULL: pool is as good */
    struct wr_diag *diag;
    const struct wr_conf_space *space;
    void *owner;                 /* the layer above's: the generation being built */
    struct wr_scope *scope;      /* the block being bound */
    const struct wr_conf_node *node; /* the statement being bound; NULL outside */
    uint32_t slot;               /* the module whose code is running */
    weir_str prefix;             /* for PATH: "/usr/local/weir/" */
    weir_str folder;             /* of the main file, for certificates as in nginx: "/usr/local/weir/conf/" */
    bool compat_nginx;           /* `compat nginx;` stands in the main context: rows with `compat` begin with that
                          * instead of their preset; to be set before wr_scope_create_main */
    struct wr_tls_bank *tls; /* what it has of TLS: tls/bank.h */
    /* Types whose values the layer above makes: VALUE, ZONE, UPSTREAM. Fill field; WEIR_OK or a reported error. */
    int (*make_value)(struct weir_conf *cf, weir_str text, weir_value **field);
    int (*make_zone)(struct weir_conf *cf, weir_str text, weir_zone **field);
    /* The folder at path (absolute) has to be there before workers start, theirs to write to. NULL: nobody cares. */
    void (*make_folder)(struct weir_conf *cf, weir_str path);
    int (*make_upstream)(struct weir_conf *cf, weir_str text, weir_upstream **field);
    /* The binder's own. */
    struct wr_rows *rows;             /* what it knows of the modules' rows */
    struct wr_setter_room *strs_room; /* lists of the block being bound that may grow in place */
    bool block_read; /* the statement's block was read by the running code: unread blocks are faults */
};

/* Where to put what only the load needs. */
static inline struct weir_pool *
wr_conf_scratch(const struct weir_conf *cf)
{
    return cf->scratch != NULL ? cf->scratch : cf->pool;
}

/* The outermost scope: every module's struct with its presets. cf->scope becomes it. */
struct wr_scope *wr_scope_create_main(struct weir_conf *cf);

/* An inner scope of `parent` for node's block; shares the parent's structs until bound, but for those in which the parent's
 * own directives set LOCAL fields: of these it gets copies without them. To be made once the parent's own are bound. */
struct wr_scope *wr_scope_create(struct weir_conf *cf, const struct wr_scope *parent, uint32_t where,
                                 const struct wr_conf_node *node);

/*
 * Bind the statements first, first->next, ... in scope: copy on first directive, typed rows, setters, then check() of every
 * module that was touched, then the WR_D_SCOPE rows' setters. For the outermost scope check() runs for every module.
 *
 * A copy has the parent's value in the fields that rows name; the others are zero, for check() to fill. MANY and STRS fields
 * are emptied at their first appearance in the block (a field that two rows share, once); a row whose size is 0 has no field:
 * its setter gets NULL, and no copy is made for it. A block in which a statement was wrong is not checked; the blocks within
 * it are bound all the same.
 *
 * Faults go to cf->diag, all of them; answers whether there were none here. cf->scope and cf->node are as before afterwards.
 * A row's setter that answers an error without having reported one gets a general report.
 */
bool wr_scope_bind(struct weir_conf *cf, struct wr_scope *scope, const struct wr_conf_node *first);

/* This module's struct in scope, for writing: makes the block's own copy if it still shares (used by core setters). check()
 * sees it when this happens before, or in the first pass of, the scope's binding. */
void *wr_scope_own(struct weir_conf *cf, struct wr_scope *scope, uint32_t slot);

/* Where the setting of `row` in scope was made: the innermost appearance, or NULL for the preset. */
const struct wr_scope_origin *wr_scope_origin(const struct wr_scope *scope, uint32_t slot,
                                              const weir_directive *row);

#endif
