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
    return WEIR_OK;
}

bool
reply_hides(const proxy_conf *c, const weir_header *h)
{
    return h->id != 0 ? (c->hidden >> h->id & 1) != 0 : among(&c->hidden_names, h->name);
}

/* ---- Fields. ---- */

static void
add_location(struct proxied *p, const weir_header *h)
{
    bool changed = false;
    weir_str value = redirect_rewrite(p->r, p->conf, h->value, &changed);

    if (changed && value.len != 0 && value.data[0] == '/') {
        (void)weir_redirect(p->r, 302, value); /* made absolute, as redirects of our own are */
    } else {
        (void)weir_out_add(p->r, h->name, value);
    }
}

static void
add_type(struct proxied *p, const weir_header *h)
{
    weir_str charset = accel_header(p, WEIR_STR("X-Accel-Charset"), IGNORE_ACCEL_CHARSET);
    weir_str value = h->value;

    if (charset.len != 0 && p->conf->accel && str_find(value, ';') == value.len) {
        value = weir_print(p->r->pool, "%.*s; charset=%.*s", WEIR_FMT(value), WEIR_FMT(charset));
    }
    (void)weir_out_add(p->r, h->name, value);
}

static void
add_field(struct proxied *p, const weir_header *h)
{
    weir_request *r = p->r;

    switch (h->id) {
    case WEIR_H_CONTENT_LENGTH:
    case WEIR_H_TRANSFER_ENCODING:
    case WEIR_H_CONNECTION:
    case WEIR_H_KEEP_ALIVE:
    case WEIR_H_TRAILER:
        return; /* how the body is framed towards the client is not the upstream's matter */
    case WEIR_H_UPGRADE:
        if (p->reply->status != 101) {
            return;
        }
        break;
    case WEIR_H_ACCEPT_RANGES:
        if (p->conf->force_ranges) {
            return;
        }
        break;
    case WEIR_H_LOCATION:
        add_location(p, h);
        return;
    case WEIR_H_CONTENT_TYPE:
        add_type(p, h);
        return;
    case WEIR_H_SET_COOKIE:
        (void)weir_out_add(r, h->name, cookie_rewrite(r, p->conf, h->value));
        return;
    case WEIR_H_OTHER:
        if (weir_str_ieq(h->name, WEIR_STR("Refresh"))) {
            (void)weir_out_add(r, h->name, refresh_rewrite(r, p->conf, h->value));
            return;
        }
        break;
    default:
        break;
    }
    if (weir_out_add(r, h->name, h->value) != WEIR_OK) {
        weir_say(r->log, WARN, "the upstream's field \"%.*s\" is not passed on", WEIR_FMT(h->name));
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

static int
intercept(struct proxied *p)
{
    uint32_t status = p->reply->status;

    for (const weir_header *h = p->reply->at[WEIR_H_WWW_AUTHENTICATE]; h != NULL; h = h->same) {
        (void)weir_out_add(p->r, h->name, h->value);
    }
    send_give_up(p);
    return (int)status;
}

int
reply_answer(struct proxied *p)
{
    weir_request *r = p->r;
    const weir_reply *reply = p->reply;
    uint32_t status = reply->status;
    int rc;

    if (status > 599 || (r->method == WEIR_CONNECT && status / 100 == 2)) {
        weir_say(r->log, ERROR, "upstream sent the status %u", status);
        send_give_up(p);
        return 502;
    }
    weir_count_at(proxy_replies, status / 100 - 1, 1);
    if (intercepted(p)) {
        return intercept(p);
    }
    rc = accel_obey(p);
    if (rc != WEIR_NEXT) {
        return rc;
    }
    for (const weir_header *h = reply->first; h != NULL; h = h->next) {
        if (!reply_hides(p->conf, h)) {
            add_field(p, h);
        }
    }
    if (reply->reason.len != 0) {
        (void)weir_out_status(r, status);
        (void)weir_out_reason(r, reply->reason);
    }
    if (status == 101) {
        return upgrade_answer(p);
    }
    (void)weir_out_length(r, reply->length);
    if (p->conf->force_ranges && status == 200) {
        (void)weir_out_set(r, WEIR_STR("Accept-Ranges"), WEIR_STR("bytes"));
    }
    return body_down_answer(p, status);
}
