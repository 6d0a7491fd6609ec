/* conf/reader.h - the state of one reading of a configuration, which tree.c (statements) and
 * include.c (files within files) share. Private to conf/.
 */
#ifndef WR_CONF_READER_H
#define WR_CONF_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/strbuf.h"
#include "conf/lex.h"
#include "conf/source.h"
#include "conf/tree.h"

/* One file being read; the chain leads to the file that includes it. */
struct wr_reading {
    const struct wr_reading *includer;
    const struct wr_conf_source *source;
    struct wr_lex lex;
    struct wr_strbuf
        words_text; /* where the resolved words go: the text's length and one byte always do */
    uint32_t depth; /* blocks of this file that are open */
    const struct wr_conf_node *unclosed; /* innermost block still open at the end of the file */
};

struct wr_reader {
    struct weir_pool *pool, *words_pool;
    struct wr_diag *diag;
    struct wr_conf_tree *tree;
    struct wr_source_set sources;
    struct wr_sites *sites; /* NULL: sites are included like any files */
    struct wr_site *site;   /* the one being read; NULL: none */
    weir_str folder;            /* what includes are relative to; absent: includes are refused */
    struct wr_conf_word *words; /* of the statement being read, from the heap */
    uint32_t n_words, words_room;
    uint32_t depth;
    uint32_t n_includes;
    uint64_t text_bytes; /* read as tokens so far */
    bool spoiled;        /* the statement being read has a fault */
    bool stopped;        /* a limit was passed: no more includes */
};

/* Read source's statements to *tail, which moves on behind the last; includer is NULL for a file
 * nobody includes. */
void wr_reader_source(struct wr_reader *r, const struct wr_conf_source *source,
                      const struct wr_reading *includer, struct wr_conf_node ***tail);

/* Read what the statement n, an `include` of file, names: to *tail, likewise. */
void wr_include_follow(struct wr_reader *r, struct wr_reading *file, const struct wr_conf_node *n,
                       struct wr_conf_node ***tail);

/* Read the files that the statement n, `sites GLOB;`, names, each in its form: to *tail, likewise.
 */
void wr_include_sites(struct wr_reader *r, struct wr_reading *file, const struct wr_conf_node *n,
                      struct wr_conf_node ***tail);

/* Leave of a site's statements its servers, and of these their names and addresses, answering 503.
 * Answers where the next statement goes. */
struct wr_conf_node **wr_site_stub(struct wr_reader *r, struct wr_conf_node **first);

#endif
