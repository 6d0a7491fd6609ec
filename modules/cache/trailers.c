/* cache/trailers.c - trailer fields in bytes and back. */
#include "trailers.h"

#include "list.h"

enum { LENGTHS = 4, LENGTH_MAX = UINT16_MAX };

size_t
trailers_write(uint8_t *to, size_t room, const weir_header *first)
{
    size_t used = 0;

    for (const weir_header *h = first; h != NULL; h = h->next) {
        uint8_t *at = to + used;
        if (h->name.len == 0 || h->name.len > LENGTH_MAX || h->value.len > LENGTH_MAX ||
            LENGTHS + h->name.len + h->value.len > room - used) {
            memset(to, 0, used);
            return 0;
        }
        at[0] = (uint8_t)h->name.len;
        at[1] = (uint8_t)(h->name.len >> 8);
        at[2] = (uint8_t)h->value.len;
        at[3] = (uint8_t)(h->value.len >> 8);
        memcpy(at + LENGTHS, h->name.data, h->name.len);
        if (h->value.len != 0) {
            memcpy(at + LENGTHS + h->name.len, h->value.data, h->value.len);
        }
        used += LENGTHS + h->name.len + h->value.len;
    }
    return used;
}

bool
trailers_next(weir_str *rest, weir_str *name, weir_str *value)
{
    const uint8_t *at = (const uint8_t *)rest->data;
    size_t n, v;

    if (rest->len < LENGTHS) {
        return false;
    }
    n = (size_t)at[0] | (size_t)at[1] << 8;
    v = (size_t)at[2] | (size_t)at[3] << 8;
    if (n == 0 || n + v > rest->len - LENGTHS) {
        return false;
    }
    *name = weir_str_cut(*rest, LENGTHS, n);
    *value = weir_str_cut(*rest, LENGTHS + n, v);
    *rest = weir_str_cut(*rest, LENGTHS + n + v, SIZE_MAX);
    return true;
}
