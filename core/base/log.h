/* base/log.h - the error log: lines, levels and where they go.
 *
 * Lines keep nginx's form, "YYYY/MM/DD HH:MM:SS [level] pid#tid: *connection message, client: ..., ...". A sink is a list of
 * targets, each with a level of its own (several `error_log` directives add up). Every byte outside 0x20..0x7e, and `\`, is
 * escaped, so that no peer can forge a line. A write that fails is counted and never waits.
 */
#ifndef WR_BASE_LOG_H
#define WR_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/log.h>

#include "base/strbuf.h"

/* nginx's levels; those from ERROR up are also the module ABI's WEIR_LOG_*. */
enum wr_log_level {
    WR_LOG_STDERR = 0,
    WR_LOG_EMERG = 1,
    WR_LOG_ALERT = 2,
    WR_LOG_CRIT = 3,
    WR_LOG_ERROR = WEIR_LOG_ERROR,
    WR_LOG_WARN = WEIR_LOG_WARN,
    WR_LOG_NOTICE = WEIR_LOG_NOTICE,
    WR_LOG_INFO = WEIR_LOG_INFO,
    WR_LOG_DEBUG = WEIR_LOG_DEBUG
};

/* One place lines go to. fd is -1 for syslog-like targets, which set `write` instead. */
struct wr_log_target {
    struct wr_log_target *next;
    uint32_t level;
    int fd;
    void (*write)(struct wr_log_target *t, uint32_t level, const char *line, size_t len);
    uint64_t lost; /* lines that could not be written */
};

struct wr_log_sink {
    struct wr_log_target *first;
};

/* What somebody who works for a request adds to the lines of its log. */
struct wr_log_note {
    void (*add)(const struct wr_log_note *note, struct wr_strbuf *to); /* ", upstream: ..." */
    uint64_t since_ms; /* when that work began, wr_clock.now_ms */
};

/* A log: what weir_log of the ABI is inside. */
struct wr_log {
    weir_log pub;                   /* pub.level: the highest level any target takes */
    const struct wr_log_sink *sink; /* where lines go */
    uint64_t connection;            /* "*N" in front of the message; 0: none */
    /* Appends ", client: ..., request: ..." for logs that belong to a connection or request; may be NULL. */
    void (*context)(const struct wr_log *log, struct wr_strbuf *to);
    /* Whose hook is running, NULL in the server's own code; a third party's is named in the line. */
    const char *module;
    const struct wr_log_note *note; /* for context; NULL: none */
};

static inline struct wr_log *
wr_log_of(const weir_log *log)
{
    return (struct wr_log *)(uintptr_t)log;
}

/* The process's own log: stderr until wr_log_process_set. Never NULL. */
const struct wr_log *wr_log_process(void);
void wr_log_process_set(const struct wr_log_sink *sink);

/* Make log write to sink: level from its targets, no connection, no context. */
void wr_log_init(struct wr_log *log, const struct wr_log_sink *sink);

/* Make lines of log go to sink from here on; all else stays. */
void wr_log_aim(struct wr_log *log, const struct wr_log_sink *sink);

/* One line; formatted once, at most 2 KiB. Use wr_say. */
void wr_log_line(const struct wr_log *log, uint32_t level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": <strerror> (errno N)"-like text in nginx's form, "(2: No such file or directory)", behind the message. */
void wr_log_errno(const struct wr_log *log, uint32_t level, int error, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define wr_say(log_, LEVEL, ...)                                                                   \
    do {                                                                                           \
        if (WR_LOG_##LEVEL <= (log_)->pub.level) {                                                 \
            wr_log_line((log_), WR_LOG_##LEVEL, __VA_ARGS__);                                      \
        }                                                                                          \
    } while (0)

/* The level called name ("warn"), or -1; and the other way round. */
int wr_log_level_parse(weir_str name);
const char *wr_log_level_name(uint32_t level);

#endif
