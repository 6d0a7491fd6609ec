/* sub.h - the body filter of module sub with everything around it: rules are written in C, a body
 * goes through in pieces. */
#ifndef TESTS_UNIT_MODULES_SUB_H
#define TESTS_UNIT_MODULES_SUB_H

#undef WEIR_SERVER /* as a module is compiled */
#include <weir/weir.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/pool.h"
#include "http/regex.h"

#include "../modules/sub/needles.c"
#include "../modules/sub/lines.c"
#include "../modules/sub/sub.c"

enum { SUB_RULES = 4 };

/* Rules as a configuration has them. */
struct sub_rules {
    sub_conf conf;
    weir_value texts[2 * SUB_RULES + SUB_RULES];
    struct rule rules[SUB_RULES];
    struct line_rule lines[SUB_RULES];
    struct line_part parts[SUB_RULES][3];
    weir_pool *pool;
};

static inline void
sub_rules_init(struct sub_rules *s, bool once)
{
    memset(s, 0, sizeof(*s));
    s->conf.once = once;
    s->pool = wr_pool_create("rules", NULL);
}

static inline void
sub_rules_text(struct sub_rules *s, weir_str text, weir_str with)
{
    uint32_t n = s->conf.rules.n++;

    s->texts[2 * n].constant = text;
    s->texts[2 * n + 1].constant = with;
    s->rules[n] = (struct rule){ .text = &s->texts[2 * n], .with = &s->texts[2 * n + 1] };
    if (n != 0) {
        s->rules[n - 1].next = &s->rules[n];
    } else {
        s->conf.rules.first = &s->rules[0];
    }
}

/* In the place of what pattern matches: with, and its group 1. */
static inline void
sub_rules_regex(struct sub_rules *s, const char *pattern, const char *with)
{
    uint32_t n = s->conf.lines.n++;
    struct wr_err err;
    size_t at;

    s->texts[2 * SUB_RULES + n].constant = weir_str_c(with);
    s->parts[n][0].text = &s->texts[2 * SUB_RULES + n];
    s->parts[n][1].group = 1;
    s->lines[n] =
        (struct line_rule){ .regex = wr_regex_create(s->pool, weir_str_c(pattern), 0, &err, &at),
                            .parts = s->parts[n],
                            .n_parts = 2,
                            .first_value = 2 * n };
    WR_ASSERT(s->lines[n].regex != NULL);
    s->conf.lines.n_values += 2;
    if (n != 0) {
        s->lines[n - 1].next = &s->lines[n];
    } else {
        s->conf.lines.first = &s->lines[0];
    }
}

static inline void
sub_rules_fini(struct sub_rules *s)
{
    wr_pool_destroy(&s->pool);
}

/*
 * What comes out, on the heap, when body goes through cut at `cuts` (ascending, at most its
 * length). together: all pieces come in one call. early_end: the last piece is the last buffer;
 * otherwise an empty one follows.
 */
static inline weir_str
sub_run(const struct sub_rules *rules, weir_str body, const size_t *cuts, size_t n_cuts,
        bool together, bool early_end)
{
    static uint64_t cells[2];
    static weir_metric counted[2] = { { &cells[0] }, { &cells[1] } };
    void *ctx[1] = { NULL };
    weir_log log = { 0 };
    weir_request r = { .ctx = ctx, .pool = wr_pool_create("request", NULL), .log = &log };
    struct state *st = weir_zalloc(r.pool, sizeof(*st));
    weir_chain in = { NULL, NULL }, out = { NULL, NULL };
    weir_str all;
    size_t at = 0;
    unsigned ends = 0;

    responses = &counted[0];
    replacements = &counted[1];
    weir_self_.slot = 0;
    ctx[0] = st;
    collect(&r, &rules->conf, st);
    for (size_t i = 0; i <= n_cuts; i++) {
        size_t to = i < n_cuts ? cuts[i] : body.len;
        weir_chain_push(&in, weir_buf_copy(r.pool, (weir_str){ body.data + at, to - at }));
        if (i == n_cuts && early_end) {
            in.tail->flags |= WEIR_BUF_LAST;
        }
        if (!together) {
            WR_ASSERT(filter_body(&r, &rules->conf, &in, &out) == WEIR_NEXT);
        }
        at = to;
    }
    if (!early_end) {
        weir_chain_push(&in, weir_buf_mark(r.pool, WEIR_BUF_LAST));
    }
    WR_ASSERT(filter_body(&r, &rules->conf, &in, &out) == WEIR_NEXT);
    WR_ASSERT(in.head == NULL && st->lines.held.head == NULL);
    for (const weir_buf *b = out.head; b != NULL; b = b->next) {
        ends += (b->flags & WEIR_BUF_LAST) != 0;
        WR_ASSERT(!(b->flags & WEIR_BUF_LAST) || b->next == NULL);
    }
    WR_ASSERT(ends == 1);
    all = weir_chain_str(r.pool, &out, SIZE_MAX);
    char *copy = malloc(all.len + 1);
    WR_ASSERT(copy != NULL);
    if (all.len != 0) {
        memcpy(copy, all.data, all.len);
    }
    copy[all.len] = '\0';
    wr_pool_destroy(&r.pool);
    return (weir_str){ copy, all.len };
}

#endif
