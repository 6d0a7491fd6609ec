/* process/syslog.c - the syslog: address of a log, and its datagrams. */
#include "process/syslog.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/str.h"

/* In the order of their numbers.  [RFC 3164 4.1.1] */
static const char *const facilities[] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "intern", "lpr",    "news",
    "uucp",   "clock",  "authpriv", "ftp",    "ntp",    "audit",  "alert",  "cron",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};
static const char *const severities[] = { "emerg", "alert",  "crit", "error",
                                          "warn",  "notice", "info", "debug" };

enum { PORT = 514, FACILITY = 23, SEVERITY = 6, HOSTNAME_MAX = 64 };

static bool
find_name(const char *const *names, size_t n, weir_str name, uint32_t *number)
{
    for (size_t i = 0; i < n; i++) {
        if (weir_str_eq(name, weir_str_c(names[i]))) {
            *number = (uint32_t)i;
            return true;
        }
    }
    return false;
}

static bool
parse_tag(weir_str tag, struct wr_syslog *s, struct wr_err *err)
{
    if (tag.len == 0 || tag.len > WR_SYSLOG_TAG) {
        return wr_err_set(err, "syslog tag length exceeds %d", WR_SYSLOG_TAG);
    }
    for (size_t i = 0; i < tag.len; i++) {
        uint8_t c = (uint8_t)weir_lower((uint8_t)tag.data[i]);
        if (c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z')) {
            return wr_err_set(err, "syslog \"tag\" only allows alphanumeric characters and "
                                   "underscore");
        }
    }
    memcpy(s->tag, tag.data, tag.len);
    s->tag[tag.len] = '\0';
    return true;
}

static bool
parse_word(weir_str word, struct wr_syslog *s, struct wr_err *err)
{
    size_t equals = weir_str_find(word, '=');
    weir_str name = weir_str_cut(word, 0, equals), value = weir_str_cut(word, equals + 1, word.len);

    if (weir_str_eq(name, WEIR_STR("server"))) {
        return wr_addr_parse(value, PORT, true, &s->server, err);
    }
    if (weir_str_eq(name, WEIR_STR("facility"))) {
        return find_name(facilities, WR_COUNT(facilities), value, &s->facility) ||
               wr_err_set(err, "unknown syslog facility \"%.*s\"", WEIR_FMT(value));
    }
    if (weir_str_eq(name, WEIR_STR("severity"))) {
        return find_name(severities, WR_COUNT(severities), value, &s->severity) ||
               wr_err_set(err, "unknown syslog severity \"%.*s\"", WEIR_FMT(value));
    }
    if (weir_str_eq(name, WEIR_STR("tag"))) {
        return parse_tag(value, s, err);
    }
    if (weir_str_eq(word, WEIR_STR("nohostname"))) {
        s->nohostname = true;
        return true;
    }
    return wr_err_set(err, "unknown syslog parameter \"%.*s\"", WEIR_FMT(word));
}

bool
wr_syslog_parse(weir_str text, struct wr_syslog *s, struct wr_err *err)
{
    struct wr_syslog found = {
        .facility = FACILITY, .severity = SEVERITY, .tag = "weir", .fd = -1
    };
    weir_str rest = weir_str_cut(text, sizeof("syslog:") - 1, text.len);

    while (rest.len != 0) {
        size_t comma = weir_str_find(rest, ',');
        if (!parse_word(weir_str_cut(rest, 0, comma), &found, err)) {
            return false;
        }
        rest = weir_str_cut(rest, comma + 1, rest.len);
    }
    if (found.server.at.family == AF_UNSPEC) {
        return wr_err_set(err, "no syslog server specified");
    }
    if (gethostname(found.hostname, HOSTNAME_MAX) != 0) {
        memcpy(found.hostname, "localhost", sizeof("localhost"));
    }
    *s = found;
    return true;
}

void
wr_syslog_head(const struct wr_syslog *s, uint32_t severity, int64_t seconds, struct wr_strbuf *to)
{
    time_t t = (time_t)seconds;
    char when[32];
    struct tm tm;

    (void)localtime_r(&t, &tm);
    (void)strftime(when, sizeof(when), "%b %e %H:%M:%S", &tm);
    wr_strbuf_byte(to, '<');
    wr_strbuf_num(to, s->facility * 8 + severity);
    wr_strbuf_byte(to, '>');
    wr_strbuf_str(to, weir_str_c(when));
    wr_strbuf_byte(to, ' ');
    if (!s->nohostname) {
        wr_strbuf_str(to, weir_str_c(s->hostname));
        wr_strbuf_byte(to, ' ');
    }
    wr_strbuf_str(to, weir_str_c(s->tag));
    wr_strbuf_lit(to, ": ");
}

static int
open_socket(struct wr_syslog *s)
{
    int fd = socket(s->server.at.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, &s->server.at.any, s->server.len) != 0) {
        int error = errno;
        (void)close(fd);
        return -error;
    }
    s->fd = fd;
    return 0;
}

int
wr_syslog_send(struct wr_syslog *s, uint32_t severity, weir_str line)
{
    char room[WR_SYSLOG_LINE + 256];
    struct wr_strbuf b = wr_strbuf_over(room, sizeof(room));

    if (line.len != 0 && line.data[line.len - 1] == '\n') {
        line.len--;
    }
    wr_syslog_head(s, severity, wr_clock.wall_s, &b);
    wr_strbuf_str(&b, weir_str_cut(line, 0, WR_SYSLOG_LINE));
    for (int i = 0; i < 2; i++) { /* a daemon that was started anew is a new socket */
        int error = s->fd < 0 ? open_socket(s) : 0;
        if (error != 0) {
            return error;
        }
        if (send(s->fd, b.data, b.len, MSG_NOSIGNAL) >= 0) {
            return 0;
        }
        error = -errno;
        if (error == -EAGAIN || i == 1) {
            return error;
        }
        wr_syslog_close(s);
    }
    return 0;
}

void
wr_syslog_close(struct wr_syslog *s)
{
    if (s->fd >= 0) {
        (void)close(s->fd);
        s->fd = -1;
    }
}
