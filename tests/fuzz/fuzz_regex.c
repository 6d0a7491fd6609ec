/* The shortcuts by literals and by gate never change an answer: an expression and a subject from the input, matched with it and without.
 *
 * Input: a byte of flags, the pattern, a NUL, the subject. */
#include <string.h>

#include "base/assert.h"
#include "base/pool.h"
#include "http/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weir_pool *pool;
    const uint8_t *nul = size > 1 ? memchr(data + 1, 0, size - 1) : NULL;
    struct wr_captures with = { .n = 0 }, without = { .n = 0 };
    struct wr_err err;
    weir_str pattern, subject;
    weir_regex *re;
    size_t at = 0;
    int quick, full;

    if (nul == NULL || size > 4096) {
        return 0;
    }
    pool = pool != NULL ? pool : wr_pool_create("fuzz", NULL);
    pattern = (weir_str){ (const char *)data + 1, (size_t)(nul - data - 1) };
    subject = (weir_str){ (const char *)nul + 1, (size_t)(data + size - nul - 1) };
    re = wr_regex_create(pool, pattern, data[0] & WEIR_REGEX_ICASE, &err, &at);
    if (re == NULL) {
        WR_ASSERT(at <= pattern.len && err.text[0] != '\0');
        wr_pool_reset(pool);
        return 0;
    }
    full = wr_regex_run_fully(re, subject, &without, &err);
    quick = wr_regex_run(re, subject, &with, &err);
    if (full == WEIR_OK) {
        struct wr_regex_gate gate = wr_regex_gate(re), key = wr_regex_gate_key(subject);
        WR_ASSERT(wr_regex_gate_opens(&gate, &key));
    }
    if (full != WEIR_ERROR) { /* a limit may be passed on the way to "no", which the shortcut knows at once */
        WR_ASSERT(quick == full);
    }
    if (quick == WEIR_OK && full == WEIR_OK) {
        WR_ASSERT(with.n == without.n);
        for (uint32_t i = 0; i < with.n; i++) {
            WR_ASSERT(with.from[i] == without.from[i] && with.until[i] == without.until[i]);
            WR_ASSERT(with.from[i] == UINT32_MAX ||
                      (with.from[i] <= with.until[i] && with.until[i] <= subject.len));
        }
    }
    wr_pool_reset(pool);
    return 0;
}
