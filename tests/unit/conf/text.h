/* What the tests of conf/ share: a pool and diagnoses around one text, and what was said about it.
 */
#ifndef WR_TEST_CONF_TEXT_H
#define WR_TEST_CONF_TEXT_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/pool.h"
#include "conf/diag.h"
#include "conf/tree.h"

struct text {
    struct weir_pool *pool;
    struct wr_diag diag;
    struct wr_conf_tree tree;
};

static inline void
text_init(struct text *t)
{
    memset(t, 0, sizeof(*t));
    t->pool = wr_pool_create("test", NULL);
    wr_diag_init(&t->diag, t->pool);
}

static inline bool
text_read(struct text *t, const char *text)
{
    text_init(t);
    return wr_conf_read_text(t->pool, WEIR_STR("a.conf"), weir_str_c(text), NULL, &t->diag,
                             &t->tree);
}

static inline void
text_fini(struct text *t)
{
    wr_pool_destroy(&t->pool);
}

/* The i-th diagnosis as "LINE:COLUMN TEXT", with " (HINT)" when it has one; "" past the last. */
static inline const char *
text_said(const struct text *t, unsigned i)
{
    static char line[4096];
    const struct wr_diagnosis *d = t->diag.first;

    line[0] = '\0';
    while (d != NULL && i-- != 0) {
        d = d->next;
    }
    if (d != NULL) {
        snprintf(line, sizeof(line), "%u:%u %s%s%s%s", d->place.line, d->place.column, d->text.data,
                 d->hint.data != NULL ? " (" : "", d->hint.data != NULL ? d->hint.data : "",
                 d->hint.data != NULL ? ")" : "");
    }
    return line;
}

/* How much longer than usual things may take here: sanitizers slow everything down. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { TEXT_SLOWER = 10 };
#else
enum { TEXT_SLOWER = 1 };
#endif

/* Processor time of this process, in milliseconds. */
static inline long
text_cpu_ms(void)
{
    return (long)(clock() / (CLOCKS_PER_SEC / 1000));
}

#endif
