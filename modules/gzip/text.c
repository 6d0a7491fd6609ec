/* text.c - reading a User-Agent, writing a ratio. */
#include <stdio.h>

#include "gzip.h"

bool
gzip_old_msie(weir_str agent)
{
    const char *at = agent.len != 0 ? memmem(agent.data, agent.len, "MSIE ", 5) : NULL;
    size_t left;

    if (at == NULL) {
        return false;
    }
    left = agent.len - (size_t)(at - agent.data);
    if (left < 7 || at[6] != '.') {
        return false;
    }
    return at[5] == '4' || at[5] == '5' || (at[5] == '6' && memmem(at, left, "SV1", 3) == NULL);
}

size_t
gzip_ratio_text(uint64_t in, uint64_t out, char *to, size_t room)
{
    /* Whole part and rest apart: rest * 1000 fits for any body below 18 petabytes. */
    uint64_t thousandths = in % out * 1000 / out;
    uint64_t hundredths = in / out * 100 + (thousandths + 5) / 10;
    int n = snprintf(to, room, "%llu.%02u", (unsigned long long)(hundredths / 100),
                     (unsigned)(hundredths % 100));

    return n > 0 && (size_t)n < room ? (size_t)n : 0;
}
