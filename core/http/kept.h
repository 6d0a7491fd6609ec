/* http/kept.h - compressed bodies of this worker: the second answer with one costs no compression.
 *
 * An entry is the whole coded body of one file as it was (identity, size, both times), or of what a module has given an identity
 * (weir_out_identity), by one coding in one shape. Entries are counted: an answer under way keeps its bytes. All bytes together,
 * also of what is being collected, stay below compress_memory; what was not asked for longest goes first.
 */
#ifndef WR_HTTP_KEPT_H
#define WR_HTTP_KEPT_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/coding.h>

#include "base/pool.h"
#include "http/file_cache.h"

enum { WR_KEPT_GIVEN = 40 };

/* An identity that a module has given; 8-byte units, so equal ones are the same bytes. */
struct wr_kept_given {
    uint64_t len; /* 0: none */
    char bytes[WR_KEPT_GIVEN];
};

struct wr_kept_key {
    struct wr_file_identity file; /* all zero: it is no file */
    struct wr_kept_given given;
    const weir_coding *coding;
    weir_coding_shape shape;
};

struct wr_kept;    /* an entry */
struct wr_keeping; /* one being collected */

/* Once a worker; bytes 0: nothing is kept. */
void wr_kept_init(uint64_t bytes);
void wr_kept_fini(void);

/* The entry, counted for the caller; NULL: there is none. */
struct wr_kept *wr_kept_find(const struct wr_kept_key *key);
weir_str wr_kept_bytes(const struct wr_kept *k);
uint64_t wr_kept_plain_bytes(const struct wr_kept *k); /* how many they were before */
void wr_kept_unref(void *k);

/* Begin to collect one, for as long as owner lives; NULL: nothing is kept. */
struct wr_keeping *wr_keeping_begin(weir_pool *owner, const struct wr_kept_key *key);

/* More of it. One that grows too long is given up, and takes no memory from then on. */
void wr_keeping_add(struct wr_keeping *k, const uint8_t *bytes, size_t len);

/* That was all, of so many bytes before it was coded: it is an entry now, unless there is one already. */
void wr_keeping_finish(struct wr_keeping *k, uint64_t plain_bytes);

#endif
