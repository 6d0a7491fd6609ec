/* net/resolve_name.c - which texts are names of hosts. Held against what configurations and requests
 * ask for, and against every name in an answer. */
#include "base/str.h"
#include "net/resolve.h"

enum { NAME_MAX_LEN = 253, LABEL_MAX = 63 }; /* [RFC 1035 2.3.4] */

/* Letters, digits, '_', and '-' where it is neither first nor last. */
static bool
is_label(weir_str s)
{
    if (s.len == 0 || s.len > LABEL_MAX || s.data[0] == '-' || s.data[s.len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.data[i];
        if (!weir_is_letter(c) && !weir_is_digit(c) && c != '_' && c != '-') {
            return false;
        }
    }
    return true;
}

static bool
all_digits(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!weir_is_digit((uint8_t)s.data[i])) {
            return false;
        }
    }
    return true;
}

size_t
wr_resolve_name(weir_str name, char *to)
{
    weir_str rest, label = { NULL, 0 };
    size_t len = name.len;

    if (len != 0 && name.data[len - 1] == '.') {
        len--;
    }
    if (len == 0 || len > NAME_MAX_LEN) {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        to[i] = (char)weir_lower((uint8_t)name.data[i]);
    }
    to[len] = '\0';
    for (size_t at = 0; at <= len; at += label.len + 1) {
        rest = weir_str_cut((weir_str){ to, len }, at, len);
        label = weir_str_cut(rest, 0, weir_str_find(rest, '.'));
        if (!is_label(label)) {
            return 0;
        }
    }
    return all_digits(label) ? 0 : len;
}
