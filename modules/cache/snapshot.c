/* cache/snapshot.c - records and blocks of a snapshot. Numbers are little-endian. */
#include "snapshot.h"

#include "crc.h"
#include "little.h"

enum {
    AT_HASH = 0,
    AT_FILE = 16,
    AT_SIZE = 24,
    AT_UNUSED = 32,
    AT_FLAGS = 36,
    AT_N_TAGS = 40,
    AT_KEY_LEN = 44,
    FIXED = 48,
    KEY_MAX = 65535
};

static const char mark[9] = "weiridx1";

void
snapshot_head_write(uint8_t to[SNAPSHOT_HEAD], uint64_t check)
{
    memcpy(to, mark, 8);
    little_put(to + 8, check, 8);
}

bool
snapshot_head_read(const uint8_t bytes[SNAPSHOT_HEAD], uint64_t check)
{
    return memcmp(bytes, mark, 8) == 0 && little_get(bytes + 8, 8) == check;
}

size_t
snapshot_record_size(uint32_t n_tags, size_t key_len)
{
    return FIXED + n_tags * sizeof(uint64_t) + key_len;
}

uint8_t *
snapshot_record_write(uint8_t *to, const struct snapshot_record *r)
{
    little_put(to + AT_HASH, r->hash[0], 8);
    little_put(to + AT_HASH + 8, r->hash[1], 8);
    little_put(to + AT_FILE, r->file, 8);
    little_put(to + AT_SIZE, r->size, 8);
    little_put(to + AT_UNUSED, r->unused_s, 4);
    little_put(to + AT_FLAGS, r->flags, 4);
    little_put(to + AT_N_TAGS, r->n_tags, 4);
    little_put(to + AT_KEY_LEN, r->key.len, 4);
    to += FIXED;
    for (uint32_t i = 0; i < r->n_tags; i++, to += 8) {
        little_put(to, r->tags[i], 8);
    }
    if (r->key.len != 0) {
        memcpy(to, r->key.data, r->key.len);
    }
    return to + r->key.len;
}

void
snapshot_block_write(uint8_t *block, size_t n)
{
    little_put(block, n, 4);
    little_put(block + 4, crc_add(0, block + SNAPSHOT_BLOCK_HEAD, n), 4);
}

uint32_t
snapshot_block_tells_size(const uint8_t head[SNAPSHOT_BLOCK_HEAD])
{
    uint64_t n = little_get(head, 4);

    return n <= SNAPSHOT_BLOCK_MAX - SNAPSHOT_BLOCK_HEAD ? (uint32_t)n : 0;
}

bool
snapshot_block_whole(const uint8_t *block)
{
    uint32_t n = snapshot_block_tells_size(block);

    return n != 0 && little_get(block + 4, 4) == crc_add(0, block + SNAPSHOT_BLOCK_HEAD, n);
}

bool
snapshot_record_read(const uint8_t **bytes, size_t *n, struct snapshot_record *r)
{
    const uint8_t *p = *bytes;
    size_t key_len, size;

    if (*n < FIXED) {
        return false;
    }
    r->n_tags = (uint32_t)little_get(p + AT_N_TAGS, 4);
    key_len = (size_t)little_get(p + AT_KEY_LEN, 4);
    if (r->n_tags > STORE_TAGS_MAX || key_len > KEY_MAX) {
        return false;
    }
    size = snapshot_record_size(r->n_tags, key_len);
    r->file = little_get(p + AT_FILE, 8);
    r->size = little_get(p + AT_SIZE, 8);
    if (size > *n || r->file == 0 || r->size > INT64_MAX) {
        return false;
    }
    r->hash[0] = little_get(p + AT_HASH, 8);
    r->hash[1] = little_get(p + AT_HASH + 8, 8);
    r->unused_s = (uint32_t)little_get(p + AT_UNUSED, 4);
    r->flags = (uint32_t)little_get(p + AT_FLAGS, 4);
    for (uint32_t i = 0; i < r->n_tags; i++) {
        r->tags[i] = little_get(p + FIXED + 8 * i, 8);
    }
    r->key = (weir_str){ (const char *)p + size - key_len, key_len };
    *bytes += size;
    *n -= size;
    return true;
}
