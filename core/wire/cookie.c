/* wire/cookie.c - the pairs of Cookie fields, and the attributes of Set-Cookie fields (<weir/text.h>). Quotes mean nothing to
 * the separator here, unlike in other fields: a ';' always ends a part. */
#include "wire/cookie.h"

#include <weir/text.h>

bool
weir_attribute_next(weir_str *rest, weir_str *name, weir_str *value)
{
    weir_str part;

    if (!weir_str_next(rest, ';', &part)) {
        return false;
    }
    *value = part;
    *name = weir_str_trim(weir_str_split(value, '='));
    *value = weir_str_trim(*value);
    return true;
}

bool
weir_cookie_next(weir_str *rest, weir_str *name, weir_str *value)
{
    if (!weir_attribute_next(rest, name, value)) {
        return false;
    }
    if (value->data == NULL) {
        *value = *name;
        name->len = 0;
    }
    return true;
}

weir_str
wr_cookie_find(weir_str field, weir_str name, bool fold)
{
    weir_str n, value;

    while (weir_cookie_next(&field, &n, &value)) {
        if (fold ? weir_str_ieq(n, name) : weir_str_eq(n, name)) {
            return value;
        }
    }
    return (weir_str){ NULL, 0 };
}

void
weir_text_add_attribute(weir_text *t, weir_str name, weir_str value)
{
    weir_text_add(t, WEIR_STR("; "));
    weir_text_add(t, name);
    if (value.data != NULL) {
        weir_text_add_byte(t, '=');
        weir_text_add(t, value);
    }
}
