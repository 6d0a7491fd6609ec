/* Blocks of the cache's snapshot: what is accepted has its checksum right, records lie inside, and
 * written again are the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#include "../modules/cache/crc.c"
#include "../modules/cache/snapshot.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_records(const uint8_t *bytes, size_t n)
{
    struct snapshot_record r;
    const uint8_t *p = bytes, *before = p;
    size_t left = n;

    while (snapshot_record_read(&p, &left, &r)) {
        size_t size = snapshot_record_size(r.n_tags, r.key.len);
        uint8_t *again = malloc(size);
        WR_ASSERT(again != NULL && (size_t)(p - before) == size && p + left == bytes + n);
        WR_ASSERT(snapshot_record_write(again, &r) == again + size);
        WR_ASSERT(memcmp(again, before, size) == 0);
        free(again);
        before = p;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *block;
    uint32_t tells;

    if (size < SNAPSHOT_BLOCK_HEAD) {
        return 0;
    }
    tells = snapshot_block_tells_size(data);
    if (tells != 0 && tells <= size - SNAPSHOT_BLOCK_HEAD) {
        bool whole = snapshot_block_whole(data);
        WR_ASSERT(!whole ||
                  crc_add_plain(0, data + SNAPSHOT_BLOCK_HEAD, tells) == little_get(data + 4, 4));
    }
    block = malloc(size);
    WR_ASSERT(block != NULL);
    memcpy(block, data, size);
    read_records(block + SNAPSHOT_BLOCK_HEAD, size - SNAPSHOT_BLOCK_HEAD);
    free(block);
    return 0;
}
