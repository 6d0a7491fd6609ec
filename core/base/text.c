/* base/text.c - the builder of <weir/text.h>: it makes room, and what core has for writing into
 * room does the rest. */
#include <weir/text.h>

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/num.h"
#include "base/strbuf.h"

enum { ROOM_MIN = 64 };

bool
weir_text_grow(weir_text *t, size_t more)
{
    size_t room = WR_MAX(t->room, (size_t)ROOM_MIN);
    char *data = NULL;

    if (!t->full && more <= t->room - t->len) {
        return true;
    }
    if (!t->full && more <= t->max - t->len && t->pool != NULL) {
        while (room - t->len < more) {
            room = room <= t->max / 2 ? 2 * room : t->max;
        }
        room = WR_MIN(room, t->max);
        data = weir_try_alloc(t->pool, room);
    }
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
weir_text_add_lower(weir_text *t, weir_str s)
{
    size_t from = t->len;

    weir_text_add(t, s);
    for (size_t i = from; i < t->len; i++) {
        t->data[i] = (char)weir_lower((uint8_t)t->data[i]);
    }
}

void
weir_text_add_number(weir_text *t, uint64_t n)
{
    char digits[20];

    weir_text_add(t, (weir_str){ digits, wr_num_format(digits, n) });
}

void
weir_text_add_hex(weir_text *t, uint64_t n)
{
    char digits[16];

    weir_text_add(t, (weir_str){ digits, wr_num_format_hex(digits, n) });
}

void
weir_text_add_percent(weir_text *t, uint8_t c)
{
    char coded[3];

    wr_num_format_percent(coded, c);
    weir_text_add(t, (weir_str){ coded, sizeof(coded) });
}

weir_str
weir_dup_lower(weir_pool *pool, weir_str s)
{
    weir_str copy = weir_dup(pool, s);
    char *to = (char *)(uintptr_t)copy.data;

    for (size_t i = 0; i < s.len; i++) {
        to[i] = (char)weir_lower((uint8_t)s.data[i]);
    }
    return copy;
}

void
weir_text_print(weir_text *t, const char *fmt, ...)
{
    size_t left = t->room - t->len;
    va_list args, again;
    int n;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(left != 0 ? t->data + t->len : NULL, left, fmt, args);
    WR_ASSERT(n >= 0);
    if ((size_t)n >= left && weir_text_grow(t, (size_t)n + 1)) {
        left = t->room - t->len;
        n = vsnprintf(t->data + t->len, left, fmt, again);
    }
    if (n >= 0 && (size_t)n < left) {
        t->len += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

/* A builder of core's over room for `most` bytes behind the text, or for as many as its limit
 * leaves. */
static struct wr_strbuf
behind(weir_text *t, size_t most)
{
    most = WR_MIN(most, t->max - t->len);
    most = weir_text_grow(t, most) ? most : 0;
    return wr_strbuf_over(most != 0 ? t->data + t->len : NULL, most);
}

/* What it built is part of the text if all of it had room. */
static bool
take(weir_text *t, const struct wr_strbuf *b)
{
    if (b->full) {
        t->full = true;
        return false;
    }
    t->len += b->len;
    return true;
}

void
weir_base64_encode(weir_text *t, weir_str bytes)
{
    struct wr_strbuf b = behind(t, (bytes.len + 2) / 3 * 4);

    wr_base64_encode(&b, bytes);
    (void)take(t, &b);
}

void
weir_base64url_encode(weir_text *t, weir_str bytes)
{
    struct wr_strbuf b = behind(t, (bytes.len + 2) / 3 * 4);

    wr_base64_encode_url(&b, bytes);
    (void)take(t, &b);
}

bool
weir_base64_decode(weir_text *t, weir_str s)
{
    struct wr_strbuf b = behind(t, s.len / 4 * 3);

    return wr_base64_decode(&b, s) && take(t, &b);
}

bool
weir_base64url_decode(weir_text *t, weir_str s)
{
    struct wr_strbuf b = behind(t, (s.len + 3) / 4 * 3);

    return wr_base64_decode_url(&b, s) && take(t, &b);
}

void
weir_hex_encode(weir_text *t, weir_str bytes)
{
    if (weir_text_grow(t, 2 * bytes.len)) {
        wr_num_format_bytes(t->data + t->len, bytes.data, bytes.len);
        t->len += 2 * bytes.len;
    }
}

bool
weir_hex_decode(weir_text *t, weir_str s)
{
    struct wr_strbuf b = behind(t, s.len / 2);

    for (size_t i = 0; i + 1 < s.len; i += 2) {
        int high = weir_hex_digit((uint8_t)s.data[i]);
        int low = weir_hex_digit((uint8_t)s.data[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        wr_strbuf_byte(&b, (char)(high << 4 | low));
    }
    return s.len % 2 == 0 && take(t, &b);
}
