/* base/assert.c - the end of a process that broke one of its own invariants. */
#include "base/assert.h"

#include <stdlib.h>

#include "base/log.h"

_Noreturn void
wr_assert_failed(const char *what, const char *file, int line)
{
    wr_log_line(wr_log_process(), WR_LOG_ALERT, "assertion failed: %s at %s:%d", what, file, line);
    abort();
}
