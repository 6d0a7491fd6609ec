/* Bodies of reports: what comes of them is bounded, addresses have no query, and what is learned of them can stand in a
 * configuration: no directive ends early, and none is learned twice. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/pool.h"

#undef WEIR_SERVER
#include <weir/weir.h>

#include "../modules/csp/grammar.c"
#undef is_letter
#include "../modules/csp/learn.c"
#include "../modules/csp/reports.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct learned all;

static void
look(void *data, const struct violation *v)
{
    uint32_t *n = data, before = all.n;

    (*n)++;
    WR_ASSERT(v->document.len != 0 && v->document.len <= REPORT_TEXT_MAX);
    WR_ASSERT(v->directive.len != 0 && weir_str_find(v->directive, ' ') == v->directive.len);
    WR_ASSERT(weir_str_find(v->document, '?') == v->document.len &&
              weir_str_find(v->blocked, '#') == v->blocked.len);
    WR_ASSERT(v->sample.len <= REPORT_SAMPLE_MAX && v->line >= 0 && v->column >= 0);
    WR_ASSERT(learned_add(&all, v) == (all.n != before));
    WR_ASSERT(!learned_add(&all, v));
    WR_ASSERT(all.n <= LEARN_SOURCES_MAX);
}

/* Every line is a csp line or a comment, and has one ';', at its end. */
static void
check_lines(weir_str text)
{
    while (text.len != 0) {
        size_t n = weir_str_find(text, '\n');
        weir_str line = weir_str_cut(text, 0, n);
        WR_ASSERT(n < text.len);
        WR_ASSERT(line.data[0] == '#' || memcmp(line.data, "csp ", 4) == 0);
        if (line.data[0] != '#') {
            WR_ASSERT(weir_str_find(line, ';') == line.len - 1 &&
                      weir_str_find(line, '$') == line.len && weir_str_find(line, '{') == line.len);
        }
        text = weir_str_cut(text, n + 1, SIZE_MAX);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report_counts counts;
    uint32_t n = 0;
    weir_pool *pool = wr_pool_create("fuzz", NULL);

    all.n = 0;
    if (reports_read((weir_str){ (const char *)data, size }, look, &n, &counts)) {
        WR_ASSERT(n == counts.violations && n <= REPORTS_MAX);
    } else {
        WR_ASSERT(n == 0);
    }
    check_lines(learned_lines(pool, &all));
    wr_pool_destroy(&pool);
    return 0;
}
