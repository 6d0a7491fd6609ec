/* cache/purge_record.h - a purge, written down: what a file of the folder "purges" consists of.
 * Pure functions over bytes.
 *
 *     size | checksum | what | soft | hash, or tag | prefix
 */
#ifndef CACHE_PURGE_RECORD_H
#define CACHE_PURGE_RECORD_H

#include "store.h"

enum purge_what { PURGE_KEY = 1, PURGE_PREFIX, PURGE_TAG, PURGE_ALL };

enum { PURGE_RECORD_FIXED = 32, PURGE_RECORD_MAX = PURGE_RECORD_FIXED + UINT16_MAX };

struct purge_record {
    uint32_t what; /* enum purge_what */
    bool soft;
    uint64_t hash[2]; /* of a key */
    uint64_t tag;
    weir_str prefix; /* as read: a slice of the bytes */
};

/* The bytes of one; at most PURGE_RECORD_MAX, for prefixes of at most UINT16_MAX. */
size_t purge_record_size(const struct purge_record *r);

/* Write it at `to`; returns what is behind it. */
uint8_t *purge_record_write(uint8_t *to, const struct purge_record *r);

/* Take the next one off (*bytes, *n). False: there is none that is right. */
bool purge_record_read(const uint8_t **bytes, size_t *n, struct purge_record *r);

#endif
