/* wire/media_type.c - see the header. */
#include "wire/media_type.h"

#include "base/assert.h"
#include "base/str.h"

/* Which of the types that have several names it is; 0: one with a single name.  [RFC 9239 6, RFC 7303 9.2] */
static int
family(weir_str essence)
{
    static const struct {
        weir_str name;
        int family;
    } names[] = { { { "text/javascript", 15 }, 1 },
                  { { "application/javascript", 22 }, 1 },
                  { { "application/x-javascript", 24 }, 1 },
                  { { "application/xml", 15 }, 2 },
                  { { "text/xml", 8 }, 2 } };

    for (size_t i = 0; i < WR_COUNT(names); i++) {
        if (weir_str_ieq(essence, names[i].name)) {
            return names[i].family;
        }
    }
    return 0;
}

static bool
matches(weir_str essence, int its_family, weir_str pattern)
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
    return essence.len != 0 &&
           (weir_str_ieq(essence, pattern) || (its_family != 0 && its_family == family(pattern)));
}

bool
wr_media_type_matches(weir_str essence, weir_str pattern)
{
    return matches(essence, family(essence), pattern);
}

bool
wr_media_type_is_listed(weir_str essence, weir_items patterns)
{
    const char *at = patterns.at;
    int its_family = family(essence);

    for (uint32_t i = 0; i < patterns.count; i++, at += patterns.stride) {
        if (matches(essence, its_family, *(const weir_str *)(const void *)at)) {
            return true;
        }
    }
    return false;
}
