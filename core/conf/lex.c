/* conf/lex.c - one token at a time; what a token is stands in the header. */
#include "conf/lex.h"

#include "base/assert.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
step(struct wr_lex *lex)
{
    if (*lex->at++ == '\n') {
        lex->line++;
        lex->line_begin = lex->at;
    }
}

/* A backslash and the character behind it, whatever that is. */
static void
step_escape(struct wr_lex *lex)
{
    step(lex);
    if (lex->at < lex->end) {
        step(lex);
    }
}

static void
skip_blanks_and_comments(struct wr_lex *lex)
{
    while (lex->at < lex->end) {
        if (*lex->at == '#') {
            const char *eol = memchr(lex->at, '\n', (size_t)(lex->end - lex->at));
            lex->at = eol != NULL ? eol : lex->end;
        } else if (is_blank(*lex->at)) {
            step(lex);
        } else {
            return;
        }
    }
}

static void
plain_word(struct wr_lex *lex, struct wr_lex_token *t)
{
    const char *begin = lex->at;
    bool dollar = false; /* a `{` here would open ${name} */

    while (lex->at < lex->end) {
        char c = *lex->at;
        if (c == '\\') {
            dollar = false;
            step_escape(lex);
            continue;
        }
        if (is_blank(c) || c == ';' || (c == '{' && !dollar)) {
            break;
        }
        dollar = c == '$' || c == '{';
        step(lex);
    }
    t->raw = (weir_str){ begin, (size_t)(lex->at - begin) };
    t->len = (uint32_t)t->raw.len;
}

static enum wr_lex_kind
quoted_word(struct wr_lex *lex, struct wr_lex_token *t)
{
    struct wr_lex start = *lex;
    char quote = *lex->at;

    t->quoted = true;
    step(lex);
    while (lex->at < lex->end) {
        if (*lex->at == '\\') {
            step_escape(lex);
            continue;
        }
        if (*lex->at == quote) {
            t->raw = (weir_str){ start.at + 1, (size_t)(lex->at - start.at) - 1 };
            step(lex);
            t->len = (uint32_t)t->raw.len + 2;
            lex->after_quote = true;
            return WR_LEX_WORD;
        }
        step(lex);
    }
    /* No quote of this kind follows, so what follows is most likely statements as they were meant.
     */
    *lex = start;
    step(lex);
    while (lex->at < lex->end && *lex->at != ';' && *lex->at != '{' && *lex->at != '}') {
        step(lex);
    }
    t->len = 1;
    return WR_LEX_OPEN_QUOTE;
}

void
wr_lex_init(struct wr_lex *lex, weir_str text)
{
    WR_ASSERT(text.len <= INT32_MAX);
    *lex = (struct wr_lex){ .at = text.data, .line = 1, .line_begin = text.data };
    lex->end = text.len != 0 ? text.data + text.len : text.data;
}

static void
token_begin(const struct wr_lex *lex, struct wr_lex_token *t)
{
    *t = (struct wr_lex_token){ .line = lex->line, .len = 1 };
    t->column = (uint32_t)(lex->at - lex->line_begin) + 1;
}

enum wr_lex_kind
wr_lex_next(struct wr_lex *lex, struct wr_lex_token *t)
{
    bool after_quote = lex->after_quote;

    lex->after_quote = false;
    if (after_quote && lex->at < lex->end && !is_blank(*lex->at) &&
        memchr(";{})", *lex->at, 4) == NULL) {
        token_begin(lex, t);
        t->raw = (weir_str){ lex->at, 1 };
        return WR_LEX_JUNK;
    }
    skip_blanks_and_comments(lex);
    token_begin(lex, t);
    if (lex->at == lex->end) {
        return WR_LEX_END;
    }
    switch (*lex->at) {
    case ';':
        step(lex);
        return WR_LEX_SEMICOLON;
    case '{':
        step(lex);
        return WR_LEX_OPEN;
    case '}':
        step(lex);
        return WR_LEX_CLOSE;
    case '"':
    case '\'':
        return quoted_word(lex, t);
    default:
        plain_word(lex, t);
        return WR_LEX_WORD;
    }
}

size_t
wr_lex_resolve(char *to, weir_str raw)
{
    char *out = to;

    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.data[i];
        if (c == '\\' && i + 1 < raw.len) {
            switch (raw.data[i + 1]) {
            case '"':
            case '\'':
            case '\\':
                c = raw.data[++i];
                break;
            case 't':
                c = '\t';
                i++;
                break;
            case 'r':
                c = '\r';
                i++;
                break;
            case 'n':
                c = '\n';
                i++;
                break;
            default:
                break;
            }
        }
        *out++ = c;
    }
    return (size_t)(out - to);
}
