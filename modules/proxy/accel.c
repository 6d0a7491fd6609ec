/* proxy/accel.c - X-Accel-*: what an application may tell us by fields of its replies.
 *
 * With them an application reaches internal locations and files, so they count only where
 * proxy_accel says that it is trusted. X-Accel-Buffering is no matter of trust and always counts.
 */
#include "proxy.h"

/* Of a header in front of an internal redirect: what is about the content that is found there. */
static const char *const kept[] = { "Content-Type", "Content-Disposition",
                                    "Set-Cookie",   "Cache-Control",
                                    "Expires",      "Accept-Ranges" };

void
accel_note(struct proxied *p)
{
    const weir_str prefix = WEIR_STR("X-Accel-");

    p->has_accel = false;
    for (const weir_header *h = p->reply->first; h != NULL && !p->has_accel; h = h->next) {
        p->has_accel = h->id == WEIR_H_OTHER && h->name.len > prefix.len &&
                       weir_str_ieq(weir_str_cut(h->name, 0, prefix.len), prefix);
    }
}

static const weir_header *
find(const weir_reply *reply, weir_str name)
{
    for (const weir_header *h = reply->first; h != NULL; h = h->next) {
        if (h->id == WEIR_H_OTHER && weir_str_ieq(h->name, name)) {
            return h;
        }
    }
    return NULL;
}

weir_str
accel_header(const struct proxied *p, weir_str name, uint32_t ignored)
{
    const weir_header *h =
        !p->has_accel || p->conf->ignored & ignored ? NULL : find(p->reply, name);

    return h != NULL ? h->value : (weir_str){ NULL, 0 };
}

/* ---- X-Accel-Redirect. ---- */

/* Its path, decoded once. Absent: not an escape, or NUL. */
static weir_str
decode(weir_pool *pool, weir_str path)
{
    weir_text t = weir_text_begin(pool, path.len + 1, TEXT_MAX);

    for (size_t i = 0; i < path.len; i++) {
        char c = path.data[i];
        if (c == '%') {
            int high = i + 2 < path.len ? weir_hex_digit((uint8_t)path.data[i + 1]) : -1;
            int low = i + 2 < path.len ? weir_hex_digit((uint8_t)path.data[i + 2]) : -1;
            if (high < 0 || low < 0 || (high | low) == 0) {
                return (weir_str){ NULL, 0 };
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        weir_text_add_byte(&t, c);
    }
    return weir_text_view(&t);
}

/* A path below the root, or a named location. */
static bool
is_safe(weir_str path)
{
    weir_str rest = path, part;

    if (path.len == 0 || (path.data[0] != '/' && path.data[0] != '@')) {
        return false;
    }
    while (weir_str_next(&rest, '/', &part)) {
        if (weir_str_eq(part, WEIR_STR(".."))) {
            return false;
        }
    }
    return true;
}

static void
keep_fields(struct proxied *p)
{
    for (const weir_header *h = p->reply->first; h != NULL; h = h->next) {
        for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
            if (weir_str_ieq(h->name, weir_str_c(kept[i]))) {
                (void)weir_out_add(p->r, h->name,
                                   h->id == WEIR_H_SET_COOKIE
                                       ? cookie_rewrite(p->r, p->conf, h->value)
                                       : h->value);
            }
        }
    }
}

static int
redirect(struct proxied *p, weir_str to)
{
    size_t query = weir_str_find(to, '?');
    weir_str path = to, args = { NULL, 0 };
    bool named = weir_str_starts(to, WEIR_STR("@"));

    keep_fields(p);
    send_give_up(p);
    if (!named || p->streams) { /* a body that was passed on as it came cannot be had again */
        weir_become_get(p->r);
    }
    if (!named) {
        path = decode(p->r->pool, weir_str_cut(to, 0, query));
        args = query < to.len ? weir_dup(p->r->pool, weir_str_cut(to, query + 1, SIZE_MAX))
                              : WEIR_STR("");
    }
    if (!is_safe(path)) {
        weir_say(p->r->log, ERROR,
                 "unsafe URI \"%.*s\" was detected while reading response header from upstream",
                 WEIR_FMT(to));
        return 404;
    }
    return weir_redirect_inside(p->r, path, args);
}

/* ---- The others. ---- */

static void
limit_rate(struct proxied *p, weir_str text)
{
    uint64_t rate;

    if (weir_parse_size(text, &rate) == WEIR_OK && p->conf->limit_rate_var >= 0) {
        (void)weir_var_set(p->r, p->conf->limit_rate_var, text);
    }
}

int
accel_obey(struct proxied *p)
{
    weir_str to, text;

    if (!p->has_accel) {
        return WEIR_NEXT;
    }
    to = accel_header(p, WEIR_STR("X-Accel-Redirect"), IGNORE_ACCEL_REDIRECT);
    if (!p->conf->accel) {
        if (to.data != NULL) {
            weir_say(p->r->log, WARN,
                     "upstream sent X-Accel-Redirect, which only proxy_accel on obeys");
        }
        return WEIR_NEXT;
    }
    if (to.data != NULL) {
        return redirect(p, to);
    }
    text = accel_header(p, WEIR_STR("X-Accel-Limit-Rate"), IGNORE_ACCEL_LIMIT_RATE);
    if (text.len != 0) {
        limit_rate(p, text);
    }
    return WEIR_NEXT;
}
