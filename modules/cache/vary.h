/* cache/vary.h - Vary: which request fields choose among a URI's responses, and the key of a choice.
 *
 * Under the primary key stands a marker with the names and a number of chance, the generation. A
 * variant's key is the primary key, the generation and the request's values; so whoever removes the
 * marker removes all variants, for no key can name them any more. [RFC 9111 4.1]
 */
#ifndef CACHE_VARY_H
#define CACHE_VARY_H

#include <weir/request.h>

enum { VARY_NAMES_MAX = 2048, VARY_KEY_MAX = 32 * 1024 };

/* The names that all lines of Vary list: in small letters, sorted, each once, parted by commas.
 * Empty: none. Absent: "*" is among them, or what is no name, or they are too many. */
weir_str vary_names(weir_pool *pool, const weir_header *vary);

/* The key of the variant for a request with these fields; absent: it would be too long. */
weir_str vary_key(weir_pool *pool, weir_str primary, uint64_t generation, weir_str names,
                  const weir_header *fields);

#endif
