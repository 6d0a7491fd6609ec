/* http/regex_literals.c - one walk over a pattern, outside of its groups, gathering runs of plain bytes. */
#include "http/regex_literals.h"

#include <string.h>

#include "base/str.h"
#include "base/strbuf.h"
#include "http/regex_choices.h"

struct walk {
    struct weir_pool *pool;
    struct wr_regex_literals *out;
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

    w->rest = weir_str_cut(w->rest, 1, w->rest.len);
    return c;
}

static bool
skip(struct walk *w, const char *text)
{
    weir_str t = weir_str_c(text);

    if (!weir_str_starts(w->rest, t)) {
        return false;
    }
    w->rest = weir_str_cut(w->rest, t.len, w->rest.len);
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
    char c;

    if (w->rest.len == 0) {
        w->lost = true;
        return;
    }
    c = next_byte(w);
    if (weir_is_letter((uint8_t)c) || weir_is_digit((uint8_t)c)) {
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

/* Behind the '(' of a group that may be a choice of words, next to one end of the subject. */
static void
note_choices(struct walk *w)
{
    weir_str rest = w->rest;
    struct wr_regex_choices c;

    if (w->depth != 0 ||
        !wr_regex_choices_read(w->pool, wr_strbuf_view(&w->run), &rest, &c)) {
        return;
    }
    if (w->at_start) {
        w->out->starts = c;
    }
    if (rest.len == 1 && rest.data[0] == '$') {
        w->out->ends = c;
    }
}

/* Behind '('. */
static void
walk_group(struct walk *w)
{
    static const char *const kinds[] = { "?:", "?=", "?!", "?<", "?P<", "?'", "?>" };
    bool known = false;

    note_choices(w);
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
    struct walk w = { .pool = pool, .out = out, .rest = pattern };
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
        *out = (struct wr_regex_literals){ .fold = fold };
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
starts_with(const struct wr_regex_literals *l, weir_str s, weir_str start)
{
    return s.len >= start.len && same(l, (weir_str){ s.data, start.len }, start);
}

static bool
ends_with(const struct wr_regex_literals *l, weir_str s, weir_str end)
{
    return s.len >= end.len && same(l, (weir_str){ s.data + s.len - end.len, end.len }, end);
}

static bool
admits_start(const struct wr_regex_literals *l, weir_str s)
{
    bool found = l->starts.n == 0;

    for (uint32_t i = 0; i < l->starts.n && !found; i++) {
        found = starts_with(l, s, l->starts.at[i]);
    }
    return found && (l->start.len == 0 || starts_with(l, s, l->start));
}

static bool
admits_end(const struct wr_regex_literals *l, weir_str s)
{
    bool found = l->ends.n == 0;

    for (uint32_t i = 0; i < l->ends.n && !found; i++) {
        found = ends_with(l, s, l->ends.at[i]);
    }
    return found && (l->end.len == 0 || ends_with(l, s, l->end));
}

bool
wr_regex_literals_admit(const struct wr_regex_literals *l, weir_str subject)
{
    if (!admits_start(l, subject)) {
        return false;
    }
    if (!admits_end(l, subject) && !(subject.len != 0 && subject.data[subject.len - 1] == '\n' &&
                                     admits_end(l, weir_str_cut(subject, 0, subject.len - 1)))) {
        return false;
    }
    return l->part.len == 0 ||
           (subject.len >= l->part.len &&
            memmem(subject.data, subject.len, l->part.data, l->part.len) != NULL);
}
