/* base/log.c - formatting one error log line and handing it to its targets. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/str.h"

enum { LINE_BYTES = 4096, MESSAGE_BYTES = 2048 };

static const char *const names[] = { "stderr", "emerg",  "alert", "crit", "error",
                                     "warn",   "notice", "info",  "debug" };

static struct wr_log_target stderr_target = { .level = WR_LOG_NOTICE, .fd = 2 };
static const struct wr_log_sink stderr_sink = { &stderr_target };
static struct wr_log process_log = { .pub = { WR_LOG_NOTICE }, .sink = &stderr_sink };

const struct wr_log *
wr_log_process(void)
{
    return &process_log;
}

void
wr_log_process_set(const struct wr_log_sink *sink)
{
    wr_log_init(&process_log, sink != NULL ? sink : &stderr_sink);
}

void
wr_log_init(struct wr_log *log, const struct wr_log_sink *sink)
{
    *log = (struct wr_log){ 0 };
    wr_log_aim(log, sink);
}

void
wr_log_aim(struct wr_log *log, const struct wr_log_sink *sink)
{
    log->sink = sink;
    log->pub.level = 0;
    for (const struct wr_log_target *t = sink->first; t != NULL; t = t->next) {
        log->pub.level = WR_MAX(log->pub.level, t->level);
    }
}

int
wr_log_level_parse(weir_str name)
{
    for (size_t i = 0; i < WR_COUNT(names); i++) {
        if (weir_str_eq(name, weir_str_c(names[i]))) {
            return (int)i;
        }
    }
    return -1;
}

const char *
wr_log_level_name(uint32_t level)
{
    return names[WR_MIN(level, WR_COUNT(names) - 1)];
}

/* Messages come from us, but the strings inside them from anywhere: what would break the line is
 * escaped. */
static void
add_message(struct wr_strbuf *b, const char *text, size_t len)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c >= 0x20 && c < 0x7f) {
            wr_strbuf_byte(b, (char)c);
        } else {
            char escape[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };
            wr_strbuf_bytes(b, escape, sizeof(escape));
        }
    }
}

static void
send_line(const struct wr_log *log, uint32_t level, const char *line, size_t len)
{
    for (struct wr_log_target *t = log->sink->first; t != NULL; t = t->next) {
        if (level > t->level) {
            continue;
        }
        if (t->write != NULL) {
            t->write(t, level, line, len);
        } else if (t->fd >= 0 && write(t->fd, line, len) < 0) {
            t->lost++;
        }
    }
}

static void line_va(const struct wr_log *log, uint32_t level, int error, const char *fmt,
                    va_list args) __attribute__((format(printf, 4, 0)));

static void
line_va(const struct wr_log *log, uint32_t level, int error, const char *fmt, va_list args)
{
    char line[LINE_BYTES], message[MESSAGE_BYTES];
    struct wr_strbuf b = wr_strbuf_over(line, sizeof(line) - 1);
    int saved = errno, n;

    if (wr_clock.log_time[0] == '\0') {
        wr_clock_update();
    }
    n = vsnprintf(message, sizeof(message), fmt, args);
    wr_strbuf_print(&b, "%s [%s] %d#%d: ", wr_clock.log_time, wr_log_level_name(level),
                    (int)getpid(), (int)syscall(SYS_gettid));
    if (log->connection != 0) {
        wr_strbuf_print(&b, "*%llu ", (unsigned long long)log->connection);
    }
    /* Tools that read nginx's lines expect the message here, so bundled modules (no dot in the
     * name) speak as the server. */
    if (log->module != NULL && strchr(log->module, '.') != NULL) {
        wr_strbuf_print(&b, "[%s] ", log->module);
    }
    add_message(&b, message, n < 0 ? 0 : WR_MIN((size_t)n, sizeof(message) - 1));
    if (error != 0) {
        wr_strbuf_print(&b, " (%d: %s)", error, strerror(error));
    }
    if (log->context != NULL) {
        log->context(log, &b);
    }
    line[b.len] = '\n';
    send_line(log, level, line, b.len + 1);
    errno = saved;
}

void
wr_log_line(const struct wr_log *log, uint32_t level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line_va(log, level, 0, fmt, args);
    va_end(args);
}

void
wr_log_errno(const struct wr_log *log, uint32_t level, int error, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line_va(log, level, error, fmt, args);
    va_end(args);
}

void
weir_log_line(const weir_log *log, uint32_t level, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line_va(WR_CONTAINER(log, const struct wr_log, pub), level, 0, fmt, args);
    va_end(args);
}

const weir_log *
weir_main_log(void)
{
    return &process_log.pub;
}
