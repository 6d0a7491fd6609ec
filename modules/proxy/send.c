/* proxy/send.c - the exchange of a proxied request: begun, waited for, given up.
 *
 * Two content hooks share a request. The first sends and waits; when the reply's head is there its
 * ticket is resumed with WEIR_NEXT, and the second answers, in a hook's place as every answer is. A
 * failure resumes it with a status.
 */
#include "proxy.h"

int
proxied_wait(struct proxied *p, enum awaited what)
{
    p->ticket = weir_suspend(p->r, WEIR_NEVER, NULL, NULL); /* the exchange has deadlines */
    if (p->ticket == NULL) {
        weir_say(p->r->log, ERROR, "a proxied request waits twice");
        return 500;
    }
    p->awaited = (uint8_t)what;
    return WEIR_AGAIN;
}

void
proxied_wake(struct proxied *p, int rc)
{
    weir_ticket *ticket = p->ticket;

    p->ticket = NULL;
    p->awaited = AWAIT_NOTHING;
    if (ticket != NULL) {
        (void)weir_resume(ticket, rc);
    }
}

void
send_give_up(struct proxied *p)
{
    weir_exchange *x = p->x;

    p->x = NULL;
    if (x != NULL) {
        weir_exchange_end(x);
    }
}

/* ---- What the exchange tells. ---- */

static int
answer_anew(weir_request *r, void *data)
{
    (void)r;
    return reply_answer(data);
}

static void
on_head(weir_exchange *x, void *data, const weir_reply *reply)
{
    struct proxied *p = data;

    (void)x;
    p->reply = reply;
    if (p->anew) { /* the hook that answers is the one that waits */
        weir_ticket *ticket = p->ticket;
        p->ticket = NULL;
        p->awaited = AWAIT_NOTHING;
        (void)weir_resume_with(ticket, answer_anew, p);
    } else {
        proxied_wake(p, WEIR_NEXT);
    }
}

/* Are 103s to be passed on? When every condition holds, and there is one. */
static bool
wants_hints(const struct proxied *p)
{
    const weir_values *conditions = &p->conf->early_hints;

    for (size_t i = 0; i < conditions->count; i++) {
        if (!weir_str_is_true(weir_value_get(p->r, conditions->at[i]))) {
            return false;
        }
    }
    return conditions->count != 0;
}

static void
on_interim(weir_exchange *x, void *data, const weir_reply *reply)
{
    struct proxied *p = data;

    (void)x;
    if (reply->status == 103 && wants_hints(p)) {
        (void)weir_out_interim(p->r, 103, reply->first);
    }
}

static void
on_readable(weir_exchange *x, void *data)
{
    struct proxied *p = data;

    (void)x;
    if (p->kept) {
        p->conf->cache->readable(p->r);
    } else {
        body_down_readable(p);
    }
}

static void
on_writable(weir_exchange *x, void *data)
{
    (void)x;
    body_up_writable(data);
}

/* What is answered for an exchange without a reply. */
static int
status_of(int result)
{
    return result == WEIR_TIMEOUT ? 504 : result == WEIR_LIMIT ? 503 : 502;
}

static uint32_t
label_of(int result)
{
    switch (result) {
    case WEIR_TIMEOUT:
        return 0;
    case WEIR_LIMIT:
        return 1;
    case WEIR_ABSENT:
        return 2;
    case WEIR_INVALID:
        return 3;
    default:
        return 4;
    }
}

static void
answer_from_cache(struct proxied *p)
{
    weir_ticket *ticket = p->ticket;

    p->ticket = NULL;
    p->awaited = AWAIT_NOTHING;
    (void)weir_resume_with(ticket, p->conf->cache->answer, NULL);
}

static void
on_failed(weir_exchange *x, void *data, int result)
{
    struct proxied *p = data;

    (void)x;
    weir_count_at(proxy_failures, label_of(result), 1);
    send_give_up(p);
    if (p->cached && p->conf->cache->failed(p->r, (uint32_t)status_of(result), result)) {
        answer_from_cache(p);
    } else {
        proxied_wake(p, status_of(result));
    }
}

static const weir_exchange_ops ops = { .head = on_head,
                                       .interim = on_interim,
                                       .readable = on_readable,
                                       .writable = on_writable,
                                       .failed = on_failed };

/* ---- Beginning. ---- */

/* The bit of a method by its name: that decides how its response ends, and what may be tried again.
 */
static uint32_t
method_bit(weir_str head)
{
    static const struct {
        weir_str name;
        uint32_t bit;
    } methods[] = { { { "GET ", 4 }, WEIR_GET },         { { "HEAD ", 5 }, WEIR_HEAD },
                    { { "POST ", 5 }, WEIR_POST },       { { "PUT ", 4 }, WEIR_PUT },
                    { { "DELETE ", 7 }, WEIR_DELETE },   { { "PATCH ", 6 }, WEIR_PATCH },
                    { { "OPTIONS ", 8 }, WEIR_OPTIONS }, { { "CONNECT ", 8 }, WEIR_CONNECT } };

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (weir_str_starts(head, methods[i].name)) {
            return methods[i].bit;
        }
    }
    return WEIR_METHOD_OTHER;
}

int
send_begin(struct proxied *p, weir_chain *body)
{
    weir_exchange_options o = { .size = sizeof(o),
                                .to = p->to.to,
                                .policy = p->to.tls ? &p->conf->tls : &p->conf->plain,
                                .ops = &ops,
                                .data = p,
                                .r = p->r,
                                .body = body };

    o.head = head_write(p);
    if (o.head.data == NULL) {
        return 500;
    }
    o.method = p->conf->method != NULL || p->r->method == WEIR_CONNECT || p->change.as_get
                   ? method_bit(o.head)
                   : p->r->method;
    o.flags = (p->is_upgrade ? WEIR_EXCHANGE_UPGRADE : 0u) |
              (p->streams ? WEIR_EXCHANGE_STREAM : 0u) |
              (p->up_chunked && !p->up_frames ? WEIR_EXCHANGE_CHUNKED : 0u);
    if (p->to.tls) {
        o.tls_name = ssl_name(p);
    }
    p->x = weir_exchange_start(p->r->pool, &o);
    return p->awaited == AWAIT_REPLY ? WEIR_AGAIN : proxied_wait(p, AWAIT_REPLY);
}
