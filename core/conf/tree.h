/* conf/tree.h - a configuration as text made into statements: words, blocks, places; includes already followed.
 *
 * Nothing here knows what a directive means. One tree holds all files of a configuration and lives in the pool it was read
 * into; settings point at the bytes of its words, so these may stand in a pool of their own that outlives it.
 */
#ifndef WR_CONF_TREE_H
#define WR_CONF_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/pool.h"
#include "conf/diag.h"

struct wr_site;  /* sites.h */
struct wr_sites;

struct wr_conf_source {
    const struct wr_conf_source *next; /* in the order read */
    weir_str name;                     /* the file's path, or "command line" */
    weir_str text;                     /* all of it, kept for messages and -T */
    struct wr_site *site;              /* whose faults are this site's alone; NULL: everybody's */
    bool again;                        /* another site has read the same file before */
};

struct wr_conf_word {
    weir_str text;         /* quotes gone, escapes resolved; zero-terminated */
    uint32_t line, column; /* where it begins */
    uint32_t len;          /* bytes in the source, quotes included */
    bool quoted;
};

/* One statement: `words ;` or `words { children }`. */
struct wr_conf_node {
    struct wr_conf_node *next;  /* the next statement of the same block */
    struct wr_conf_node *first; /* the block's first statement */
    const struct wr_conf_source *source;
    struct wr_conf_word *words;
    uint32_t n_words; /* at least 1 */
    bool block;       /* has braces, also when nothing is in them */
    uint32_t end_line; /* of the `;` or `}` */
};

/* The name of the -g text as a source. */
#define WR_CONF_COMMAND_LINE WEIR_STR("command line")

struct wr_conf_tree {
    struct wr_conf_node *first; /* statements of the main context */
    const struct wr_conf_source *sources;
    uint32_t n_nodes;
};

/* Limits, so that no file makes the reader run away; each is an error with a place. */
enum {
    WR_CONF_DEPTH_MAX = 64,           /* blocks within blocks */
    WR_CONF_INCLUDE_MAX = 32,         /* files within files: also ends an include loop */
    WR_CONF_WORD_MAX = 1 << 20,       /* bytes */
    WR_CONF_FILE_MAX = 256 << 20,     /* bytes of a file, and of all texts that are read, repeated ones as often */
    WR_CONF_WORDS_MAX = 65536         /* of one statement */
};

/*
 * Read the file at path, and what it includes (globs in byte order; relative to the folder of the main file, as nginx), after
 * the statements of `globals` (the -g text, may be absent).
 *
 * words  where the bytes of words go: wr_conf_word.text; everything else, sources too, goes to pool. May be the same
 * sites  what is known of the files of `sites`, each read in its form; NULL: as if they were included
 *
 * True with the tree; false when anything could not be read: all faults are in diag, and the tree then holds what could.
 */
bool wr_conf_read(struct weir_pool *pool, struct weir_pool *words, const char *path,
                  weir_str globals, struct wr_sites *sites, struct wr_diag *diag,
                  struct wr_conf_tree *tree);

/* The same from text in memory, named name, which must live as long as the pool; includes are relative to folder, and
 * refused when it is NULL. */
bool wr_conf_read_text(struct weir_pool *pool, weir_str name, weir_str text, const char *folder,
                       struct wr_diag *diag, struct wr_conf_tree *tree);

/* The place of a node's word i (0: its name). */
struct wr_conf_place wr_conf_place(const struct wr_conf_node *n, uint32_t i);

#endif
