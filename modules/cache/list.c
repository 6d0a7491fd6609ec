/* cache/list.c - reading field values: members of lists, parameters, numbers. */
#include "list.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

weir_str
str_trim(weir_str s)
{
    while (s.len != 0 && is_blank(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len != 0 && is_blank(s.data[s.len - 1])) {
        s.len--;
    }
    return s;
}

/* Where `divider` stands first outside quoted strings; s.len: nowhere. */
static size_t
find_outside(weir_str s, char divider)
{
    bool quoted = false;

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

bool
list_next(weir_str *rest, weir_str *member)
{
    while (rest->len != 0) {
        size_t end = find_outside(*rest, ',');
        *member = str_trim(str_cut(*rest, 0, end));
        *rest = str_cut(*rest, end + 1, SIZE_MAX);
        if (member->len != 0) {
            return true;
        }
    }
    return false;
}

void
list_part(weir_str member, weir_str *name, weir_str *value)
{
    size_t at = find_outside(member, '=');

    *name = str_trim(str_cut(member, 0, at));
    *value = at < member.len ? str_trim(str_cut(member, at + 1, SIZE_MAX)) : (weir_str){ NULL, 0 };
}

weir_str
list_unquote(weir_pool *pool, weir_str s)
{
    char *to;
    size_t n = 0;

    if (s.len < 2 || s.data[0] != '"' || s.data[s.len - 1] != '"') {
        return s;
    }
    s = str_cut(s, 1, s.len - 1);
    if (str_find(s, '\\') == s.len) {
        return s;
    }
    to = weir_alloc(pool, s.len);
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\\' && i + 1 < s.len) {
            i++;
        }
        to[n++] = s.data[i];
    }
    return (weir_str){ to, n };
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
