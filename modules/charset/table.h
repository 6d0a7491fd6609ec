/* charset/table.h - character sets of one byte a character: what each byte stands for, and back.
 *
 * Made when the configuration is loaded, from what iconv knows or a charset_map says; constant
 * then.
 */
#ifndef CHARSET_TABLE_H
#define CHARSET_TABLE_H

#include <weir/text.h>

struct charset_table {
    weir_str name;
    bool own_ascii;   /* bytes or characters below 0x80 may be something else than ASCII */
    uint32_t to[256]; /* what bytes stand for; 0: nothing */
    uint32_t n;       /* of the next */
    /* Characters in ascending order, but for those of ASCII that are themselves; and their bytes. */
    uint32_t from[256];
    uint8_t byte[256];
};

enum charset_kind {
    CHARSET_UTF8,
    CHARSET_BYTES,   /* in *table */
    CHARSET_UNKNOWN, /* iconv does not know it */
    CHARSET_OTHER    /* it does, and it is no ASCII with one byte a character */
};

/* The set called name, in pool. */
enum charset_kind charset_find(weir_pool *pool, weir_str name, const struct charset_table **table);

/* A byte for a character, where it is not the one of ASCII. */
void charset_add(struct charset_table *t, uint32_t character, uint8_t byte);

/* The byte for a character; -1: there is none. */
int charset_byte(const struct charset_table *t, uint32_t character);

#endif
