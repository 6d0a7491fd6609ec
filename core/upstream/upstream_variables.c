/* upstream/upstream_variables.c - the tries of a request as text, in nginx's form: those of one
 * exchange are joined by ", ", exchanges (of an internal redirect, say) by " : ", and what is not
 * known is "-". Fields are those of the last response. */
#include "upstream/upstream_variables.h"

#include "base/assert.h"
#include "base/num.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "wire/field_value.h"
#include "upstream/tries.h"
#include "wire/cookie.h"

static const weir_str absent = { NULL, 0 };

enum { NUMBER = 24 }; /* room for a number or a time */

typedef void (*say_one)(const struct wr_try *t, struct wr_strbuf *to);

/* Every try by say, whose text fits in NUMBER with the joint, beside an address. */
static weir_str
join(weir_request *r, say_one say, bool addresses)
{
    const struct wr_tries *all = wr_tries_of(r);
    struct wr_strbuf b;
    size_t room = 0;

    if (all == NULL) {
        return absent;
    }
    for (const struct wr_tried *x = all->first; x != NULL; x = x->next) {
        for (const struct wr_try *t = x->first; t != NULL; t = t->next) {
            WR_ASSERT(wr_num_add(room, NUMBER + (addresses ? t->addr.len : 0), &room));
        }
    }
    b = wr_strbuf_over(weir_alloc(r->pool, room), room);
    for (const struct wr_tried *x = all->first; x != NULL; x = x->next) {
        if (b.len != 0 && x->first != NULL) {
            wr_strbuf_lit(&b, " : ");
        }
        for (const struct wr_try *t = x->first; t != NULL; t = t->next) {
            if (t != x->first) {
                wr_strbuf_lit(&b, ", ");
            }
            say(t, &b);
        }
    }
    return b.len != 0 ? wr_strbuf_view(&b) : absent; /* what was in the cache was asked of nobody */
}

static void
say_ms(int64_t ms, struct wr_strbuf *to)
{
    if (ms < 0) {
        wr_strbuf_byte(to, '-');
    } else {
        wr_strbuf_print(to, "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
    }
}

static void
say_addr(const struct wr_try *t, struct wr_strbuf *to)
{
    wr_strbuf_str(to, t->addr);
}

static void
say_status(const struct wr_try *t, struct wr_strbuf *to)
{
    if (t->status == 0) {
        wr_strbuf_byte(to, '-');
    } else {
        wr_strbuf_num(to, t->status);
    }
}

static void
say_connect(const struct wr_try *t, struct wr_strbuf *to)
{
    say_ms(t->connect_ms, to);
}

static void
say_head(const struct wr_try *t, struct wr_strbuf *to)
{
    say_ms(t->head_ms, to);
}

static void
say_response(const struct wr_try *t, struct wr_strbuf *to)
{
    say_ms(t->response_ms, to);
}

static void
say_length(const struct wr_try *t, struct wr_strbuf *to)
{
    wr_strbuf_num(to, t->body);
}

static void
say_received(const struct wr_try *t, struct wr_strbuf *to)
{
    wr_strbuf_num(to, t->received);
}

static void
say_sent(const struct wr_try *t, struct wr_strbuf *to)
{
    wr_strbuf_num(to, t->sent);
}

/* ---- The table's functions. ---- */

static weir_str
get_addr(weir_request *r, const void *conf, weir_str name)
{
    (void)conf, (void)name;
    return join(r, say_addr, true);
}

static weir_str
get_bytes_received(weir_request *r, const void *conf, weir_str name)
{
    (void)conf, (void)name;
    return join(r, say_received, false);
}

static weir_str
get_bytes_sent(weir_request *r, const void *conf, weir_str name)
{
    (void)conf, (void)name;
    return join(r, say_sent, false);
}

static weir_str
get_connect_time(weir_request *r, const void *conf, weir_str name)
{
    (void)conf, (void)name;
    return join(r, say_connect, false);
}

static weir_str
get_header_time(weir_request *r, const void *conf, weir_str name)
{
    (void)conf, (void)name;
    return join(r, say_head, false);
}

static weir_str
get_response_length(weir_request *r, const void *conf, weir_str name)
{
    (void)conf, (void)name;
    return join(r, say_length, false);
}

static weir_str
get_response_time(weir_request *r, const void *conf, weir_str name)
{
    (void)conf, (void)name;
    return join(r, say_response, false);
}

static weir_str
get_status(weir_request *r, const void *conf, weir_str name)
{
    (void)conf, (void)name;
    return join(r, say_status, false);
}

/* The last response of r's exchanges; NULL: none came. */
static const struct wr_tried *
last_answered(const weir_request *r)
{
    const struct wr_tries *all = wr_tries_of(r);

    return all != NULL && all->last != NULL && all->last->reply != NULL ? all->last : NULL;
}

/* The fields of a response that was stored, and answers; NULL: none does. */
static const weir_header *
stored_fields(const weir_request *r)
{
    const struct wr_tries *all = wr_tries_of(r);

    return all != NULL ? all->stored : NULL;
}

static weir_str
get_http(weir_request *r, const void *conf, weir_str name)
{
    const struct wr_tried *t = last_answered(r);
    const weir_header *stored = stored_fields(r);

    (void)conf;
    if (stored != NULL) {
        return wr_field_value_spelled(r->pool, NULL, stored, name, ", ");
    }
    return t != NULL ? wr_field_value_spelled(r->pool, t->reply->at, t->reply->first, name, ", ")
                     : absent;
}

static weir_str
get_trailer(weir_request *r, const void *conf, weir_str name)
{
    const struct wr_tried *t = last_answered(r);

    (void)conf;
    return t != NULL ? wr_field_value_spelled(r->pool, NULL, t->trailers, name, ", ") : absent;
}

/* The value that a Set-Cookie field gives a cookie. */
static weir_str
get_cookie(weir_request *r, const void *conf, weir_str name)
{
    const struct wr_tried *t = last_answered(r);
    const weir_header *stored = stored_fields(r);

    (void)conf;
    for (const weir_header *h = stored != NULL ? stored
                                : t != NULL    ? t->reply->first
                                               : NULL;
         h != NULL; h = h->next) {
        if (h->id != WEIR_H_SET_COOKIE) {
            continue;
        }
        weir_str first = weir_str_cut(h->value, 0, weir_str_find(h->value, ';'));
        weir_str value = wr_cookie_find(first, name, true);
        if (value.data != NULL) {
            return value;
        }
    }
    return absent;
}

enum { FRESH = WEIR_VAR_FRESH | WEIR_VAR_LATER, FAMILY = FRESH | WEIR_VAR_PREFIX };

const weir_variable wr_upstream_variables[WR_UPSTREAM_VARIABLES] = {
    { "upstream_addr", FRESH, get_addr },
    { "upstream_bytes_received", FRESH, get_bytes_received },
    { "upstream_bytes_sent", FRESH, get_bytes_sent },
    { "upstream_connect_time", FRESH, get_connect_time },
    { "upstream_cookie_", FAMILY, get_cookie },
    { "upstream_header_time", FRESH, get_header_time },
    { "upstream_http_", FAMILY, get_http },
    { "upstream_response_length", FRESH, get_response_length },
    { "upstream_response_time", FRESH, get_response_time },
    { "upstream_status", FRESH, get_status },
    { "upstream_trailer_", FAMILY, get_trailer },
};
