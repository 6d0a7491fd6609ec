/* conf/lex.h - the characters of a configuration made into words and marks; pure, no memory, no
 * messages.
 *
 * The language is nginx's. A word ends at a blank, `;` or `{`; a `{` right behind `$` belongs to
 * the word, and so does a `}` that does not stand at a word's beginning. A backslash takes the next
 * character's meaning away. `'...'` and `"..."` are words only where a word begins, and a blank,
 * `;`, `{`, `}` or `)` must follow them. `#` begins a comment only where a word could begin.
 */
#ifndef WR_CONF_LEX_H
#define WR_CONF_LEX_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

enum wr_lex_kind {
    WR_LEX_WORD,
    WR_LEX_SEMICOLON,
    WR_LEX_OPEN,
    WR_LEX_CLOSE,
    WR_LEX_END,        /* of the text */
    WR_LEX_OPEN_QUOTE, /* fault: the quote that begins here never ends; reading goes on at the next
                          `;`, `{` or `}` */
    WR_LEX_JUNK /* fault: this character may not follow a quoted word; it is read again as a word's
                   beginning */
};

struct wr_lex {
    const char *at;         /* next character */
    const char *end;        /* behind the last */
    const char *line_begin; /* of the current line */
    uint32_t line;          /* from 1 */
    bool after_quote;       /* the last token was a quoted word */
};

struct wr_lex_token {
    weir_str
        raw; /* a word as written, without its quotes, escapes not resolved; a view of the text */
    uint32_t line, column; /* where it begins, from 1, in bytes */
    uint32_t len;          /* bytes in the text, quotes included */
    bool quoted;
};

/* Begin reading text, which must be shorter than 2^31 bytes and stay as long as tokens are used. */
void wr_lex_init(struct wr_lex *lex, weir_str text);

/* Read the next token; every kind fills *t. WR_LEX_END comes again and again at the end. */
enum wr_lex_kind wr_lex_next(struct wr_lex *lex, struct wr_lex_token *t);

/* Resolve the escapes of a word: \" \' \\ lose their backslash, \t \r \n become those characters,
 * every other backslash stays (regular expressions need it). Writes at most raw.len bytes to `to`;
 * answers how many. */
size_t wr_lex_resolve(char *to, weir_str raw);

#endif
