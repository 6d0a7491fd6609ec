/* process/syslog.h - lines to a syslog daemon: a datagram each, as RFC 3164 has it and nginx writes
 * it. */
#ifndef WR_PROCESS_SYSLOG_H
#define WR_PROCESS_SYSLOG_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "net/addr.h"

enum { WR_SYSLOG_TAG = 32, WR_SYSLOG_LINE = 2048 };

struct wr_syslog {
    struct wr_addr server;
    uint32_t facility, severity;
    char tag[WR_SYSLOG_TAG + 1];
    bool nohostname;
    char hostname[65];
    int fd; /* -1: not open */
};

/*
 * "syslog:server=ADDRESS[:PORT][,facility=NAME][,severity=NAME][,tag=NAME][,nohostname]": nginx's
 * words and defaults (514, local7, info). The tag is "weir" unless given.
 *
 * False, *s untouched, with the reason in err.
 */
bool wr_syslog_parse(weir_str text, struct wr_syslog *s, struct wr_err *err);

/* "<190>Oct 11 22:14:15 host tag: " for the local time `seconds` and a severity. */
void wr_syslog_head(const struct wr_syslog *s, uint32_t severity, int64_t seconds,
                    struct wr_strbuf *to);

/* Send the line (a line break at its end is left out; what is over WR_SYSLOG_LINE is cut). 0, or
 * -errno: it is lost. */
int wr_syslog_send(struct wr_syslog *s, uint32_t severity, weir_str line);

void wr_syslog_close(struct wr_syslog *s);

#endif
