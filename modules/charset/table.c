/* charset/table.c - tables from iconv, asked byte by byte. */
#include "table.h"

#include <iconv.h>

enum { NAME_MAX_BYTES = 64 };

/* What the byte stands for; 0: nothing. */
static uint32_t
ask(iconv_t cd, uint8_t byte)
{
    char in = (char)byte, *from = &in, out[8], *to = out;
    size_t left = 1, room = sizeof(out);
    const uint8_t *got = (const uint8_t *)out;

    (void)iconv(cd, NULL, NULL, NULL, NULL);
    if (iconv(cd, &from, &left, &to, &room) == (size_t)-1 || left != 0 || sizeof(out) - room != 4) {
        return 0;
    }
    return (uint32_t)got[0] << 24 | (uint32_t)got[1] << 16 | (uint32_t)got[2] << 8 | got[3];
}

void
charset_add(struct charset_table *t, uint32_t character, uint8_t byte)
{
    uint32_t i = t->n;

    for (; i != 0 && t->from[i - 1] > character; i--) {
        t->from[i] = t->from[i - 1];
        t->byte[i] = t->byte[i - 1];
    }
    t->from[i] = character;
    t->byte[i] = byte;
    t->n++;
}

static bool
fill(struct charset_table *t, iconv_t cd)
{
    for (unsigned byte = 1; byte < 256; byte++) {
        uint32_t character = ask(cd, (uint8_t)byte);
        if (byte < 0x80 && character != byte) {
            return false;
        }
        if (byte < 0x80 || character >= 0x80) {
            t->to[byte] = character;
        }
        if (byte >= 0x80 && character >= 0x80) {
            charset_add(t, character, (uint8_t)byte);
        }
    }
    return t->n != 0;
}

enum charset_kind
charset_find(weir_pool *pool, weir_str name, const struct charset_table **table)
{
    struct charset_table *t;
    enum charset_kind kind;
    iconv_t cd;

    if (weir_str_ieq(name, WEIR_STR("utf-8"))) {
        return CHARSET_UTF8;
    }
    if (name.len == 0 || name.len > NAME_MAX_BYTES || weir_str_find(name, '/') != name.len) {
        return CHARSET_UNKNOWN; /* to iconv a slash says how to convert */
    }
    cd = iconv_open("UCS-4BE", weir_dup(pool, name).data);
    if (cd == (iconv_t)-1) {
        return CHARSET_UNKNOWN;
    }
    t = weir_zalloc(pool, sizeof(*t));
    t->name = name;
    kind = fill(t, cd) ? CHARSET_BYTES : CHARSET_OTHER;
    (void)iconv_close(cd);
    *table = kind == CHARSET_BYTES ? t : *table;
    return kind;
}

int
charset_byte(const struct charset_table *t, uint32_t character)
{
    uint32_t low = 0, high = t->n;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (t->from[middle] < character) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < t->n && t->from[low] == character) {
        return t->byte[low];
    }
    return character < 0x80 ? (int)character : -1;
}
