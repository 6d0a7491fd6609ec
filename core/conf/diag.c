/* conf/diag.c - keeping diagnoses and printing them with the line of text they are about. */
#include "conf/diag.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "conf/sites.h"
#include "conf/tree.h"

enum {
    LIMIT = 100,        /* diagnoses of a kind that are kept */
    MESSAGE_MAX = 2048, /* bytes of a text; a word of a megabyte is not worth printing */
    SHOWN_MAX = 160,    /* bytes of a line that are shown */
    SHOWN_BEFORE = 60   /* of which in front of the place, when the line is longer */
};

static const char red[] = "\033[1;31m", yellow[] = "\033[1;33m", bold[] = "\033[1m",
                  plain[] = "\033[0m";

void
wr_diag_init(struct wr_diag *d, struct weir_pool *pool)
{
    *d = (struct wr_diag){ .pool = pool };
}

static uint32_t *
counter(struct wr_diag *d, uint32_t kind)
{
    return kind == WR_DIAG_ERROR ? &d->errors : kind == WR_DIAG_WARN ? &d->warnings : &d->notes;
}

static bool
is_full(struct wr_diag *d, uint32_t kind)
{
    uint32_t kept = *counter(d, kind) - (kind == WR_DIAG_ERROR ? d->repeated : 0);

    return kept >= (d->limit != 0 ? d->limit : LIMIT);
}

static void
count(struct wr_diag *d, uint32_t kind)
{
    *counter(d, kind) += *counter(d, kind) < UINT32_MAX;
}

/* Is it said already? Statements of a branch are bound as often as the branch makes blocks differ. */
static bool
is_known(const struct wr_diag *d, uint32_t kind, struct wr_conf_place at, weir_str text)
{
    const struct wr_diagnosis *n = at.source != NULL ? d->first : NULL;

    while (n != NULL && !(n->kind == kind && n->place.source == at.source && n->place.line == at.line &&
                          n->place.column == at.column && weir_str_eq(n->text, text))) {
        n = n->next;
    }
    return n != NULL;
}

static weir_str print_text(struct weir_pool *pool, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

static weir_str
print_text(struct weir_pool *pool, const char *fmt, va_list args)
{
    char text[MESSAGE_MAX];
    int n = vsnprintf(text, sizeof(text), fmt, args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;

    return weir_dup(pool, (weir_str){ text, len });
}

/* An error in a site's file is that site's. */
static void
blame(struct wr_diag *d, struct wr_conf_place at)
{
    struct wr_site *site = at.source != NULL && at.source->site != NULL ? at.source->site : d->site;

    if (site != NULL) {
        site->errors++;
    }
}

void
wr_diag_add_args(struct wr_diag *d, uint32_t kind, struct wr_conf_place at, const char *hint,
                 const char *fmt, va_list args)
{
    struct wr_diagnosis *n;
    weir_str text = { NULL, 0 };

    if (kind == WR_DIAG_ERROR) {
        blame(d, at);
    }
    if (!is_full(d, kind)) {
        text = print_text(d->pool, fmt, args);
        if (is_known(d, kind, at, text)) {
            d->errors += kind == WR_DIAG_ERROR;
            d->repeated += kind == WR_DIAG_ERROR;
            return;
        }
    }
    count(d, kind);
    if (text.data == NULL) {
        return;
    }
    n = wr_pool_zalloc(d->pool, sizeof(*n));
    n->kind = kind;
    n->place = at;
    n->text = text;
    if (hint != NULL) {
        n->hint = weir_dup(d->pool, weir_str_c(hint));
    }
    if (d->last != NULL) {
        d->last->next = n;
    } else {
        d->first = n;
    }
    d->last = n;
}

bool
wr_diag_error(struct wr_diag *d, struct wr_conf_place at, const char *hint, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    wr_diag_add_args(d, WR_DIAG_ERROR, at, hint, fmt, args);
    va_end(args);
    return false;
}

void
wr_diag_add(struct wr_diag *d, uint32_t kind, struct wr_conf_place at, const char *hint,
            const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    wr_diag_add_args(d, kind, at, hint, fmt, args);
    va_end(args);
}

bool
wr_diag_full(const struct wr_diag *d)
{
    return d->errors - d->repeated >= (d->limit != 0 ? d->limit : LIMIT);
}

/* ---- Printing. ---- */

static weir_str
line_of(weir_str text, uint32_t line)
{
    const char *at = text.data, *end = text.len != 0 ? text.data + text.len : text.data;
    const char *eol = NULL;

    while (--line != 0 && at < end) {
        eol = memchr(at, '\n', (size_t)(end - at));
        at = eol != NULL ? eol + 1 : end;
    }
    eol = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    if (eol == NULL) {
        eol = end;
    }
    if (eol > at && eol[-1] == '\r') {
        eol--;
    }
    return (weir_str){ at, (size_t)(eol - at) };
}

/* The bytes of a line as a terminal may see them: no control character gets through. */
static void
put_visible(struct wr_strbuf *to, weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.data[i];
        wr_strbuf_byte(to, c == '\t' || (c >= 0x20 && c != 0x7f) ? (char)c : '?');
    }
}

/* One column for every character of s, tabs kept so that they are as wide as above. */
static void
put_padding(struct wr_strbuf *to, weir_str s, char with)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.data[i];
        if ((c & 0xc0) != 0x80) { /* not a later byte of a UTF-8 character */
            wr_strbuf_byte(to, c == '\t' && with == ' ' ? '\t' : with);
        }
    }
}

static void
put_excerpt(struct wr_strbuf *to, const struct wr_diagnosis *n, bool colours)
{
    weir_str line = line_of(n->place.source->text, n->place.line);
    size_t at = n->place.column > 0 ? n->place.column - 1 : 0;
    size_t from = 0, mark = 0, number;

    if (at > line.len) {
        at = line.len;
    }
    if (line.len > SHOWN_MAX && at > SHOWN_BEFORE) {
        from = at - SHOWN_BEFORE;
    }
    line = weir_str_cut(line, from, SHOWN_MAX);
    at -= from;
    mark = WR_MIN((size_t)n->place.len, line.len - at);
    number = to->len;
    wr_strbuf_print(to, "%5u", n->place.line);
    number = to->len - number;
    wr_strbuf_lit(to, " | ");
    put_visible(to, line);
    wr_strbuf_print(to, "\n%*s | ", (int)number, "");
    put_padding(to, weir_str_cut(line, 0, at), ' ');
    wr_strbuf_str(to, colours ? weir_str_c(red) : (weir_str){ NULL, 0 });
    wr_strbuf_byte(to, '^');
    put_padding(to, weir_str_cut(line, at + 1, mark > 0 ? mark - 1 : 0), '~');
    wr_strbuf_str(to, colours ? weir_str_c(plain) : (weir_str){ NULL, 0 });
}

static void
put_first_line(struct wr_strbuf *to, const struct wr_diagnosis *n)
{
    put_visible(to, n->text);
    if (n->place.source != NULL) {
        wr_strbuf_lit(to, " in ");
        put_visible(to, n->place.source->name);
        wr_strbuf_print(to, ":%u", n->place.line);
        if (n->place.column != 0) {
            wr_strbuf_print(to, ":%u", n->place.column);
        }
    }
}

static void
write_all(int fd, weir_str s)
{
    while (s.len != 0) {
        ssize_t n = write(fd, s.data, s.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return;
        }
        s = weir_str_cut(s, (size_t)n, SIZE_MAX);
    }
}

static void
print_one(const struct wr_diagnosis *n, int fd, bool colours)
{
    static const char *const words[] = { "emerg", "warn", "notice" };
    const char *colour = !colours                   ? ""
                         : n->kind == WR_DIAG_ERROR ? red
                         : n->kind == WR_DIAG_WARN  ? yellow
                                                    : bold;
    char room[4 * MESSAGE_MAX];
    struct wr_strbuf to = wr_strbuf_over(room, sizeof(room) - 1);

    wr_strbuf_print(&to, "weir: %s[%s]%s ", colour, words[n->kind], colours ? plain : "");
    put_first_line(&to, n);
    if (n->place.source != NULL && n->place.line != 0) {
        wr_strbuf_byte(&to, '\n');
        put_excerpt(&to, n, colours);
        if (n->hint.data != NULL) {
            wr_strbuf_byte(&to, ' ');
            put_visible(&to, n->hint);
        }
    } else if (n->hint.data != NULL) {
        wr_strbuf_lit(&to, "\n      | ");
        put_visible(&to, n->hint);
    }
    room[to.len++] = '\n';
    write_all(fd, wr_strbuf_view(&to));
}

static void
log_one(const struct wr_diagnosis *n)
{
    static const uint32_t levels[] = { WR_LOG_EMERG, WR_LOG_WARN, WR_LOG_NOTICE };
    char room[2 * MESSAGE_MAX];
    struct wr_strbuf to = wr_strbuf_over(room, sizeof(room));

    put_first_line(&to, n);
    if (levels[n->kind] <= wr_log_process()->pub.level) {
        wr_log_line(wr_log_process(), levels[n->kind], "%.*s", WEIR_FMT(wr_strbuf_view(&to)));
    }
}

void
wr_diag_print(const struct wr_diag *d, int fd, uint32_t kinds, bool log)
{
    bool colours = isatty(fd) == 1;
    uint32_t errors = 0;

    for (const struct wr_diagnosis *n = d->first; n != NULL; n = n->next) {
        if ((kinds & 1u << n->kind) == 0) {
            continue;
        }
        errors += n->kind == WR_DIAG_ERROR;
        print_one(n, fd, colours);
        if (log) {
            log_one(n);
        }
    }
    if ((kinds & 1u << WR_DIAG_ERROR) != 0 && d->errors - d->repeated > errors) {
        char room[80];
        struct wr_strbuf to = wr_strbuf_over(room, sizeof(room));
        wr_strbuf_print(&to, "weir: [emerg] and %u more errors\n", d->errors - d->repeated - errors);
        write_all(fd, wr_strbuf_view(&to));
    }
}
