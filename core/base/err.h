/* base/err.h - why something did not work, in words for a person. Filled only on failure. */
#ifndef WR_BASE_ERR_H
#define WR_BASE_ERR_H

#include <stdbool.h>

struct wr_err {
    char text[512]; /* zero-terminated, one line, no line break */
};

/* Write the reason and answer false, so that `return wr_err_set(err, ...)` fits bool functions. err may be NULL. */
bool wr_err_set(struct wr_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
