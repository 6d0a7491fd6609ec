/* text - what may be the name and the value of a field, and the members of a list. */
#include "text.h"

bool
field_is_among(weir_str name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (weir_str_ieq(name, weir_str_c(*names))) {
            return true;
        }
    }
    return false;
}

/* [RFC 9110 5.6.2] */
bool
field_is_token(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return s.len > 0;
}

/* [RFC 9110 5.5] */
bool
field_is_one_line(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static weir_str
trim(weir_str s)
{
    while (s.len != 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }
    while (s.len != 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

/* Where the member that list begins with ends: at a comma outside of quotes. */
static size_t
member_end(weir_str list)
{
    bool quoted = false;
    size_t i = 0;

    while (i < list.len && (quoted || list.data[i] != ',')) {
        if (quoted && list.data[i] == '\\' && i + 1 < list.len) {
            i++;
        } else if (list.data[i] == '"') {
            quoted = !quoted;
        }
        i++;
    }
    return i;
}

bool
list_next(weir_str *list, weir_str *member)
{
    while (list->len != 0) {
        size_t end = member_end(*list), used = end < list->len ? end + 1 : end;

        *member = trim((weir_str){ list->data, end });
        list->data += used;
        list->len -= used;
        if (member->len != 0) {
            return true;
        }
    }
    return false;
}

bool
list_has(weir_str list, weir_str member)
{
    weir_str one;

    while (list_next(&list, &one)) {
        if (weir_str_ieq(one, member)) {
            return true;
        }
    }
    return false;
}
