/* Purges as they are written down: what is accepted has its checksum right, lies inside, and
 * written again is the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#include "../modules/cache/crc.c"
#include "../modules/cache/purge_record.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct purge_record r;
    const uint8_t *p = data, *before = p;
    size_t left = size;

    while (purge_record_read(&p, &left, &r)) {
        size_t n = purge_record_size(&r);
        uint8_t *again = malloc(n);
        WR_ASSERT(again != NULL && (size_t)(p - before) == n && p + left == data + size);
        WR_ASSERT(n <= PURGE_RECORD_MAX && r.what >= PURGE_KEY && r.what <= PURGE_ALL);
        WR_ASSERT(purge_record_write(again, &r) == again + n);
        WR_ASSERT(little_get(before + AT_CRC, 4) == check(before, n));
        free(again);
        before = p;
    }
    return 0;
}
