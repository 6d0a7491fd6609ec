/* cache/snapshot.h - the file "index": what the index knew when it was written. A hint: whatever it
 * says of a file is held against the file. Pure functions over bytes.
 *
 *     mark, check of the secret | block | block ...
 *
 * A block is its length, its checksum, and records.
 */
#ifndef CACHE_SNAPSHOT_H
#define CACHE_SNAPSHOT_H

#include "store.h"

enum {
    SNAPSHOT_HEAD = 16,
    SNAPSHOT_BLOCK_HEAD = 8,
    SNAPSHOT_BLOCK = 64 << 10, /* a block is begun anew past this */
    SNAPSHOT_BLOCK_MAX = 256 << 10
};

struct snapshot_record {
    uint64_t hash[2], file, size;
    uint32_t unused_s; /* seconds since its last use */
    uint32_t flags;    /* 1: stale */
    uint32_t n_tags;
    weir_str key;
    uint64_t tags[STORE_TAGS_MAX];
};

void snapshot_head_write(uint8_t to[SNAPSHOT_HEAD], uint64_t check);
bool snapshot_head_read(const uint8_t bytes[SNAPSHOT_HEAD], uint64_t check);

/* The bytes of one record. */
size_t snapshot_record_size(uint32_t n_tags, size_t key_len);

/* Append it at `to`; returns where the next one goes. */
uint8_t *snapshot_record_write(uint8_t *to, const struct snapshot_record *r);

/* Complete a block whose records are n bytes behind SNAPSHOT_BLOCK_HEAD. */
void snapshot_block_write(uint8_t *block, size_t n);

/* How long are the records of the block that begins so? 0: it is none. */
uint32_t snapshot_block_tells_size(const uint8_t head[SNAPSHOT_BLOCK_HEAD]);

/* Is the block whole? */
bool snapshot_block_whole(const uint8_t *block);

/* Take the next record off (*bytes, *n). False: there is none that is right. */
bool snapshot_record_read(const uint8_t **bytes, size_t *n, struct snapshot_record *r);

#endif
