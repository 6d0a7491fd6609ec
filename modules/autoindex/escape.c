/* escape - the escapes of listings. Pure. */
#include "escape.h"

static bool
is_unreserved(uint8_t c)
{
    return weir_is_letter(c) || weir_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void
escape_uri(weir_text *t, weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (is_unreserved((uint8_t)s.data[i])) {
            weir_text_add_byte(t, s.data[i]);
        } else {
            weir_text_add_percent(t, (uint8_t)s.data[i]);
        }
    }
}

/* Is s[at] a continuation byte between low and high? */
static bool
follows(weir_str s, size_t at, uint8_t low, uint8_t high)
{
    return at < s.len && (uint8_t)s.data[at] >= low && (uint8_t)s.data[at] <= high;
}

/* How many bytes the character at the beginning of s (not empty) has; 0 if it is no UTF-8.
 * [RFC 3629 4] */
static size_t
utf8_char(weir_str s)
{
    uint8_t c = (uint8_t)s.data[0];

    if (c < 0x80) {
        return 1;
    }
    if (c >= 0xc2 && c <= 0xdf) {
        return follows(s, 1, 0x80, 0xbf) ? 2 : 0;
    }
    if (c >= 0xe0 && c <= 0xef) {
        uint8_t low = c == 0xe0 ? 0xa0 : 0x80;
        uint8_t high = c == 0xed ? 0x9f : 0xbf;
        return follows(s, 1, low, high) && follows(s, 2, 0x80, 0xbf) ? 3 : 0;
    }
    if (c >= 0xf0 && c <= 0xf4) {
        uint8_t low = c == 0xf0 ? 0x90 : 0x80;
        uint8_t high = c == 0xf4 ? 0x8f : 0xbf;
        return follows(s, 1, low, high) && follows(s, 2, 0x80, 0xbf) && follows(s, 3, 0x80, 0xbf)
                   ? 4
                   : 0;
    }
    return 0;
}

size_t
utf8_count(weir_str s, size_t max, size_t *bytes)
{
    size_t count = 0;
    size_t at = 0;

    while (at < s.len && (max == 0 || count < max)) {
        size_t len = utf8_char((weir_str){ s.data + at, s.len - at });
        at += len > 0 ? len : 1;
        count++;
    }
    if (bytes != NULL) {
        *bytes = at;
    }
    return count;
}

/* What stands for the character at the beginning of s in markup; NULL: itself. */
static const char *
markup_entity(weir_str s)
{
    switch (s.data[0]) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\t':
        return NULL;
    default:
        return (uint8_t)s.data[0] < ' ' || s.data[0] == 0x7f || utf8_char(s) == 0 ? "&#xFFFD;"
                                                                                  : NULL;
    }
}

void
escape_markup(weir_text *t, weir_str s)
{
    while (s.len > 0) {
        const char *entity = markup_entity(s);
        size_t len = 1;
        if (entity != NULL) {
            weir_text_add(t, weir_str_c(entity));
        } else {
            len = utf8_char(s);
            weir_text_add(t, (weir_str){ s.data, len });
        }
        s.data += len;
        s.len -= len;
    }
}

void
escape_json(weir_text *t, weir_str s)
{
    while (s.len > 0) {
        uint8_t c = (uint8_t)s.data[0];
        size_t len = utf8_char(s);
        if (c == '"' || c == '\\') {
            weir_text_print(t, "\\%c", c);
        } else if (c < ' ' || len == 0) {
            weir_text_print(t, "\\u%04x", (unsigned)c);
            len = 1;
        } else {
            weir_text_add(t, (weir_str){ s.data, len });
        }
        s.data += len;
        s.len -= len;
    }
}
