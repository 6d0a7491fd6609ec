/* tls/server_name.c - reading the server_name extension. */
#include "tls/server_name.h"

#include "base/str.h"

enum { HEAD = 5, HOST_NAME = 0 };

bool
wr_server_name_parse(weir_str extension, weir_str *name)
{
    const uint8_t *at = (const uint8_t *)extension.data;
    size_t n;

    if (extension.len < HEAD || ((size_t)at[0] << 8 | at[1]) != extension.len - 2 ||
        at[2] != HOST_NAME) {
        return false;
    }
    n = (size_t)at[3] << 8 | at[4];
    if (n != extension.len - HEAD || n == 0 || n > WR_SERVER_NAME_MAX ||
        memchr(at + HEAD, '\0', n) != NULL) {
        return false;
    }
    *name = (weir_str){ extension.data + HEAD, n };
    return true;
}

static bool
fits(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

size_t
wr_server_name_clean(weir_str name, char *to)
{
    bool dot = true; /* a label has to begin */

    if (name.len > 1 && name.data[name.len - 1] == '.') {
        name.len--;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = weir_lower((uint8_t)name.data[i]);
        if (!fits(c) || (dot && c == '.')) {
            return 0;
        }
        dot = c == '.';
        to[i] = (char)c;
    }
    return dot ? 0 : name.len;
}
