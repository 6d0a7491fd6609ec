/* charset/table.h - character sets of one byte a character: what each byte stands for, and back.
 *
 * Made when the configuration is loaded, from what iconv knows; constant then.
 */
#ifndef CHARSET_TABLE_H
#define CHARSET_TABLE_H

#include <weir/text.h>

struct charset_table {
    weir_str name;
    uint32_t to[128];   /* what bytes from 0x80 on stand for; 0: nothing */
    uint32_t n;         /* of the next */
    uint32_t from[128]; /* the same characters in ascending order */
    uint8_t byte[128];  /* and their bytes */
};

enum charset_kind {
    CHARSET_UTF8,
    CHARSET_BYTES,   /* in *table */
    CHARSET_UNKNOWN, /* iconv does not know it */
    CHARSET_OTHER    /* it does, and it is no ASCII with one byte a character */
};

/* The set called name, in pool. */
enum charset_kind charset_find(weir_pool *pool, weir_str name, const struct charset_table **table);

/* The byte for a character from 0x80 on; -1: there is none. */
int charset_byte(const struct charset_table *t, uint32_t character);

#endif
