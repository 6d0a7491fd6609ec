/* proxy/body_up.c - the request's body on its way to the upstream.
 *
 * With proxy_request_buffering it is read whole first, so that the upstream is not kept by a slow
 * client and the request can be tried at another peer. Without, each piece goes on as it comes: the
 * upstream's pace stops the client, and only a body of which nothing was sent can go elsewhere.
 */
#include "proxy.h"

/* The body has been passed on as it came, to an upstream that failed, and this is the location that
 * its error led to. A GET, as error_page makes one, does without: no body of one means anything
 * [RFC 9110 9.3.1]. */
static int
without_body(struct proxied *p)
{
    weir_request *r = p->r;

    if (r->method != WEIR_GET && r->method != WEIR_HEAD) {
        weir_say(r->log, ERROR,
                 "the request's body has been passed on already, no other upstream can have it");
        return 502;
    }
    p->streams = p->up_chunked = p->up_frames = false;
    p->up_over = true;
    p->up_length = -1;
    return send_begin(p, NULL);
}

/* ---- Whole. ---- */

/* What proxy_set_body says. */
static int
fixed_body(struct proxied *p)
{
    weir_str text = weir_value_get(p->r, p->conf->body);
    weir_chain body = { NULL, NULL };

    p->up_over = true;
    p->up_length = (int64_t)text.len;
    if (text.len != 0) {
        weir_chain_push(&body, weir_buf_ref(p->r->pool, text));
    }
    return send_begin(p, &body);
}

static int
whole_body(weir_request *r, void *data, int result, weir_chain *body)
{
    struct proxied *p = data;

    (void)r;
    if (result != WEIR_OK) {
        return weir_body_status(result);
    }
    if (p->conf->body != NULL) {
        return fixed_body(p);
    }
    p->up_over = true;
    p->up_length = (int64_t)weir_chain_len(body);
    if (p->conf->pass_trailers && p->conf->http_version == 11 && chunks_trail(r)) {
        p->up_chunked = p->up_frames = true;
        chunks_frame(p, body, true);
    }
    return send_begin(p, body);
}

static int
read_whole(struct proxied *p)
{
    int rc = weir_read_body(p->r, 0, whole_body, p);

    return rc == WEIR_ERROR ? without_body(p) : rc;
}

/* ---- As it comes. ---- */

/* The client's body broke off. */
static void
broke_off(struct proxied *p, int result)
{
    send_give_up(p);
    p->up_over = true;
    p->ended = true;
    p->result = result;
    proxied_wake(p, p->awaited == AWAIT_REPLY ? weir_body_status(result) : WEIR_ERROR);
}

/* Pass on what is on body, or leave it there while the upstream is behind. */
static void
body_up_pass(struct proxied *p, weir_chain *body, bool last)
{
    int rc;

    if (p->up_over || p->x == NULL) { /* nobody wants the rest */
        p->up_over = true;
        weir_chain_skip(body, SIZE_MAX);
        return;
    }
    if (p->up_stuck && body->head != NULL) {
        return; /* the upstream is behind: what is left here stops the client */
    }
    if (p->up_frames) {
        chunks_frame(p, body, last);
    }
    rc = weir_exchange_send(p->x, body, last);
    p->up_stuck = rc == WEIR_AGAIN && !last;
    p->up_over = last || rc == WEIR_CLOSED;
    if (rc == WEIR_CLOSED) {
        weir_chain_skip(body, SIZE_MAX);
    }
}

static void
piece(weir_request *r, void *data, int result, weir_chain *body)
{
    struct proxied *p = data;

    (void)r;
    if (result == WEIR_NEXT || result == WEIR_DONE || p->up_over || p->x == NULL) {
        body_up_pass(p, body, result == WEIR_DONE);
    } else {
        broke_off(p, result);
    }
}

void
body_up_writable(struct proxied *p)
{
    p->up_stuck = false;
    weir_stream_body_go(p->r);
}

/* HTTP/1.0 has no chunks: a body of unknown length has to be read first. */
static bool
can_stream(const struct proxied *p)
{
    return !p->conf->request_buffering && (p->r->in_length >= 0 || p->conf->http_version == 11);
}

/* Will there be trailers to be passed on? Then chunks are sent, whatever length was told. */
static bool
announces_trailers(const struct proxied *p)
{
    return p->conf->pass_trailers && p->conf->http_version == 11 &&
           p->r->in[WEIR_H_TRAILER] != NULL;
}

static int
stream_body(struct proxied *p)
{
    if (weir_stream_body(p->r, 0, piece, p) != WEIR_OK) {
        return without_body(p);
    }
    p->streams = true;
    p->up_chunked = p->r->in_length < 0 || announces_trailers(p);
    p->up_frames = p->up_chunked && p->conf->pass_trailers;
    p->up_length = p->r->in_length;
    return send_begin(p, NULL);
}

/* ---- Which. ---- */

int
body_up_begin(struct proxied *p)
{
    weir_request *r = p->r;

    p->up_length = -1;
    if (p->conf->body != NULL) { /* a value may be about the client's body: that has to be there */
        return p->conf->body->constant.data != NULL || !(r->flags & WEIR_R_HAS_BODY)
                   ? fixed_body(p)
                   : read_whole(p);
    }
    if (p->conf->pass_body && r->flags & WEIR_R_HAS_BODY) {
        return can_stream(p) ? stream_body(p) : read_whole(p);
    }
    p->up_over = true;
    if (p->conf->pass_body && r->in[WEIR_H_CONTENT_LENGTH] != NULL) {
        p->up_length = 0;
    }
    return send_begin(p, NULL);
}
