/* http/regex_literals.c - one walk over a pattern, outside of its groups, gathering runs of plain bytes. */
#include "http/regex_literals.h"

#include <string.h>

#include "base/str.h"
#include "base/strbuf.h"

struct walk {
    weir_str rest;          /* of the pattern */
    uint32_t depth;         /* of groups */
    bool lost;              /* something is not understood, or there are alternatives: no literals */
    bool at_start;          /* all so far is '^' and plain bytes */
    struct wr_strbuf run;   /* plain bytes since the last thing that is none */
    struct wr_strbuf start; /* the first run, when '^' stands before it */
    struct wr_strbuf part;  /* the longest run */
};

static char
next_byte(struct walk *w)
{
    char c = w->rest.data[0];

    w->rest = wr_str_cut(w->rest, 1, w->rest.len);
    return c;
}

static bool
skip(struct walk *w, const char *text)
{
    weir_str t = weir_str_c(text);

    if (!wr_str_starts(w->rest, t)) {
        return false;
    }
    w->rest = wr_str_cut(w->rest, t.len, w->rest.len);
    return true;
}

static void
end_run(struct walk *w)
{
    if (w->at_start) {
        wr_strbuf_bytes(&w->start, w->run.data, w->run.len);
        w->at_start = false;
    }
    if (w->run.len > w->part.len) {
        w->part.len = 0;
        wr_strbuf_bytes(&w->part, w->run.data, w->run.len);
    }
    w->run.len = 0;
}

/* What stood last may be repeated, or with `optional` be missing. */
static void
quantify(struct walk *w, bool optional)
{
    w->lost |= w->at_start && w->run.len == 0; /* the '^' itself */
    if (optional && w->depth == 0 && w->run.len != 0) {
        w->run.len--;
    }
    end_run(w);
}

/* Behind '{': of the kinds "{2}", "{2,}", "{2,3}"; what else it may be depends on the version of PCRE2. */
static void
walk_braces(struct walk *w)
{
    size_t digits = 0;

    quantify(w, true);
    while (w->rest.len != 0 && w->rest.data[0] >= '0' && w->rest.data[0] <= '9') {
        (void)next_byte(w);
        digits++;
    }
    if (skip(w, ",")) {
        while (w->rest.len != 0 && w->rest.data[0] >= '0' && w->rest.data[0] <= '9') {
            (void)next_byte(w);
        }
    }
    w->lost |= digits == 0 || !skip(w, "}");
}

static void
plain(struct walk *w, char c)
{
    if (w->depth == 0) {
        wr_strbuf_byte(&w->run, c);
    }
}

/* Behind a backslash. Escapes that take more than one letter are left alone. */
static void
walk_escape(struct walk *w)
{
    char c, low;

    if (w->rest.len == 0) {
        w->lost = true;
        return;
    }
    c = next_byte(w);
    low = (char)wr_str_lower((uint8_t)c);
    if ((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9')) {
        end_run(w);
        w->lost |= memchr("dDwWsSbBAzZhHvVRnrtf", c, 20) == NULL;
    } else {
        plain(w, c);
    }
}

/* Behind '[': to its ']'. */
static void
walk_class(struct walk *w)
{
    end_run(w);
    (void)skip(w, "^");
    (void)skip(w, "]"); /* the first one is a member */
    while (w->rest.len != 0) {
        char c = next_byte(w);
        if (c == ']') {
            return;
        }
        if (c == '\\' && w->rest.len != 0) {
            c = next_byte(w);
            w->lost |= c == 'Q' || c == 'E' || c == 'c';
        } else if (c == '[' && w->rest.len != 0 && memchr(":.=", w->rest.data[0], 3) != NULL) {
            w->lost = true; /* [:alpha:] and its kin */
        }
    }
    w->lost = true;
}

/* Behind '('. */
static void
walk_group(struct walk *w)
{
    static const char *const kinds[] = { "?:", "?=", "?!", "?<", "?P<", "?'", "?>" };
    bool known = false;

    end_run(w);
    w->depth++;
    if (w->rest.len != 0 && w->rest.data[0] == '*') {
        w->lost = true;
    }
    if (w->rest.len != 0 && w->rest.data[0] == '?') {
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !known; i++) {
            known = skip(w, kinds[i]);
        }
        w->lost |= !known; /* options, comments, conditions, recursion */
    }
}

static void
walk_special(struct walk *w, char c)
{
    switch (c) {
    case '\\':
        walk_escape(w);
        break;
    case '[':
        walk_class(w);
        break;
    case '(':
        walk_group(w);
        break;
    case ')':
        w->lost |= w->depth == 0;
        w->depth -= w->depth != 0;
        break;
    case '|':
        w->lost |= w->depth == 0;
        break;
    case '{':
        walk_braces(w);
        break;
    case '?':
    case '*':
        quantify(w, true);
        break;
    case '+':
        quantify(w, false);
        break;
    default: /* . ^ $ */
        end_run(w);
    }
}

static weir_str
kept(struct weir_pool *pool, const struct wr_strbuf *b, bool wanted)
{
    return wanted && b->len != 0 ? weir_dup(pool, wr_strbuf_view(b)) : (weir_str){ NULL, 0 };
}

void
wr_regex_literals_find(struct weir_pool *pool, weir_str pattern, bool fold,
                       struct wr_regex_literals *out)
{
    struct walk w = { .rest = pattern };
    bool ends = false;

    *out = (struct wr_regex_literals){ .fold = fold };
    if (pattern.len == 0) {
        return;
    }
    w.run = wr_strbuf_over(weir_alloc(pool, pattern.len), pattern.len);
    w.start = wr_strbuf_over(weir_alloc(pool, pattern.len), pattern.len);
    w.part = wr_strbuf_over(weir_alloc(pool, pattern.len), pattern.len);
    w.at_start = skip(&w, "^");
    while (w.rest.len != 0 && !w.lost) {
        char c = next_byte(&w);
        if (memchr("\\[(){|?*.^$+", c, 12) == NULL) {
            plain(&w, c);
        } else if (c == '$' && w.rest.len == 0 && w.depth == 0) {
            ends = true;
        } else {
            walk_special(&w, c);
        }
    }
    if (w.lost || w.depth != 0) {
        return;
    }
    out->end = kept(pool, &w.run, ends);
    end_run(&w);
    out->start = kept(pool, &w.start, true);
    out->part = kept(pool, &w.part, !fold && w.part.len > out->start.len && w.part.len > out->end.len);
}

static bool
same(const struct wr_regex_literals *l, weir_str a, weir_str b)
{
    return l->fold ? weir_str_ieq(a, b) : weir_str_eq(a, b);
}

static bool
ends_with(const struct wr_regex_literals *l, weir_str s)
{
    return s.len >= l->end.len && same(l, wr_str_cut(s, s.len - l->end.len, s.len), l->end);
}

bool
wr_regex_literals_admit(const struct wr_regex_literals *l, weir_str subject)
{
    if (l->start.len != 0 && !same(l, wr_str_cut(subject, 0, l->start.len), l->start)) {
        return false;
    }
    if (l->end.len != 0 && !ends_with(l, subject) &&
        !(subject.len != 0 && subject.data[subject.len - 1] == '\n' &&
          ends_with(l, wr_str_cut(subject, 0, subject.len - 1)))) {
        return false;
    }
    return l->part.len == 0 ||
           (subject.len >= l->part.len &&
            memmem(subject.data, subject.len, l->part.data, l->part.len) != NULL);
}
