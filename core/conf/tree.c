/* conf/tree.c - tokens to statements; include.c follows the includes where they stand.
 *
 * A block is read by one call of read_block, so the depth of calls is bounded by WR_CONF_DEPTH_MAX
 * blocks and WR_CONF_INCLUDE_MAX files. A fault spoils its statement, which is then left out of the
 * tree; reading always goes on, so that one run shows all faults. Words of the statement being read
 * gather in one growing array that all levels share.
 */
#include "conf/tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "conf/lex.h"
#include "conf/reader.h"

enum {
    NODES_MAX = 1 << 22 /* statements of a tree: some 500 MB */
};

static void read_block(struct wr_reader *r, struct wr_reading *file,
                       const struct wr_conf_node *opener, struct wr_conf_node ***tail);

static struct wr_conf_place
place_of(const struct wr_reading *file, const struct wr_lex_token *t)
{
    return (struct wr_conf_place){ file->source, t->line, t->column, t->len };
}

struct wr_conf_place
wr_conf_place(const struct wr_conf_node *n, uint32_t i)
{
    const struct wr_conf_word *w = &n->words[i < n->n_words ? i : n->n_words - 1];

    return (struct wr_conf_place){ n->source, w->line, w->column, w->len };
}

static void
fault(struct wr_reader *r, const struct wr_reading *file, const struct wr_lex_token *t,
      const char *hint, const char *text)
{
    r->spoiled = true;
    wr_diag_error(r->diag, place_of(file, t), hint, "%s", text);
}

/* ---- Words. ---- */

static void
words_grow(struct wr_reader *r)
{
    uint32_t room = r->words_room != 0 ? r->words_room * 2 : 64;
    struct wr_conf_word *words = realloc(r->words, room * sizeof(*words));

    WR_ASSERT(words != NULL);
    r->words = words;
    r->words_room = room;
}

static void
add_word(struct wr_reader *r, struct wr_reading *file, const struct wr_lex_token *t)
{
    struct wr_strbuf *to = &file->words_text;
    char *begin = to->data + to->len;
    size_t len;

    if (t->raw.len > WR_CONF_WORD_MAX) {
        fault(r, file, t, t->quoted ? "is a closing quote missing?" : NULL, "too long parameter");
        return;
    }
    if (r->n_words >= WR_CONF_WORDS_MAX) {
        if (!r->spoiled) {
            fault(r, file, t, NULL, "too many parameters");
        }
        return;
    }
    if (r->n_words == r->words_room) {
        words_grow(r);
    }
    WR_ASSERT(to->room - to->len > t->raw.len);
    len = wr_lex_resolve(begin, t->raw);
    begin[len] = '\0';
    to->len += len + 1;
    r->words[r->n_words++] = (struct wr_conf_word){ .text = { begin, len },
                                                    .line = t->line,
                                                    .column = t->column,
                                                    .len = t->len,
                                                    .quoted = t->quoted };
}

/* The gathered words as a statement; NULL when a fault spoiled it. Begins the next statement either
 * way. */
static struct wr_conf_node *
take_statement(struct wr_reader *r, const struct wr_reading *file, uint32_t end_line)
{
    struct wr_conf_node *n = NULL;

    if (r->tree->n_nodes >= NODES_MAX) {
        if (!r->stopped) {
            wr_diag_error(r->diag, (struct wr_conf_place){ file->source, end_line, 0, 1 }, NULL,
                          "too many directives");
        }
        r->stopped = true;
        r->spoiled = true;
    }
    if (!r->spoiled && r->n_words != 0) {
        n = wr_pool_zalloc(r->pool, sizeof(*n));
        n->source = file->source;
        n->n_words = r->n_words;
        n->end_line = end_line;
        n->words = wr_pool_alloc(r->pool, r->n_words * sizeof(*n->words));
        memcpy(n->words, r->words, r->n_words * sizeof(*n->words));
        r->tree->n_nodes++;
    }
    r->n_words = 0;
    r->spoiled = false;
    return n;
}

/* ---- Statements. ---- */

static void
append(struct wr_conf_node *n, struct wr_conf_node ***tail)
{
    **tail = n;
    *tail = &n->next;
}

static void
end_statement(struct wr_reader *r, struct wr_reading *file, const struct wr_lex_token *t,
              struct wr_conf_node ***tail)
{
    struct wr_conf_node *n;

    if (r->n_words == 0 && !r->spoiled) {
        fault(r, file, t, NULL, "unexpected \";\"");
    }
    n = take_statement(r, file, t->line);
    if (n == NULL) {
        return;
    }
    if (weir_str_eq(n->words[0].text, WEIR_STR("include"))) {
        r->tree->n_nodes--;
        wr_include_follow(r, file, n, tail);
        return;
    }
    append(n, tail);
    if (weir_str_eq(n->words[0].text, WEIR_STR("sites")) && n->n_words == 2) {
        wr_include_sites(r, file, n, tail);
    }
}

/* A block too deep to be read: to its end, so that what follows makes sense. */
static void
skip_block(struct wr_reading *file)
{
    struct wr_lex_token t;
    uint32_t open = 1;

    while (open != 0) {
        enum wr_lex_kind kind = wr_lex_next(&file->lex, &t);
        if (kind == WR_LEX_END) {
            return;
        }
        open += kind == WR_LEX_OPEN;
        open -= kind == WR_LEX_CLOSE;
    }
}

/* `location ~ /[a-z]{2} {`: did the expression, and not the statement, have the `{` at t? No
 * directive begins with a digit. */
static void
check_expression(const struct wr_reader *r, const struct wr_reading *file,
                 const struct wr_conf_node *n, const struct wr_lex_token *t)
{
    const struct wr_conf_word *last = &n->words[n->n_words - 1];

    if (last->quoted || last->line != t->line || last->column + last->len != t->column ||
        file->lex.at == file->lex.end || *file->lex.at < '0' || *file->lex.at > '9') {
        return;
    }
    for (uint32_t i = 1; i < n->n_words; i++) {
        if (!n->words[i].quoted && n->words[i].text.len != 0 && n->words[i].text.data[0] == '~') {
            wr_diag_error(r->diag, wr_conf_place(n, n->n_words - 1), "put it in quotes: \"...\"",
                          "a regular expression with \"{\" in it is cut short there");
            return;
        }
    }
}

/* The block of the gathered words; also read, for its faults, when they are spoiled. */
static void
open_block(struct wr_reader *r, struct wr_reading *file, const struct wr_lex_token *t,
           struct wr_conf_node ***tail)
{
    struct wr_conf_node *n, *dropped = NULL, **inner = &dropped;

    if (r->n_words == 0 && !r->spoiled) {
        fault(r, file, t, NULL, "unexpected \"{\"");
    }
    n = take_statement(r, file, t->line);
    if (n != NULL) {
        n->block = true;
        inner = &n->first;
        check_expression(r, file, n, t);
        append(n, tail);
        if (weir_str_eq(n->words[0].text, WEIR_STR("include"))) {
            wr_diag_error(r->diag, wr_conf_place(n, 0), NULL,
                          "directive \"include\" is not terminated by \";\"");
        }
    }
    if (r->depth >= WR_CONF_DEPTH_MAX) {
        fault(r, file, t, NULL, "too many blocks within blocks");
        r->spoiled = false;
        skip_block(file);
        return;
    }
    r->depth++;
    read_block(r, file, n, &inner);
    r->depth--;
    if (n != NULL) {
        n->end_line = file->lex.line;
    }
}

static void
end_of_file(struct wr_reader *r, struct wr_reading *file, const struct wr_conf_node *opener,
            const struct wr_lex_token *t)
{
    struct wr_lex_token last = *t;
    bool text = file->includer == NULL && weir_str_eq(file->source->name, WR_CONF_COMMAND_LINE);

    if (r->n_words != 0 && !r->spoiled) {
        const struct wr_conf_word *w = &r->words[r->n_words - 1];
        last.line = w->line;
        last.column = w->column;
        last.len = w->len;
        fault(r, file, &last, NULL,
              text ? "unexpected end of parameter, expecting \";\""
                   : "unexpected end of file, expecting \";\" or \"}\"");
    } else if (opener != NULL && file->unclosed == NULL) {
        weir_str hint = weir_print(r->pool, "the block of \"%.*s\" was opened at %.*s:%u",
                                   (int)WR_MIN(opener->words[0].text.len, (size_t)100),
                                   opener->words[0].text.data, WEIR_FMT(file->source->name),
                                   opener->words[0].line);
        fault(r, file, &last, hint.data, "unexpected end of file, expecting \"}\"");
    }
    if (file->unclosed == NULL) {
        file->unclosed = opener; /* the outer ones say no more about it */
    }
    take_statement(r, file, t->line);
}

/* `}`: does it end the block that is being read? opener is NULL in one whose head is wrong, too. */
static bool
close_block(struct wr_reader *r, struct wr_reading *file, bool inside,
            const struct wr_conf_node *opener, const struct wr_lex_token *t)
{
    weir_str hint = { NULL, 0 };

    if (r->n_words != 0 && !r->spoiled) {
        if (opener != NULL && weir_str_ends(opener->words[0].text, WEIR_STR("_by_lua_block"))) {
            hint = WEIR_STR("the block holds Lua, which weir does not run");
        } else {
            hint = weir_print(r->pool, "is a \";\" missing at the end of line %u?",
                              r->words[r->n_words - 1].line);
        }
        fault(r, file, t, hint.data, "unexpected \"}\"");
    } else if (!inside) {
        fault(r, file, t, "no block is open here", "unexpected \"}\"");
    }
    take_statement(r, file, t->line);
    return inside;
}

static void
junk(struct wr_reader *r, const struct wr_reading *file, const struct wr_lex_token *t)
{
    char text[] = "unexpected \"?\"";

    if (r->spoiled) { /* once a statement: the next word is most likely no more wrong than this one
                       */
        return;
    }
    text[sizeof(text) - 3] = t->raw.data[0];
    fault(r, file, t, "a blank, \";\", \"{\" or \")\" must follow a quoted word", text);
}

/* Read statements up to the `}` that ends opener's block, or to the end of the file. */
static void
read_block(struct wr_reader *r, struct wr_reading *file, const struct wr_conf_node *opener,
           struct wr_conf_node ***tail)
{
    uint32_t floor = file->depth;
    struct wr_lex_token t;

    for (;;) {
        switch (wr_lex_next(&file->lex, &t)) {
        case WR_LEX_WORD:
            add_word(r, file, &t);
            break;
        case WR_LEX_SEMICOLON:
            end_statement(r, file, &t, tail);
            break;
        case WR_LEX_OPEN:
            file->depth++;
            open_block(r, file, &t, tail);
            file->depth--;
            break;
        case WR_LEX_CLOSE:
            if (close_block(r, file, floor != 0, opener, &t)) {
                return;
            }
            break;
        case WR_LEX_OPEN_QUOTE:
            fault(r, file, &t, "the quote that begins here has no end",
                  "unexpected end of file, missing terminating quote");
            break;
        case WR_LEX_JUNK:
            junk(r, file, &t);
            break;
        case WR_LEX_END:
            end_of_file(r, file, opener, &t);
            return;
        }
    }
}

/* ---- Entry. ---- */

void
wr_reader_source(struct wr_reader *r, const struct wr_conf_source *source,
                 const struct wr_reading *includer, struct wr_conf_node ***tail)
{
    struct wr_reading file = { .includer = includer, .source = source };
    size_t room = source->text.len + 1;

    file.words_text = wr_strbuf_over(wr_pool_alloc(r->words_pool, room), room);
    wr_lex_init(&file.lex, source->text);
    read_block(r, &file, NULL, tail);
}

static void
reader_init(struct wr_reader *r, struct weir_pool *pool, struct weir_pool *words,
            struct wr_diag *diag, struct wr_conf_tree *tree)
{
    *r = (struct wr_reader){ .pool = pool, .words_pool = words, .diag = diag, .tree = tree };
    wr_source_set_init(&r->sources, pool);
    *tree = (struct wr_conf_tree){ .first = NULL };
}

static bool
reader_fini(struct wr_reader *r, uint32_t errors_before)
{
    free(r->words);
    r->tree->sources = r->sources.first;
    return r->diag->errors == errors_before;
}

bool
wr_conf_read(struct weir_pool *pool, struct weir_pool *words, const char *path, weir_str globals,
             struct wr_sites *sites, struct wr_diag *diag, struct wr_conf_tree *tree)
{
    uint32_t errors_before = diag->errors;
    const struct wr_conf_source *source;
    struct wr_conf_node **tail = &tree->first;
    const char *slash = strrchr(path, '/');
    struct wr_reader r;

    reader_init(&r, pool, words, diag, tree);
    r.sites = sites;
    if (globals.len != 0) {
        source =
            wr_source_add_text(&r.sources, WR_CONF_COMMAND_LINE, weir_dup(pool, globals), diag);
        if (source != NULL) {
            wr_reader_source(&r, source, NULL, &tail);
        }
    }
    r.folder = slash != NULL
                   ? weir_dup(pool, (weir_str){ path, slash == path ? 1 : (size_t)(slash - path) })
                   : WEIR_STR("");
    source =
        wr_source_read(&r.sources, NULL, weir_str_c(path), (struct wr_conf_place){ NULL, 0, 0, 0 },
                       diag);
    if (source != NULL) {
        r.text_bytes = source->text.len;
        wr_reader_source(&r, source, NULL, &tail);
    }
    return reader_fini(&r, errors_before);
}

bool
wr_conf_read_text(struct weir_pool *pool, weir_str name, weir_str text, const char *folder,
                  struct wr_diag *diag, struct wr_conf_tree *tree)
{
    uint32_t errors_before = diag->errors;
    const struct wr_conf_source *source;
    struct wr_conf_node **tail = &tree->first;
    struct wr_reader r;

    reader_init(&r, pool, pool, diag, tree);
    r.folder = weir_str_c(folder);
    source = wr_source_add_text(&r.sources, name, text, diag);
    if (source != NULL) {
        r.text_bytes = source->text.len;
        wr_reader_source(&r, source, NULL, &tail);
    }
    return reader_fini(&r, errors_before);
}
