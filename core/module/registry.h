/* module/registry.h - the modules of one configuration, and what their tables say: which directive is whose.
 *
 * Made for a configuration before it is bound: built-in modules first, then load_module lines, then what the index of the
 * bundled modules names for the directives, variables and interfaces in use. It is the wr_conf_space that binding asks, and
 * lives in the configuration's pool.
 */
#ifndef WR_MODULE_REGISTRY_H
#define WR_MODULE_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/module.h>

#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/vec.h"
#include "conf/bind.h"
#include "conf/diag.h"
#include "conf/tree.h"
#include "module/loader.h"
#include "module/zone.h"

struct wr_metric_row;  /* metric.h */
struct wr_index;       /* index.h */

/* The fields of a module that is part of the server: `static weir_self x_self = WR_SELF;`
 * `const weir_module wr_x_module = { WR_BUILTIN(&x_self, "x"), .conf_size = ... };` */
#define WR_SELF { UINT32_MAX, { 0 } }
#define WR_BUILTIN(self_, name_)                                                                   \
    .magic = WEIR_MAGIC, .abi_major = WEIR_ABI_MAJOR, .abi_minor = WEIR_ABI_MINOR,                 \
    .size = sizeof(weir_module), .self = (self_), .name = (name_), .version = "1.0"

struct wr_registry_module {
    const weir_module *module;
    bool by_name; /* came by load_module */
};

struct wr_registry_row {
    const weir_directive *row;
    uint32_t slot;
    uint32_t next; /* index + 1 of the next row of that name; 0: none */
};

struct wr_registry {
    struct wr_conf_space space; /* first: cf->space is a registry; modules[] has NULL for slots not in use here */
    uint32_t tag;
    struct weir_pool *pool;
    const char *folder;            /* of the bundled modules and of relative load_module paths */
    struct wr_zone_list *zones;    /* shared memory that outlives this configuration */
    struct wr_vec modules;         /* const weir_module *, by slot: what space.modules shows */
    struct wr_vec sorted;          /* const weir_module *, by name */
    struct wr_vec loaded;          /* struct wr_registry_module, in the order they came */
    struct wr_vec rows;            /* struct wr_registry_row, in the order they came */
    struct wr_map row_by_name;     /* to the first row of that name, as index + 1 */
    struct wr_index *index;        /* of the bundled modules, once read */
    struct wr_list own_zones;             /* zone.h: the zones of this configuration */
    const struct wr_metric_row *metrics;  /* metric.h: in order of exported names */
    uint32_t n_metrics;
};

/*
 * A registry with the server's own modules.
 *
 * folder   of the modules, zero-terminated; kept
 * builtin  n modules with `self`; kept. Those of the first registry of a process have slots 0 to n - 1
 * zones    shared memory kept over reloads, the master's; NULL: no zones can be claimed
 */
void wr_registry_init(struct wr_registry *reg, struct weir_pool *pool, const char *folder,
                      const weir_module *const *builtin, uint32_t n, struct wr_zone_list *zones);

/*
 * Load the file at path (relative to the modules folder, also when it begins with "modules/", as nginx's files do) and
 * take its module in; sha256 absent: any contents.
 *
 * False after an error at `place` in diag.
 */
bool wr_registry_load(struct wr_registry *reg, weir_str path, weir_str sha256,
                      struct wr_conf_place place, struct wr_diag *diag);

/*
 * Everything a configuration needs: its load_module statements, modules that are always there, then by the index those
 * of its directives, its variables, and the interfaces that modules need. At the end no two modules have the same name or
 * the same directive in one context, and what every module `needs` is offered.
 *
 * False after errors in diag.
 */
bool wr_registry_prepare(struct wr_registry *reg, const struct wr_conf_tree *tree,
                         struct wr_diag *diag);

/* The module called name, or NULL. */
const weir_module *wr_registry_find(const struct wr_registry *reg, weir_str name);

/* The i-th module by name, or NULL. */
const weir_module *wr_registry_at(const struct wr_registry *reg, uint32_t i);

/* The registry behind a configuration that is being read. */
struct wr_registry *wr_registry_of(const struct weir_conf *cf);

#endif
