/* collect.c - takes reports in: rate first, then length, type, shape; each violation once, as a
 * line of JSON.
 *
 * Anybody can send reports, and a page with a fault makes every visitor's browser send some. So
 * what comes is bounded before it is read, and what has been seen is counted, not written again.
 */
#include "collect.h"

#include <openssl/evp.h>
#include <unistd.h>

enum outcome { LOGGED, REPEATED, OTHER, DROPPED, REFUSED, LIMITED };

const char *const collect_outcomes[] = { "logged",  "repeated", "other",
                                         "dropped", "refused",  "limited" };
weir_metric *csp_reports;

enum { SUM_BYTES = 32, RATE_MAX = 100000, BODY_MAX = 1 << 20 };

/* What the map holds: of a report nothing but that it is there; of the key "rate", a bucket. */
struct seen {
    uint64_t last_ms, excess; /* thousandths of bodies that were ahead of the rate */
};

/* ---- Limits. ---- */

struct drop {
    uint64_t rate, now_ms;
};

static int
count_body(void *data, void *value, bool is_new)
{
    const struct drop *drop = data;
    struct seen *s = value;
    uint64_t passed = is_new || drop->now_ms < s->last_ms ? 0 : drop->now_ms - s->last_ms;
    uint64_t leaked = passed < 1000 ? passed * drop->rate : 1000 * drop->rate;

    s->excess = s->excess > leaked ? s->excess - leaked : 0;
    s->last_ms = drop->now_ms;
    if (s->excess + 1000 > 1000 * drop->rate) {
        return WEIR_LIMIT;
    }
    s->excess += 1000;
    return WEIR_OK;
}

/* May one more body be read? At most a second's worth comes at once. */
static bool
within_rate(const struct collector *c)
{
    struct drop drop = { .rate = (uint64_t)c->rate, .now_ms = weir_now() };

    return c->rate == 0 ||
           weir_map_update(c->log.seen, WEIR_STR("rate"), 0, count_body, &drop) == WEIR_OK;
}

static int
note_first(void *data, void *value, bool is_new)
{
    (void)data;
    (void)value;
    return is_new ? WEIR_OK : WEIR_DONE;
}

static bool
add_to_sum(EVP_MD_CTX *c, weir_str s)
{
    return EVP_DigestUpdate(c, s.data, s.len) == 1 && EVP_DigestUpdate(c, "", 1) == 1;
}

/* Is it the first of its kind? What cannot be remembered is written. */
static bool
is_first(weir_request *r, const struct collector *c, const struct violation *v)
{
    weir_str line = weir_print(r->pool, "%lld", (long long)v->line);
    uint8_t sum[SUM_BYTES];
    EVP_MD_CTX *x = EVP_MD_CTX_new();
    bool good = x != NULL && EVP_DigestInit_ex(x, EVP_sha256(), NULL) == 1 &&
                add_to_sum(x, v->document) && add_to_sum(x, v->directive) &&
                add_to_sum(x, v->blocked) && add_to_sum(x, v->source) && add_to_sum(x, line) &&
                add_to_sum(x, v->disposition) && EVP_DigestFinal_ex(x, sum, NULL) == 1;

    EVP_MD_CTX_free(x);
    return !good || weir_map_update(c->log.seen, (weir_str){ (const char *)sum, sizeof(sum) },
                                    c->repeat_ms, note_first, NULL) != WEIR_DONE;
}

/* ---- Reports. ---- */

static weir_str
json(weir_request *r, weir_str s)
{
    return weir_escape(r->pool, s, WEIR_ESCAPE_JSON);
}

static void
write_line(weir_request *r, const struct collector *c, const struct violation *v)
{
    weir_str document = json(r, v->document), directive = json(r, v->directive);
    weir_str blocked = json(r, v->blocked), source = json(r, v->source);
    weir_str sample = json(r, v->sample), disposition = json(r, v->disposition);

    weir_logfile_write(
        c->log.file,
        weir_print(
            r->pool,
            "{\"time\":%lld,\"client\":\"%.*s\",\"document\":\"%.*s\",\"directive\":\"%.*s\","
            "\"blocked\":\"%.*s\",\"source\":\"%.*s\",\"line\":%lld,\"column\":%lld,"
            "\"status\":%lld,\"sample\":\"%.*s\",\"disposition\":\"%.*s\"}\n",
            (long long)weir_wall_clock(), WEIR_FMT(weir_client_addr(r, NULL)), WEIR_FMT(document),
            WEIR_FMT(directive), WEIR_FMT(blocked), WEIR_FMT(source), (long long)v->line,
            (long long)v->column, (long long)v->status, WEIR_FMT(sample), WEIR_FMT(disposition)));
}

struct intake {
    weir_request *r;
    const struct collector *c;
};

static void
take_violation(void *data, const struct violation *v)
{
    const struct intake *in = data;

    if (!is_first(in->r, in->c, v)) {
        weir_count_at(csp_reports, REPEATED, 1);
        return;
    }
    weir_count_at(csp_reports, LOGGED, 1);
    write_line(in->r, in->c, v);
    learn_from(in->r, &in->c->learn, v);
}

static int
refuse(int status)
{
    weir_count_at(csp_reports, REFUSED, 1);
    return status;
}

/* A buffer's bytes, also those in a file. */
static bool
copy_buffer(const weir_buf *b, char *to)
{
    int64_t offset;
    int fd;

    if (weir_buf_file_at(b, &fd, &offset) == WEIR_OK) {
        return pread(fd, to, b->len, (off_t)offset) == (ssize_t)b->len;
    }
    if (b->len != 0) {
        memcpy(to, b->data, b->len);
    }
    return true;
}

/* The body in one piece; absent: it cannot be had. */
static weir_str
whole_body(weir_request *r, const weir_chain *body)
{
    weir_str text = { NULL, 0 };
    char *to = weir_try_alloc(r->pool, weir_chain_len(body) + 1);

    if (to == NULL) {
        return text;
    }
    for (const weir_buf *b = body->head; b != NULL; b = b->next) {
        if (!copy_buffer(b, to + text.len)) {
            return (weir_str){ NULL, 0 };
        }
        text.len += b->len;
    }
    text.data = to;
    return text;
}

static int
body_came(weir_request *r, void *data, int result, weir_chain *body)
{
    struct intake in = { .r = r, .c = data };
    struct report_counts counts;
    weir_str text;

    if (result != WEIR_OK) {
        return refuse(weir_body_status(result));
    }
    text = whole_body(r, body);
    if (text.data == NULL) {
        return refuse(500);
    }
    if (!reports_read(text, take_violation, &in, &counts)) {
        return refuse(400);
    }
    weir_count_at(csp_reports, OTHER, counts.others);
    weir_count_at(csp_reports, DROPPED, counts.dropped);
    return weir_respond(r, 204, WEIR_STR(""), WEIR_STR(""));
}

int
collect(weir_request *r, const struct collector *c)
{
    static const weir_str accepted[] = { { "application/csp-report", 22 },
                                         { "application/reports+json", 24 } };
    static const weir_strs types = { accepted, 2 };
    const weir_header *type = r->in[WEIR_H_CONTENT_TYPE];

    if (!(r->method & WEIR_POST)) {
        return weir_respond_method_not_allowed(r, WEIR_POST);
    }
    if (!within_rate(c)) {
        weir_count_at(csp_reports, LIMITED, 1);
        return 429;
    }
    if (type == NULL || !weir_type_among(type->value, &types) ||
        r->in[WEIR_H_CONTENT_ENCODING] != NULL) {
        return refuse(415);
    }
    return weir_read_body(r, c->max, body_came, (void *)(uintptr_t)c);
}

/* ---- Configuration. ---- */

int
set_report(weir_conf *cf, const weir_directive *d, void *field)
{
    struct report_log *log = field;
    weir_str word = weir_conf_arg(cf, 1);
    weir_zone *zone;

    (void)d;
    *log = (struct report_log){ .file = NULL };
    if (weir_str_eq(word, WEIR_STR("off"))) {
        return WEIR_OK;
    }
    log->file = weir_logfile_open(cf, word);
    zone = log->file != NULL ? weir_zone_find(cf, WEIR_STR("csp_report:512k")) : NULL;
    log->seen =
        zone != NULL ? weir_map_claim(cf, zone, "csp.reports/1", sizeof(struct seen)) : NULL;
    return log->seen != NULL ? WEIR_OK : WEIR_ERROR;
}

int
check_rate(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return weir_conf_between(cf, 1, *(const int64_t *)field, 0, RATE_MAX);
}

int
check_max(weir_conf *cf, const weir_directive *d, void *field)
{
    uint64_t max = *(const uint64_t *)field;

    (void)d;
    return max != 0 && max <= BODY_MAX
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "value must be between 1 and 1m");
}
