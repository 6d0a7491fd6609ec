/* module/shared_map.h - maps in shared memory: what weir_map of the ABI is inside.
 *
 * A hash table with chains over the zone's allocator, under the zone's one lock. Entries are also in a list by last use, from
 * whose old end room is made. The hash is keyed, and keys are compared whole, so no client can choose colliding keys or pass
 * for another. A process that dies inside leaves a map that the next one empties: losing counters beats trusting torn lists.
 */
#ifndef WR_MODULE_SHARED_MAP_H
#define WR_MODULE_SHARED_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <weir/shm.h>

#include "module/zone.h"

struct wr_shared_entry {
    struct wr_shared_entry *next;        /* in its chain */
    struct wr_shared_entry *newer, *older; /* by last use */
    uint64_t hash;
    uint64_t expires; /* weir_now() when it ends; 0: never */
    uint32_t key_len;
    uint32_t reserved;
    uint8_t data[]; /* the value, padded to 8 bytes, then the key */
};

struct weir_map {
    uint32_t tag;
    uint32_t n_buckets; /* a power of two */
    struct wr_zone_head *head;
    struct wr_shared_entry **buckets;
    struct wr_shared_entry *newest, *oldest;
    uint8_t *scratch; /* one value, for weir_map_update */
    size_t value_size;
    size_t value_room; /* padded */
    uint64_t count;
    uint64_t evicted;
    uint64_t resets; /* times it was emptied because a process died inside */
};

enum { WR_SHARED_KEY_MAX = 65536, WR_SHARED_VALUE_MAX = 65536 };

#endif
