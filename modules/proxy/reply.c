/* proxy/reply.c - the answer's head made of the upstream's: which fields go on, which are changed,
 * which stay here. */
#include "proxy.h"

/* nginx's own list: what speaks about the upstream or to us. */
static const char *const hidden[] = { "Date",
                                      "Server",
                                      "X-Pad",
                                      "X-Accel-Expires",
                                      "X-Accel-Redirect",
                                      "X-Accel-Limit-Rate",
                                      "X-Accel-Buffering",
                                      "X-Accel-Charset" };

#define REFRESH WEIR_STR("Refresh")

static bool
among(const weir_strs *names, weir_str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (weir_str_ieq(names->at[i], name)) {
            return true;
        }
    }
    return false;
}

int
reply_compile(weir_conf *cf, proxy_conf *c)
{
    size_t n = sizeof(hidden) / sizeof(hidden[0]), used = 0;
    weir_str *names = weir_zalloc(weir_conf_pool(cf), (n + c->hide.count) * sizeof(*names));

    c->hidden = 0;
    for (size_t i = 0; i < n + c->hide.count; i++) {
        weir_str name = i < n ? weir_str_c(hidden[i]) : c->hide.at[i - n];
        uint32_t id = weir_header_id(name);
        if (among(&c->pass_fields, name)) {
            continue;
        }
        if (id != 0) {
            c->hidden |= UINT64_C(1) << id;
        } else {
            names[used++] = name;
        }
    }
    c->hidden_names = (weir_strs){ names, used };
    c->hidden |= c->force_ranges ? UINT64_C(1) << WEIR_H_ACCEPT_RANGES : 0;
    c->hidden |= UINT64_C(1) << WEIR_H_TRAILER; /* framing towards the client is ours */
    c->asked = 1u << WEIR_H_OTHER | UINT64_C(1) << WEIR_H_UPGRADE |
               UINT64_C(1) << WEIR_H_LOCATION | UINT64_C(1) << WEIR_H_SET_COOKIE |
               UINT64_C(1) << WEIR_H_CONTENT_TYPE;
    c->asked_lengths = UINT64_C(1) << REFRESH.len;
    for (size_t i = 0; i < used; i++) {
        c->asked_lengths |= UINT64_C(1) << (names[i].len & 63);
    }
    return WEIR_OK;
}

/* ---- Fields. Each answers whether the field is passed on as it is. ---- */

static bool
take_location(struct proxied *p, const weir_header *h)
{
    bool changed = false;
    weir_str value = redirect_rewrite(p->r, p->conf, h->value, &changed);

    if (!changed) {
        return true;
    }
    if (value.len != 0 && value.data[0] == '/') {
        (void)weir_redirect(p->r, 302, value); /* made absolute, as redirects of our own are */
    } else {
        (void)weir_out_add(p->r, h->name, value);
    }
    return false;
}

static bool
take_type(struct proxied *p, const weir_header *h)
{
    weir_str charset = accel_header(p, WEIR_STR("X-Accel-Charset"), IGNORE_ACCEL_CHARSET);

    if (charset.len == 0 || !p->conf->accel || weir_str_find(h->value, ';') < h->value.len) {
        return true;
    }
    (void)weir_out_add(p->r, h->name,
                       weir_print(p->r->pool, "%.*s; charset=%.*s", WEIR_FMT(h->value),
                                  WEIR_FMT(charset)));
    return false;
}

/* One whose value was looked at. */
static bool
take_value(struct proxied *p, const weir_header *h, weir_str value)
{
    if (value.data == h->value.data && value.len == h->value.len) {
        return true;
    }
    if (weir_out_add(p->r, h->name, value) != WEIR_OK) {
        weir_say(p->r->log, WARN, "the upstream's field \"%.*s\" is not passed on",
                 WEIR_FMT(h->name));
    }
    return false;
}

static bool
take_other(struct proxied *p, const weir_header *h)
{
    if ((p->conf->asked_lengths >> (h->name.len & 63) & 1) == 0) {
        return true;
    }
    if (among(&p->conf->hidden_names, h->name)) {
        return false;
    }
    return !weir_str_ieq(h->name, REFRESH) ||
           take_value(p, h, refresh_rewrite(p->r, p->conf, h->value));
}

static bool
take_field(void *data, const weir_header *h)
{
    struct proxied *p = data;

    switch (h->id) {
    case WEIR_H_UPGRADE:
        return p->reply->status == 101;
    case WEIR_H_LOCATION:
        return take_location(p, h);
    case WEIR_H_CONTENT_TYPE:
        return take_type(p, h);
    case WEIR_H_SET_COOKIE:
        return take_value(p, h, cookie_rewrite(p->r, p->conf, h->value));
    default:
        return take_other(p, h);
    }
}

/* ---- The answer. ---- */

/* Is the status to be answered by an error_page of ours instead? */
static bool
intercepted(const struct proxied *p)
{
    uint32_t status = p->reply->status;

    return p->conf->intercept_errors && status >= 300 && weir_has_error_page(p->r, status);
}

/* keep: the cache wanted the reply. It gets what the client does, that its page is made again by the next hit. */
static int
intercept(struct proxied *p, bool keep)
{
    uint32_t status = p->reply->status;

    for (const weir_header *h = p->reply->at[WEIR_H_WWW_AUTHENTICATE]; h != NULL; h = h->same) {
        (void)weir_out_add(p->r, h->name, h->value);
    }
    if (keep) {
        p->conf->cache->refuse(p->r);
    }
    send_give_up(p);
    return (int)status;
}

/* The reply is of no use alone. */
static int
fetch_anew(struct proxied *p)
{
    send_give_up(p);
    p->reply = NULL;
    p->kept = false;
    p->anew = true;
    return proxied_fetch(p->r, p);
}

/* What the cache makes of the reply; WEIR_OK: it is to be kept. */
static int
show_cache(struct proxied *p)
{
    static const struct {
        uint32_t ignored, id;
    } fields[] = { { IGNORE_ACCEL_EXPIRES, WEIR_H_OTHER },
                   { IGNORE_EXPIRES, WEIR_H_EXPIRES },
                   { IGNORE_CACHE_CONTROL, WEIR_H_CACHE_CONTROL },
                   { IGNORE_SET_COOKIE, WEIR_H_SET_COOKIE },
                   { IGNORE_VARY, WEIR_H_VARY } };
    uint64_t ignored = p->conf->accel ? 0 : UINT64_C(1) << WEIR_H_OTHER;
    int rc;

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (p->conf->ignored & fields[i].ignored) {
            ignored |= UINT64_C(1) << fields[i].id;
        }
    }
    rc = p->conf->cache->reply(p->r, p->reply, ignored);
    if (rc == WEIR_ANEW) {
        return fetch_anew(p);
    }
    if (rc != WEIR_NEXT && rc != WEIR_KEEP) {
        send_give_up(p);
    }
    return rc;
}

/* An answer of another kind than the reply's: the cache keeps none. */
static int
without_cache(struct proxied *p, bool *keep, int rc)
{
    if (*keep) {
        p->conf->cache->leave(p->r);
        *keep = false;
    }
    return rc;
}

static int
answer_body(struct proxied *p, bool keep)
{
    int rc = WEIR_NEXT;

    if (keep) {
        p->kept = true;
        rc = p->conf->cache->keep(p->r, p->x, p->conf->pass_trailers ? WEIR_KEEP_TRAILERS : 0);
        if (rc == WEIR_ANEW) {
            return fetch_anew(p);
        }
        p->kept = rc != WEIR_NEXT;
    }
    return rc != WEIR_NEXT ? rc : body_down_answer(p, p->reply->status);
}

/* The reply's fields and reason, as far as the location passes them on. */
static void
pass_head(struct proxied *p, bool keep)
{
    weir_request *r = p->r;
    const weir_reply *reply = p->reply;
    uint64_t left_out = p->conf->hidden & ~(keep ? UINT64_C(1) << WEIR_H_DATE : 0);

    (void)weir_out_pass(r, reply->first, left_out, p->conf->asked, take_field, p);
    if (reply->reason.len != 0) {
        (void)weir_out_status(r, reply->status);
        (void)weir_out_reason(r, reply->reason);
    }
}

int
reply_answer(struct proxied *p)
{
    weir_request *r = p->r;
    const weir_reply *reply = p->reply;
    uint32_t status = reply->status;
    bool keep = false;
    int rc;

    if (status > 599 || (r->method == WEIR_CONNECT && status / 100 == 2)) {
        weir_say(r->log, ERROR, "upstream sent the status %u", status);
        send_give_up(p);
        return 502;
    }
    weir_count_at(proxy_replies, status / 100 - 1, 1);
    if (p->cached) {
        rc = show_cache(p);
        if (rc != WEIR_NEXT && rc != WEIR_KEEP) {
            return rc;
        }
        keep = rc == WEIR_KEEP;
    }
    if (intercepted(p)) {
        return intercept(p, keep);
    }
    accel_note(p);
    rc = accel_obey(p);
    if (rc != WEIR_NEXT) {
        return without_cache(p, &keep, rc);
    }
    pass_head(p, keep);
    if (status == 101) {
        return upgrade_answer(p);
    }
    (void)weir_out_length(r, reply->length);
    if (p->conf->force_ranges && status == 200) {
        (void)weir_out_set(r, WEIR_STR("Accept-Ranges"), WEIR_STR("bytes"));
    }
    return answer_body(p, keep);
}
