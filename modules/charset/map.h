/* charset/map.h - conversions that the configuration spells out: charset_map.
 *
 * A map goes before what iconv knows, in both directions, and its sets need not be known to
 * anybody else.
 */
#ifndef CHARSET_MAP_H
#define CHARSET_MAP_H

#include <weir/conf.h>

#include "table.h"

struct charset_map {
    const struct charset_map *next;
    struct charset_table *left, *right; /* right has its name alone when utf8 */
    bool utf8;                          /* the right one */
};

/* Read the block of a charset_map, which becomes the first of *maps. */
int charset_map_read(weir_conf *cf, const struct charset_map **maps);

/* The tables for a conversion, NULL for UTF-8's; false: no map is between these two. */
bool charset_map_find(const struct charset_map *maps, weir_str from, weir_str to,
                      const struct charset_table **from_table,
                      const struct charset_table **to_table);

#endif
