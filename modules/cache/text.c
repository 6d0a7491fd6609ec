/* cache/text.c - the builder of keys, fields and answers. */
#include "text.h"

struct text
text_begin(weir_pool *pool, size_t room, size_t max)
{
    room = room < max ? room : max;
    return (struct text){ .pool = pool, .data = weir_alloc(pool, room), .room = room, .max = max };
}

static bool
grow(struct text *t, size_t more)
{
    size_t room = t->room != 0 ? t->room : 64;
    char *data;

    if (t->full || more > t->max - t->len) {
        t->full = true;
        return false;
    }
    while (room < t->len + more) {
        room *= 2;
    }
    data = weir_try_alloc(t->pool, room);
    if (data == NULL) {
        t->full = true;
        return false;
    }
    memcpy(data, t->data, t->len);
    t->data = data;
    t->room = room;
    return true;
}

void
text_add(struct text *t, weir_str s)
{
    if (s.len != 0 && (s.len <= t->room - t->len || grow(t, s.len))) {
        memcpy(t->data + t->len, s.data, s.len);
        t->len += s.len;
    }
}

void
text_add_lower(struct text *t, weir_str s)
{
    size_t from = t->len;

    text_add(t, s);
    for (size_t i = from; i < t->len; i++) {
        if (t->data[i] >= 'A' && t->data[i] <= 'Z') {
            t->data[i] = (char)(t->data[i] + ('a' - 'A'));
        }
    }
}

static void
add_digits(struct text *t, uint64_t n, unsigned base)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n != 0);
    text_add(t, (weir_str){ digits + at, sizeof(digits) - at });
}

void
text_add_number(struct text *t, uint64_t n)
{
    add_digits(t, n, 10);
}

void
text_add_hex(struct text *t, uint64_t n)
{
    add_digits(t, n, 16);
}
