/* cache/file.h - what a file of the cache looks like. Pure functions over bytes.
 *
 *     head | block | block | ... | head | head ...
 *
 * A head is a fixed part, then key, tags, reason, note, fields, all under one CRC32C. A block is up
 * to 64 KiB of the body and its CRC32C, into which the file's number and the block's place go as
 * well. Heads behind the last block are newer ones for the same body (a 304, a soft purge): the
 * last whole one holds. So every cut leaves something older that is whole, or nothing. Whatever is
 * read was written by nobody to be trusted.
 */
#ifndef CACHE_FILE_H
#define CACHE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/weir.h>

#include "store.h"

enum {
    FILE_BLOCK = 64 << 10,
    FILE_CRC = 4,
    FILE_HEAD_MAX = 1 << 20,
    FILE_TAIL_MAX = 1 << 20, /* bytes of newer heads; a file with more is given up */
    FILE_FIELDS_MAX = 4096
};

enum file_flag { FILE_STALE = 1u << 0 };

struct file_head { /* as read: strings are slices of the bytes */
    uint32_t size; /* bytes of the head */
    uint32_t flags;
    uint32_t status, meta_flags;
    uint32_t n_fields, n_tags;
    uint64_t file, hash[2], length, times[8];
    weir_str key, reason, note;
    const uint8_t *tags, *fields;
};

/* How many bytes the head of such a response takes; 0: too many. */
size_t file_head_size(weir_str key, const struct store_meta *m);

/* Write it; m->length is the body's. */
void file_head_write(uint8_t *to, weir_str key, const struct store_meta *m, uint64_t file,
                     const uint64_t hash[2], uint32_t flags);

/* Read one. False: it is none, or damaged. n may be more than the head. */
bool file_head_read(const uint8_t *bytes, size_t n, struct file_head *h);

/* How many bytes a head takes, by its beginning (n >= FILE_HEAD_FIRST); 0: it is none. */
enum { FILE_HEAD_FIRST = 16 };
uint32_t file_head_tells_size(const uint8_t *bytes);

/* Is it a head as another version of this server writes it? Then the file is none of ours, and not
 * damaged either. */
bool file_is_of_another_time(const uint8_t *bytes);

/* The last whole of the heads in n bytes of tail that are about the same file as h: into h. How
 * many bytes they take. */
size_t file_tail_read(const uint8_t *bytes, size_t n, struct file_head *h);

/* Its meta: fields into pairs (n_fields of them), tags into tags. */
void file_head_pairs(const struct file_head *h, weir_pair *pairs);
void file_head_tags(const struct file_head *h, uint64_t *tags);

/* Where block i begins, and where what is behind the last one does. */
static inline uint64_t
file_block_at(uint32_t head_size, uint64_t i)
{
    return head_size + i * (FILE_BLOCK + FILE_CRC);
}

static inline uint64_t
file_end(uint32_t head_size, uint64_t length)
{
    return head_size + length + (length + FILE_BLOCK - 1) / FILE_BLOCK * FILE_CRC;
}

/* The checksum of block i. */
uint32_t file_block_crc(uint64_t file, uint64_t i, const void *bytes, size_t n);

#endif
