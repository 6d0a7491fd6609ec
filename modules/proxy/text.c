/* proxy/text.c - the builder of heads and URIs, and reading of small texts. */
#include "text.h"

#include <stdio.h>

struct text
text_begin(weir_pool *pool, size_t room)
{
    return (struct text){ .pool = pool, .data = weir_alloc(pool, room), .room = room };
}

bool
text_grow(struct text *t, size_t more)
{
    size_t room = t->room;
    char *data;

    if (t->full || more > TEXT_MAX || t->len + more > TEXT_MAX) {
        t->full = true;
        return false;
    }
    while (room < t->len + more) {
        room = room != 0 ? 2 * room : 256;
    }
    data = weir_try_alloc(t->pool, room);
    if (data == NULL) {
        t->full = true;
        return false;
    }
    if (t->len != 0) {
        memcpy(data, t->data, t->len);
    }
    t->data = data;
    t->room = room;
    return true;
}

void
text_add_number(struct text *t, uint64_t n)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    text_add(t, (weir_str){ digits + at, sizeof(digits) - at });
}

bool
str_next(weir_str *rest, char divider, weir_str *member)
{
    while (rest->len != 0) {
        size_t end = str_find(*rest, divider);
        *member = str_trim(str_cut(*rest, 0, end));
        *rest = str_cut(*rest, end + 1, SIZE_MAX);
        if (member->len != 0) {
            return true;
        }
    }
    return false;
}

bool
str_number(weir_str s, uint64_t max, uint64_t *n)
{
    uint64_t value = 0;

    if (s.len == 0 || s.len > 19) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(s.data[i] - '0');
    }
    if (value > max) {
        return false;
    }
    *n = value;
    return true;
}

bool
str_is_value(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}
