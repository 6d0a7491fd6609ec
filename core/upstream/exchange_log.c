/* upstream/exchange_log.c - the lines an exchange logs, in the words that tools know from nginx. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/str.h"
#include "upstream/exchange.h"

enum { MESSAGE = 512 };

const char *
wr_exchange_doing(const weir_exchange *x)
{
    switch (x->state) {
    case WR_EXCHANGE_PEER:
    case WR_EXCHANGE_CONNECT:
        return "connecting to upstream";
    case WR_EXCHANGE_TLS:
        return "SSL handshaking to upstream";
    case WR_EXCHANGE_SENT:
        return "sending request to upstream";
    case WR_EXCHANGE_HEAD:
        return "reading response header from upstream";
    case WR_EXCHANGE_TUNNEL:
        return "proxying upgraded connection";
    default:
        return "reading upstream";
    }
}

/* The target of the request line. */
static weir_str
target_of(weir_str head)
{
    weir_str rest = weir_str_cut(head, weir_str_find(head, ' ') + 1, SIZE_MAX);

    return weir_str_cut(rest, 0, weir_str_find(rest, ' '));
}

/* http://127.0.0.1:8081/path */
static void
add_url(const weir_exchange *x, struct wr_strbuf *to)
{
    weir_str addr = x->tried->last != NULL ? x->tried->last->addr : x->o.to->name;

    wr_strbuf_print(to, "%s://", x->policy.tls != NULL ? "https" : x->policy.protocol);
    wr_strbuf_escaped(to, addr);
    if (weir_str_starts(addr, WEIR_STR("unix:"))) {
        wr_strbuf_byte(to, ':');
    }
    wr_strbuf_escaped(to, target_of(x->o.head));
}

void
wr_exchange_note(const struct wr_log_note *note, struct wr_strbuf *to)
{
    const weir_exchange *x = WR_CONTAINER(note, const weir_exchange, note);

    wr_strbuf_lit(to, ", upstream: \"");
    add_url(x, to);
    wr_strbuf_byte(to, '"');
}

/* Where there is no request whose log names the upstream. */
static void
say_alone(const weir_exchange *x, enum wr_log_level level, weir_str message)
{
    const weir_log *log = x->o.log != NULL ? x->o.log : weir_main_log();
    uint64_t ms = wr_clock.now_ms - x->started_ms;
    char room[MESSAGE];
    struct wr_strbuf url = wr_strbuf_over(room, sizeof(room));

    add_url(x, &url);
    if ((uint32_t)level <= log->level) {
        weir_log_line(log, level, "%.*s, upstream: \"%.*s\", took: %llu.%03us", WEIR_FMT(message),
                      WEIR_FMT(wr_strbuf_view(&url)), (unsigned long long)(ms / 1000),
                      (unsigned)(ms % 1000));
    }
}

static void
say(const weir_exchange *x, enum wr_log_level level, const char *what, int error)
{
    const struct wr_log *log = wr_exchange_log(x);
    char room[MESSAGE];
    struct wr_strbuf b = wr_strbuf_over(room, sizeof(room));

    wr_strbuf_print(&b, "%s", what);
    if (error != 0) {
        wr_strbuf_print(&b, " (%d: %s)", error, strerror(error));
    }
    wr_strbuf_print(&b, " while %s", wr_exchange_doing(x));
    if (log == NULL || x->o.log != NULL) {
        say_alone(x, level, wr_strbuf_view(&b));
    } else if ((uint32_t)level <= log->pub.level) {
        wr_log_line(log, level, "%.*s", WEIR_FMT(wr_strbuf_view(&b)));
    }
}

void
wr_exchange_say(const weir_exchange *x, int error, const char *fmt, ...)
{
    char what[MESSAGE / 2];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    say(x, WR_LOG_ERROR, what, error);
}

void
wr_exchange_warn(const weir_exchange *x, const char *what)
{
    say(x, WR_LOG_WARN, what, 0);
}
