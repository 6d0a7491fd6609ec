/* wire/cookie.c - quotes mean nothing to the separator here, unlike in other fields: a ';' always ends a pair. */
#include "wire/cookie.h"

#include "base/str.h"

bool
wr_cookie_next(weir_str *rest, weir_str *name, weir_str *value)
{
    while (rest->len != 0) {
        size_t end = weir_str_find(*rest, ';');
        weir_str pair = weir_str_trim(weir_str_cut(*rest, 0, end));
        size_t equals = weir_str_find(pair, '=');

        *rest = weir_str_cut(*rest, end < rest->len ? end + 1 : end, rest->len);
        if (pair.len == 0) {
            continue;
        }
        if (equals == pair.len) {
            *name = weir_str_cut(pair, 0, 0);
            *value = pair;
        } else {
            *name = weir_str_trim(weir_str_cut(pair, 0, equals));
            *value = weir_str_trim(weir_str_cut(pair, equals + 1, pair.len));
        }
        return true;
    }
    return false;
}

weir_str
wr_cookie_find(weir_str field, weir_str name, bool fold)
{
    weir_str n, value;

    while (wr_cookie_next(&field, &n, &value)) {
        if (fold ? weir_str_ieq(n, name) : weir_str_eq(n, name)) {
            return value;
        }
    }
    return (weir_str){ NULL, 0 };
}
