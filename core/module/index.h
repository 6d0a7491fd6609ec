/* module/index.h - which bundled file has which directive, so that nobody writes load_module for what ships with weir.
 *
 * A text file called "index" in the modules folder, written when weir is built, a line for each name:
 *     always FILE.so | directive NAME FILE.so | interface ID FILE.so | variable NAME FILE.so
 * The name of a variable that is a prefix ends in an asterisk. Several files may have the same directive (for different
 * contexts): each has its line.
 */
#ifndef WR_MODULE_INDEX_H
#define WR_MODULE_INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/err.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/vec.h"

enum wr_index_kind {
    WR_INDEX_ALWAYS,
    WR_INDEX_DIRECTIVE,
    WR_INDEX_INTERFACE,
    WR_INDEX_VARIABLE,
    WR_INDEX_KINDS
};

struct wr_index_entry {
    weir_str name;               /* zero-terminated; of a prefix without the asterisk */
    weir_str file;               /* zero-terminated, no slash in it */
    struct wr_index_entry *next; /* another file with the same name */
    bool settled;                /* the registry's: looked at already */
};

struct wr_index {
    struct wr_map by_name[WR_INDEX_KINDS]; /* to struct wr_index_entry */
    struct wr_vec prefixes;                /* struct wr_index_entry *: variables that are prefixes */
};

/*
 * Read the index of folder. A folder without one has an empty index.
 *
 * NULL with the reason in err when it cannot be read or has a line that is none of the above.
 */
struct wr_index *wr_index_read(struct weir_pool *pool, const char *folder, struct wr_err *err);

/* The entry of a name, or NULL. Names of variables also match by the longest prefix. */
struct wr_index_entry *wr_index_find(const struct wr_index *index, enum wr_index_kind kind,
                                     weir_str name);

/* Load every .so of folder and write its index to fd, lines in byte order. False with the reason in err. */
bool wr_registry_write_index(const char *folder, int fd, struct wr_err *err);

#endif
