/* What is read as a date and printed as one is read again as the same time. */
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "wire/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now, seconds = INT64_MIN, again;
    char text[30];

    if (size < 8) {
        return 0;
    }
    memcpy(&now, data, 8);
    if (!wr_date_parse((weir_str){ (const char *)data + 8, size - 8 }, now, &seconds)) {
        WR_ASSERT(seconds == INT64_MIN);
        return 0;
    }
    WR_ASSERT(seconds >= -INT64_C(62167219200) && seconds <= INT64_C(253402300800));
    if (seconds >= 0 && seconds < INT64_C(253402300800)) {
        wr_clock_format_http(text, seconds);
        WR_ASSERT(wr_date_parse((weir_str){ text, 29 }, now, &again) && again == seconds);
    }
    return 0;
}
