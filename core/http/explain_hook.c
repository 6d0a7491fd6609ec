/* http/explain_hook.c - what a module says of its hook, for `weir -M URL`, and what comes of it.
 *
 * A module speaks in lines, and gives the verdict that its hook would give. Variables that only a client's connection, time or
 * answer decide are watched (variable.h), so that it knows what it must not conclude from.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "http/core.h"
#include "http/explain.h"
#include "http/explain_course.h"
#include "http/http.h"
#include "http/variable.h"

enum { LINE_MAX_BYTES = 4096 };

struct weir_explain {
    cJSON *says;      /* lines */
    weir_str unknown; /* absent: none was asked for */
    int verdict;
};

/* ---- What modules call. ---- */

/* The line as any terminal can show it, and JSON hold it. */
static void
print_escaped(struct wr_strbuf *b, weir_str line)
{
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = (uint8_t)line.data[i];
        if (c < ' ' || c > '~') {
            wr_strbuf_print(b, "\\x%02X", c);
        } else {
            wr_strbuf_byte(b, (char)c);
        }
    }
}

void
weir_explain_say(weir_explain *to, const char *fmt, ...)
{
    char text[LINE_MAX_BYTES];
    struct wr_strbuf b = wr_strbuf_over(text, sizeof(text));
    char *line = NULL;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vasprintf(&line, fmt, args);
    va_end(args);
    WR_ASSERT(n >= 0);
    print_escaped(&b, (weir_str){ line, WR_MIN((size_t)n, (size_t)LINE_MAX_BYTES / 4) });
    wr_explain_add_line(to->says, wr_strbuf_view(&b));
    free(line);
}

void
weir_explain_verdict(weir_explain *to, int rc)
{
    to->verdict = rc;
}

weir_str
weir_explain_unknown(weir_explain *to)
{
    weir_str name = to->unknown;

    to->unknown = (weir_str){ NULL, 0 };
    return name;
}

void
weir_explain_lose(weir_explain *to, weir_request *r, int32_t var, weir_str because)
{
    (void)to;
    wr_vars_lose(wr_request_of(r), var, because);
}

static void
note_unknown(void *data, weir_str name)
{
    ((weir_explain *)data)->unknown = name;
}

/* ---- Verdicts. ---- */

static void
settle(struct wr_course *c, int status, const char *by)
{
    c->answer = status;
    c->answered_by = by;
}

/* Nobody can know: what comes behind comes if this lets it. */
static void
doubt(struct wr_course *c, const char *by)
{
    if (c->unless == NULL) {
        c->unless = by;
    }
}

/* Of an access hook: as http/access.c does it. */
static void
hear_access(struct wr_course *c, int verdict, const char *by)
{
    bool any = weir_satisfy_any(&c->r->pub);

    if (verdict == WEIR_DONE) {
        c->granted = any;
        c->denied_by = any ? NULL : c->denied_by;
    } else if (verdict == WEIR_AGAIN && any) {
        c->open = by;
    } else if (verdict == WEIR_AGAIN) {
        doubt(c, by);
    } else if (any && (verdict == 401 || verdict == 403)) {
        c->denial = c->denied_by != NULL && c->denial == 401 ? 401 : verdict;
        c->denied_by = by;
    } else if (verdict >= 100) {
        settle(c, verdict, by);
    }
}

static void
hear(struct wr_course *c, uint32_t phase, int verdict, const char *by)
{
    if (phase == WEIR_PHASE_ACCESS) {
        hear_access(c, verdict, by);
    } else if (verdict == WEIR_AGAIN) {
        doubt(c, by);
    } else if (phase < WEIR_PHASE_HEADERS && verdict == WEIR_DONE && c->r->pub.status != 0) {
        settle(c, (int)c->r->pub.status, by);
        c->answers_itself = true;
    } else if (phase < WEIR_PHASE_HEADERS && verdict >= 100) {
        settle(c, verdict, by);
    } else if (phase == WEIR_PHASE_CONTENT && verdict == WEIR_DONE) {
        c->settled = true;
    }
}

bool
wr_explain_over(const struct wr_course *c)
{
    return c->answer != 0 || c->granted || c->r->moved;
}

void
wr_explain_access_over(struct wr_course *c)
{
    if (c->denied_by != NULL && c->open != NULL) {
        doubt(c, c->open);
    } else if (c->denied_by != NULL && c->answer == 0) {
        settle(c, c->denial, c->denied_by);
    }
    c->granted = false;
}

static void
add_verdict(cJSON *to, int verdict, uint32_t phase)
{
    char status[16];

    if (verdict == WEIR_NEXT) {
        return;
    }
    (void)snprintf(status, sizeof(status), "%d", verdict);
    cJSON_AddStringToObject(to, "verdict",
                            verdict == WEIR_DONE    ? phase == WEIR_PHASE_ACCESS ? "allows" : "answers"
                            : verdict == WEIR_AGAIN ? "unknown"
                            : verdict < 100         ? "500"
                                                    : status);
}

void
wr_explain_hook(struct wr_course *c, cJSON *to, const struct wr_order_hook *h, uint32_t phase)
{
    weir_explain e = { .says = cJSON_AddArrayToObject(to, "says"), .verdict = WEIR_NEXT };
    const struct wr_vars_watch watch = { note_unknown, &e }, *before = c->http->vars->watch;

    if (h->module->explain == NULL || (phase == WEIR_PHASE_CONTENT && c->settled)) {
        c->settled = phase == WEIR_PHASE_CONTENT;
        return;
    }
    c->http->vars->watch = &watch;
    c->r->phase = (uint8_t)phase;
    h->module->explain(&c->r->pub, c->r->pub.conf[h->slot], phase, &e);
    c->http->vars->watch = before;
    if (c->r->moved) {
        c->moved_by = h->module->name;
        return;
    }
    add_verdict(to, e.verdict, phase);
    hear(c, phase, e.verdict, h->module->name);
}
