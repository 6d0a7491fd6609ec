/* cache/path.h - names of a store's files: folders by the last digits of the hash, as nginx makes
 * them. */
#ifndef CACHE_PATH_H
#define CACHE_PATH_H

#include "store.h"

enum { PATH_DIGITS = 32, PATH_SIZE = 4096 };

/* Room for a path on the stack, which is not filled with zeros before it is written. */
#define PATH_ROOM(name) char name[PATH_SIZE] __attribute__((uninitialized))

/* "/data/c/29/b7f54b2df7773722d382f4809d65029c" for levels 1:2; false: longer than PATH_SIZE. */
bool path_of(char *to, const struct store_options *o, const uint64_t hash[2]);

/* A file on its way: "/data/temp/0123456789abcdef". */
bool path_of_temp(char *to, const struct store_options *o, uint64_t file);

/* "/data/NAME" */
bool path_in(char *to, const struct store_options *o, const char *name);

/* The folders above path_of, made. 0 or -errno. In a thread. */
int path_make_folders(const struct store_options *o, const uint64_t hash[2]);

/* 32 hexadecimal digits as a hash. False: they are none. */
bool path_parse(const char *name, uint64_t hash[2]);

#endif
