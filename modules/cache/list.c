/* cache/list.c - reading field values: parameters and numbers. */
#include "list.h"

/* Where `divider` stands first outside quoted strings; s.len: nowhere. */
static size_t
find_outside(weir_str s, char divider)
{
    size_t first = weir_str_find(s, divider);
    bool quoted = false;

    if (weir_str_find(weir_str_cut(s, 0, first), '"') == first) {
        return first; /* no string has begun before it */
    }
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == divider && !quoted) {
            return i;
        }
    }
    return s.len;
}

void
list_part(weir_str member, weir_str *name, weir_str *value)
{
    size_t at = find_outside(member, '=');

    *name = weir_str_trim(weir_str_cut(member, 0, at));
    *value = at < member.len ? weir_str_trim(weir_str_cut(member, at + 1, SIZE_MAX))
                             : (weir_str){ NULL, 0 };
}

bool
number_read(weir_str s, uint64_t max, uint64_t *n)
{
    uint64_t value = 0;

    if (s.len == 0) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)s.data[i] - '0';
        if (digit > 9) {
            return false;
        }
        value = value > (max - digit) / 10 ? max : value * 10 + digit;
    }
    *n = value < max ? value : max;
    return true;
}
