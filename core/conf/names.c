/* conf/names.c - see the header. */
#include "conf/names.h"

#include "base/str.h"

bool
wr_conf_next_name(weir_str *text, weir_str *name)
{
    size_t n = 0;

    while (n == 0 && text->len != 0) {
        *text = weir_str_cut(*text, weir_str_find(*text, '$') + 1, SIZE_MAX);
        if (weir_str_starts(*text, WEIR_STR("{"))) {
            *text = weir_str_cut(*text, 1, SIZE_MAX);
        }
        while (n < text->len && wr_conf_is_name_byte(text->data[n])) {
            n++;
        }
    }
    *name = weir_str_cut(*text, 0, n);
    *text = weir_str_cut(*text, n, SIZE_MAX);
    return n != 0;
}
