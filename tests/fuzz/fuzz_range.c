/* Ranges are inside the file, apart from one another, at most as many as allowed, and add up to at most the file. */
#include <string.h>

#include "base/assert.h"
#include "wire/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct wr_range *ranges, uint32_t count, uint64_t file)
{
    uint64_t left = file;

    for (uint32_t i = 0; i < count; i++) {
        WR_ASSERT(ranges[i].first <= ranges[i].last && ranges[i].last < file);
        WR_ASSERT(wr_range_bytes(ranges[i]) <= left);
        left -= wr_range_bytes(ranges[i]);
        for (uint32_t k = 0; k < i; k++) {
            WR_ASSERT(ranges[k].last < ranges[i].first || ranges[i].last < ranges[k].first);
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wr_range ranges[16];
    struct wr_etag tag = { { "\"x\"", 3 }, false };
    uint64_t file;
    uint32_t count = 0, max;
    weir_str field;

    if (size < 9) {
        return 0;
    }
    memcpy(&file, data, 8);
    max = data[8] & 15;
    field = (weir_str){ (const char *)data + 9, size - 9 };
    if (wr_range_parse(field, file, ranges, max, &count) == WR_RANGE_PARTS) {
        WR_ASSERT(count >= 1 && count <= max);
        check(ranges, count, file);
    } else {
        WR_ASSERT(count == 0);
    }
    (void)wr_range_if_range(field, tag, (int64_t)file, INT64_MAX);
    return 0;
}
