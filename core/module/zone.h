/* module/zone.h - zones: named shared memory of modules, kept over reloads.
 *
 * A configuration has zones by name (`limit_req_zone ... zone=a:10m`); the memory behind one is a region, known by name,
 * layout and size in a list of the master's. A configuration that asks for the same three gets the same region; another
 * layout or size makes a new region beside the old one, which goes when the last configuration that uses it goes.
 * What is in a region: head (lock, root), then a slab allocator over the rest.
 */
#ifndef WR_MODULE_ZONE_H
#define WR_MODULE_ZONE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/conf.h>
#include <weir/shm.h>

#include "base/list.h"
#include "base/shm.h"
#include "base/slab.h"
#include "conf/diag.h"

struct wr_registry;

enum { WR_ZONE_SIZE_MIN = 32768, WR_ZONE_OWN_WORDS = 16 };

/* The regions of a master. */
struct wr_zone_list {
    struct wr_list regions;
};

/* The beginning of a region, in shared memory. */
struct wr_zone_head {
    uint32_t tag;
    bool map;                 /* weir_map has all of it: nobody else allocates */
    bool locked;              /* by weir_zone_lock, or it is being filled: who allocates may */
    struct wr_shm_mutex lock; /* of all of it, the allocator too */
    void *root;
    struct wr_slab *slab;
    uint64_t own[WR_ZONE_OWN_WORDS]; /* shared_map.c's struct, which must stay when the allocator is emptied */
};

struct wr_zone_region {
    struct wr_list link; /* in wr_zone_list */
    char *name, *layout;
    uint64_t size;
    uint32_t refs; /* configurations that use it */
    struct wr_shm shm;
    struct wr_zone_head *head;
};

/* What weir_zone of the ABI is inside: a zone of one configuration. */
struct weir_zone {
    uint32_t tag;
    struct wr_list link; /* in wr_registry.own_zones */
    weir_str name;
    uint64_t size;      /* as declared; 0: not declared (yet) */
    const char *layout; /* claimed for; NULL: not claimed */
    struct wr_zone_region *region; /* NULL until claimed */
    void *(*fresh)(void *data, weir_zone *z);
    void *data;
    struct wr_conf_place place; /* of the first mention */
};

void wr_zone_list_init(struct wr_zone_list *l);

/* The value of a WEIR_T_ZONE argument, "name:size" or "name", for weir_conf.make_zone. */
int wr_zone_make(weir_conf *cf, weir_str text, weir_zone **field);

/* After binding: report zones that are mentioned and nowhere given a size. */
bool wr_zone_check(const struct wr_registry *reg, struct wr_diag *diag);

#endif
