/* Any bytes as text: what they become does not depend on where they are cut nor on the room for it,
 * and texts of bytes that go to UTF-8 and back are the same but for what stands for nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/pool.h"

#include "../modules/charset/table.c"
#include "../modules/charset/convert.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 512 };

static struct weir_pool *pool;
static const struct charset_table *cyrillic;

/* Convert in two pieces, `room` bytes of output at a time; the length of what comes out. */
static size_t
run(struct conversion c, const uint8_t *data, size_t size, size_t cut, size_t room, uint8_t *out)
{
    const uint8_t *ends[] = { data + cut, data + size };
    uint8_t *put = out;

    for (int i = 0; i < 2; i++) {
        while (data < ends[i]) {
            const uint8_t *before = data;
            uint8_t *begin = put;
            convert(&c, &data, (size_t)(ends[i] - data), &put, room);
            WR_ASSERT(data > before && (size_t)(put - begin) <= room);
        }
    }
    convert_end(&c, &put);
    WR_ASSERT((size_t)(put - out) <= size * CONVERT_MOST);
    return (size_t)(put - out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t whole[TEXT_MAX * CONVERT_MOST], cut[TEXT_MAX * CONVERT_MOST];
    struct conversion there = { NULL, NULL, 0, 0, 0, 0 }, back = there;
    size_t n, at;

    if (pool == NULL) {
        pool = wr_pool_create("fuzz", NULL);
        WR_ASSERT(charset_find(pool, WEIR_STR("windows-1251"), &cyrillic) == CHARSET_BYTES);
    }
    if (size < 2 || size - 2 > TEXT_MAX) {
        return 0;
    }
    there.to = back.from = cyrillic;
    at = data[0] % (size - 1);
    n = run(there, data + 2, size - 2, 0, sizeof(whole), whole);
    WR_ASSERT(run(there, data + 2, size - 2, at, CONVERT_MOST + data[1], cut) == n &&
              memcmp(whole, cut, n) == 0);

    n = run(back, data + 2, size - 2, 0, sizeof(whole), whole);
    WR_ASSERT(run(back, data + 2, size - 2, at, CONVERT_MOST + data[1], cut) == n &&
              memcmp(whole, cut, n) == 0);
    WR_ASSERT(n <= 3 * (size - 2));
    static uint8_t again[3 * TEXT_MAX * CONVERT_MOST];
    WR_ASSERT(run(there, whole, n, 0, sizeof(again), again) == size - 2);
    for (size_t i = 0; i < size - 2; i++) {
        WR_ASSERT(again[i] == data[i + 2] || (again[i] == '?' && data[i + 2] == 0x98));
    }
    return 0;
}
