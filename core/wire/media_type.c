/* wire/media_type.c - see the header. */
#include "wire/media_type.h"

#include "base/str.h"
#include "wire/chars.h"
#include "wire/field_list.h"

bool
wr_media_type_parse(weir_str field, struct wr_media_type *type)
{
    struct wr_media_type t;
    size_t slash;

    t.essence = wr_field_head(field, &t.params);
    slash = weir_str_find(t.essence, '/');
    t.type = weir_str_cut(t.essence, 0, slash);
    t.subtype = weir_str_cut(t.essence, slash + 1, t.essence.len);
    if (!wr_char_is_token(t.type) || !wr_char_is_token(t.subtype)) {
        return false;
    }
    *type = t;
    return true;
}

weir_str
wr_media_type_charset(const struct wr_media_type *type)
{
    static const weir_str charset = { "charset", 7 };
    weir_str value = wr_field_param(type->params, charset);

    if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"') {
        value = weir_str_cut(value, 1, value.len - 2);
    }
    return value;
}

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
