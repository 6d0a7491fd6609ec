/* process/logfile.c - the list of logs, gathering, writing, and counting what a full disk loses. */
#include "process/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "config.h"
#include "process/generation.h"
#include "process/syslog.h"

enum { TELL_MS = 60 * 1000, MODE = 0640 };

/* ---- Opening. ---- */

/* May a link at path be followed? Not when others could have put it there: that is how a worker's
 * user gets root to write where it likes. /dev/stdout is such a link, in a folder of root's. */
static bool
link_is_trusted(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;
    struct stat st;

    if (len >= sizeof(folder)) {
        return false;
    }
    memcpy(folder, path, len);
    memcpy(folder + len, len != 0 ? "" : "/", len != 0 ? 1 : 2);
    return stat(folder, &st) == 0 && (st.st_uid == 0 || st.st_uid == geteuid()) &&
           (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int
open_file(const char *path)
{
    int flags = O_WRONLY | O_APPEND | O_CREAT;
    int fd = wr_file_open(AT_FDCWD, path, flags | O_NOFOLLOW, MODE);

    if (fd == -ELOOP && link_is_trusted(path)) {
        fd = wr_file_open(AT_FDCWD, path, flags, MODE);
    }
    return fd;
}

static bool
open_log(struct weir_logfile *f, struct wr_err *err)
{
    struct wr_syslog s;

    if (strcmp(f->path, "stderr") == 0) {
        f->fd = STDERR_FILENO;
        return true;
    }
    if (weir_str_starts(weir_str_c(f->path), WEIR_STR("syslog:"))) {
        if (!wr_syslog_parse(weir_str_c(f->path), &s, err)) {
            return false;
        }
        f->syslog = malloc(sizeof(s));
        WR_ASSERT(f->syslog != NULL);
        *f->syslog = s;
        return true;
    }
    f->fd = open_file(f->path);
    if (f->fd < 0) {
        int error = -f->fd;
        f->fd = -1;
        return wr_err_set(err, "open() \"%s\" failed (%d: %s)", f->path, error, strerror(error));
    }
    return true;
}

static void flush_task(struct wr_task *t);
static void report_due(struct wr_timer *t);

static void
free_log(struct weir_logfile *f)
{
    if (f->syslog != NULL) {
        wr_syslog_close(f->syslog);
        free(f->syslog);
    } else if (f->fd > STDERR_FILENO) {
        (void)close(f->fd);
    }
    free(f->waiting);
    free(f->path);
    free(f);
}

/* A configuration's hold on a log. */
struct hold {
    struct wr_logfiles *list;
    struct weir_logfile *file;
    const struct weir_pool *user;
};

static void
let_go(void *data)
{
    const struct hold *h = data;
    struct weir_logfile **at = &h->list->first;

    WR_ASSERT(h->file->refs != 0);
    if (h->file->user == h->user) {
        h->file->user = NULL;
    }
    if (--h->file->refs != 0) {
        return;
    }
    while (*at != h->file) {
        at = &(*at)->next;
    }
    *at = h->file->next;
    free_log(h->file);
}

static void
hold(struct wr_logfiles *l, struct weir_logfile *f, struct weir_pool *pool)
{
    struct hold *h;

    if (f->user == pool) {
        return;
    }
    f->user = pool;
    f->refs++;
    h = wr_pool_alloc(pool, sizeof(*h));
    *h = (struct hold){ l, f, pool };
    weir_on_end(pool, let_go, h);
}

struct weir_logfile *
wr_logfiles_open(struct wr_logfiles *l, struct weir_pool *pool, weir_str path, struct wr_err *err)
{
    struct weir_logfile *f = l->first;

    while (f != NULL && !weir_str_eq(weir_str_c(f->path), path)) {
        f = f->next;
    }
    if (f == NULL) {
        f = calloc(1, sizeof(*f));
        WR_ASSERT(f != NULL);
        f->fd = -1;
        f->path = strndup(path.data, path.len);
        WR_ASSERT(f->path != NULL);
        f->report.fire = report_due;
        wr_task_init(&f->flush, flush_task);
        if (!open_log(f, err)) {
            free_log(f);
            return NULL;
        }
        f->id = ++l->next_id;
        f->next = l->first;
        l->first = f;
    }
    hold(l, f, pool);
    return f;
}

weir_logfile *
weir_logfile_open(weir_conf *cf, weir_str path)
{
    struct wr_generation *g = wr_generation_of(cf);
    struct wr_err err;
    weir_logfile *f;

    if (!weir_str_starts(path, WEIR_STR("syslog:")) && !weir_str_eq(path, WEIR_STR("stderr"))) {
        path = wr_instance_path(g->instance, cf->pool,
                                path.data != NULL ? path : WEIR_STR(WR_HTTP_LOG_PATH));
    }
    f = wr_logfiles_open(&g->instance->logs, cf->pool, path, &err);
    if (f == NULL) {
        weir_conf_error(cf, "%s", err.text);
    }
    return f;
}

/* ---- What is lost. ---- */

static void
tell_loss(struct weir_logfile *f)
{
    uint64_t lost = f->lost;

    f->lost = 0;
    f->told_ms = wr_clock.now_ms;
    wr_log_errno(wr_log_process(), WR_LOG_CRIT, f->error, "%llu lines of the log \"%s\" were lost",
                 (unsigned long long)lost, f->path);
}

static void
report_due(struct wr_timer *t)
{
    struct weir_logfile *f = WR_CONTAINER(t, struct weir_logfile, report);

    if (f->lost != 0) {
        tell_loss(f);
    }
}

/* Tell at once, then at most once a minute. Other threads only count. */
static void
lose(struct weir_logfile *f, uint64_t lines, int error)
{
    struct wr_loop *loop = wr_loop_self();

    f->lost += lines;
    f->error = error;
    if (loop == NULL || wr_timer_running(&f->report)) {
        return;
    }
    wr_timer_set(loop, &f->report, TELL_MS);
    if (f->told_ms == 0 || wr_clock.now_ms - f->told_ms >= TELL_MS) {
        tell_loss(f);
    }
}

static uint64_t
count_lines(const char *at, size_t len)
{
    uint64_t n = 0;

    for (size_t i = 0; i < len; i++) {
        n += at[i] == '\n';
    }
    return n;
}

/* ---- Writing. ---- */

/* One write of whole lines. After one that the disk cut short, the next begins a line of its own.
 */
static void
write_lines(struct weir_logfile *f, const char *at, size_t len)
{
    ssize_t n;

    if (f->torn && write(f->fd, "\n", 1) == 1) {
        f->torn = false;
    }
    do {
        n = write(f->fd, at, len);
    } while (n < 0 && errno == EINTR);
    if (n == (ssize_t)len) {
        return;
    }
    if (n > 0) {
        f->torn = at[n - 1] != '\n';
        lose(f, count_lines(at + n, len - (size_t)n), ENOSPC);
    } else {
        lose(f, count_lines(at, len), n < 0 ? errno : ENOSPC);
    }
}

static void
flush(struct weir_logfile *f)
{
    size_t len = f->len;

    if (len != 0) {
        f->len = 0;
        write_lines(f, f->waiting, len);
    }
}

static void
flush_task(struct wr_task *t)
{
    flush(WR_CONTAINER(t, struct weir_logfile, flush));
}

static void
send_lines(struct weir_logfile *f, weir_str bytes)
{
    while (bytes.len != 0) {
        size_t end = weir_str_find(bytes, '\n');
        int rc = wr_syslog_send(f->syslog, f->syslog->severity, weir_str_cut(bytes, 0, end));
        if (rc != 0) {
            lose(f, 1, -rc);
        }
        bytes = weir_str_cut(bytes, end + 1, bytes.len);
    }
}

void
weir_logfile_write(weir_logfile *f, weir_str bytes)
{
    struct wr_loop *loop = wr_loop_self();

    if (f->syslog != NULL) {
        send_lines(f, bytes);
        return;
    }
    if (bytes.len > WR_LOGFILE_ROOM - f->len) {
        flush(f);
    }
    if (bytes.len > WR_LOGFILE_ROOM || loop == NULL) {
        write_lines(f, bytes.data, bytes.len);
        return;
    }
    if (f->waiting == NULL) {
        f->waiting = malloc(WR_LOGFILE_ROOM);
        WR_ASSERT(f->waiting != NULL);
    }
    if (bytes.len != 0) {
        memcpy(f->waiting + f->len, bytes.data, bytes.len);
        f->len += bytes.len;
        wr_task_add_last(loop, &f->flush);
    }
}

/* ---- Targets of error logs. ---- */

struct target {
    struct wr_log_target pub;
    struct weir_logfile *file;
};

static void
target_write(struct wr_log_target *t, uint32_t level, const char *line, size_t len)
{
    struct weir_logfile *f = WR_CONTAINER(t, struct target, pub)->file;

    if (f->syslog == NULL) {
        write_lines(f, line, len);
        return;
    }
    if (wr_syslog_send(f->syslog, level > WR_LOG_EMERG ? level - 1 : 0, (weir_str){ line, len }) !=
        0) {
        t->lost++;
    }
}

struct wr_log_target *
wr_logfile_target(struct weir_logfile *f, struct weir_pool *pool, uint32_t level)
{
    struct target *t = wr_pool_zalloc(pool, sizeof(*t));

    t->pub = (struct wr_log_target){ .level = level, .fd = f->fd, .write = target_write };
    t->file = f;
    return &t->pub;
}

/* ---- Reopening. ---- */

void
wr_logfiles_reopen(struct wr_logfiles *l, void (*tell)(const struct weir_logfile *f, void *data),
                   void *data)
{
    for (struct weir_logfile *f = l->first; f != NULL; f = f->next) {
        int fd;
        if (f->syslog != NULL || f->fd <= STDERR_FILENO) {
            continue;
        }
        flush(f);
        fd = open_file(f->path);
        if (fd < 0) {
            wr_log_errno(wr_log_process(), WR_LOG_EMERG, -fd, "open() \"%s\" failed", f->path);
            continue;
        }
        (void)dup3(fd, f->fd, O_CLOEXEC);
        (void)close(fd);
        tell(f, data);
    }
}

void
wr_logfiles_replace(struct wr_logfiles *l, uint32_t id, int fd)
{
    for (struct weir_logfile *f = l->first; f != NULL; f = f->next) {
        if (f->id == id && f->fd > STDERR_FILENO) {
            flush(f);
            (void)dup3(fd, f->fd, O_CLOEXEC);
        }
    }
    (void)close(fd);
}

void
wr_logfiles_detach(struct wr_logfiles *l)
{
    struct wr_loop *loop = wr_loop_self();

    for (struct weir_logfile *f = l->first; f != NULL; f = f->next) {
        flush(f);
        if (loop != NULL) {
            wr_timer_clear(loop, &f->report);
            wr_task_remove(&f->flush);
        }
    }
}

void
wr_logfiles_fini(struct wr_logfiles *l)
{
    while (l->first != NULL) {
        struct weir_logfile *f = l->first;
        l->first = f->next;
        free_log(f);
    }
}
