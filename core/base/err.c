/* base/err.c - one bounded line of explanation. */
#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

bool
wr_err_set(struct wr_err *err, const char *fmt, ...)
{
    va_list args;

    if (err == NULL) {
        return false;
    }
    va_start(args, fmt);
    (void)vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return false;
}
