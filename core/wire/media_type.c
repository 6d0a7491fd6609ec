/* wire/media_type.c - see the header. */
#include "wire/media_type.h"

#include "base/str.h"

bool
wr_media_type_matches(weir_str essence, weir_str pattern)
{
    static const weir_str any_subtype = { "/*", 2 };

    if (pattern.len == 1 && pattern.data[0] == '*') {
        return true;
    }
    if (pattern.len > 2 && weir_str_ends(pattern, any_subtype)) {
        size_t prefix = pattern.len - 1; /* with the slash */
        return essence.len > prefix &&
               weir_str_ieq(weir_str_cut(essence, 0, prefix), weir_str_cut(pattern, 0, prefix));
    }
    return essence.len != 0 && weir_str_ieq(essence, pattern);
}

bool
wr_media_type_is_listed(weir_str essence, weir_items patterns)
{
    const char *at = patterns.at;

    for (uint32_t i = 0; i < patterns.count; i++, at += patterns.stride) {
        if (wr_media_type_matches(essence, *(const weir_str *)(const void *)at)) {
            return true;
        }
    }
    return false;
}
