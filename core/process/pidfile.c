/* process/pidfile.c - writing, reading and removing the pid file. */
#include "process/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/num.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/strbuf.h"

enum { CONTENT_MAX = 32 };

bool
wr_pidfile_write(const char *path, pid_t pid, struct wr_err *err)
{
    char text[CONTENT_MAX];
    struct wr_strbuf b = wr_strbuf_over(text, sizeof(text));
    int rc;

    wr_strbuf_num(&b, (uint64_t)pid);
    wr_strbuf_byte(&b, '\n');
    rc = wr_file_replace(AT_FDCWD, path, wr_strbuf_view(&b), 0644);
    return rc == 0 || wr_err_set(err, "open() \"%s\" failed (%d: %s)", path, -rc, strerror(-rc));
}

bool
wr_pidfile_read(const char *path, pid_t *pid, struct wr_err *err)
{
    struct weir_pool *pool = wr_pool_create("pid file", NULL);
    weir_str text = { NULL, 0 };
    int rc = wr_file_read(AT_FDCWD, path, pool, CONTENT_MAX, &text);
    uint64_t n = 0;
    bool ok;

    if (rc != 0) {
        ok = wr_err_set(err, "open() \"%s\" failed (%d: %s)", path, -rc, strerror(-rc));
    } else {
        while (text.len != 0 &&
               (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r')) {
            text.len--;
        }
        ok = (weir_parse_number(text, INT_MAX, &n) && n != 0) ||
             wr_err_set(err, "invalid PID number \"%.*s\" in \"%s\"", WEIR_FMT(text), path);
    }
    wr_pool_destroy(&pool);
    if (ok) {
        *pid = (pid_t)n;
    }
    return ok;
}

void
wr_pidfile_remove(const char *path, pid_t pid)
{
    pid_t found;

    if (wr_pidfile_read(path, &found, NULL) && found == pid && unlink(path) != 0) {
        wr_log_errno(wr_log_process(), WR_LOG_WARN, errno, "unlink() \"%s\" failed", path);
    }
}
