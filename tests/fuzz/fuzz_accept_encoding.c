/* The weight of a coding depends on the first element that names it, else on the star, and on nothing else. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "wire/qvalue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t
weight_behind(const char *first, const uint8_t *data, size_t size, weir_str coding)
{
    size_t len = strlen(first);
    char *text = malloc(len + size + 1);
    uint32_t q;

    memcpy(text, first, len);
    memcpy(text + len, data, size);
    q = wr_qvalue_coding((weir_str){ text, len + size }, coding);
    free(text);
    return q;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const weir_str codings[] = { { "gzip", 4 }, { "br", 2 }, { "zstd", 4 } };
    weir_str field = { (const char *)data, size };

    for (size_t i = 0; i < WR_COUNT(codings); i++) {
        uint32_t q = wr_qvalue_coding(field, codings[i]);
        WR_ASSERT(q <= WR_QVALUE_MAX);
        WR_ASSERT(weight_behind("x-other;q=0.7, ", data, size, codings[i]) == q);
        WR_ASSERT(weight_behind(",, ", data, size, codings[i]) == q);
        WR_ASSERT(weight_behind("GZIP;q=0.3,BR;q=0.3,Zstd;q=0.3,", data, size, codings[i]) == 300);
        WR_ASSERT(weight_behind("gzip;q=0,br;q=0,zstd;q=0,*,", data, size, codings[i]) == 0);
    }
    WR_ASSERT(wr_qvalue_coding(field, WEIR_STR("identity")) <= WR_QVALUE_MAX);
    return 0;
}
