/* http/subrequest.c - requests of the server to itself: a wr_request with a driver that collects the body for its parent.
 *
 * A subrequest has a pool of its own inside the parent's, so that its end frees what it used while the parent goes on. Its
 * fields begin as the parent's, but for conditions and ranges, which are about the parent's answer, unless it makes that anew, or
 * nobody waits for it; it runs through all phases but ACCESS. The parent's end ends it, without a call back.
 */
#include "http/subrequest.h"

#include <unistd.h>

#include "base/assert.h"
#include "base/str.h"
#include "http/body_in.h"
#include "http/filter.h"
#include "http/http.h"
#include "http/limits.h"
#include "http/regex.h"
#include "http/response.h"
#include "net/buf.h"
#include "wire/names.h"

struct sub {
    struct wr_list link; /* in the parent's subs */
    struct wr_request *r;
    struct wr_request *parent;
    weir_pool *pool;
    weir_chain body;
    uint64_t kept, keep;
    bool head_only;  /* over with the head */
    bool background; /* the parent's end waits for it, and nothing before */
    bool again;      /* the parent's course once more, from CONTENT on */
    bool limit, over, error;
    weir_sub_done done;
    void *data;
    weir_buf *buf; /* the WEIR_BUF_SUB buffer that waits for it; NULL: none */
    struct wr_task task;
};

/* ---- The driver. ---- */

static struct sub *
sub_of(const struct wr_request *r)
{
    return r->stream;
}

static void sub_head_came(struct wr_task *t);

static void
sub_head(struct wr_request *r, bool last)
{
    struct sub *s = sub_of(r);

    if (s->head_only) {
        s->task.run = sub_head_came;
        wr_task_add(wr_loop_self(), &s->task);
    } else if (last) {
        wr_request_later(r); /* end it from the loop, not from inside its own course */
    }
}

static void
sub_interim(struct wr_request *r, uint32_t status, const weir_header *first)
{
    (void)r;
    (void)status;
    (void)first;
}

static void
sub_body(struct wr_request *r, weir_chain *chain)
{
    struct sub *s = sub_of(r);
    uint64_t len = weir_chain_len(chain);

    r->sent_body += len;
    if (s->limit || len > s->keep - s->kept) { /* a beginning is kept, and never a body with a hole */
        s->limit = s->keep != 0 || s->buf != NULL;
        wr_chain_drop(chain);
    } else {
        s->kept += len;
        weir_chain_take(&s->body, chain);
    }
    if (r->answer == WR_ANSWER_LAST) {
        wr_request_later(r);
    }
}

static size_t
sub_room(struct wr_request *r)
{
    (void)r;
    return WR_LIMIT_OUTPUT;
}

static void
sub_want_body(struct wr_request *r)
{
    (void)wr_body_push(r, NULL, 0, true);
}

static void
sub_finish(struct wr_request *r, bool error)
{
    struct sub *s = sub_of(r);

    s->over = true;
    s->error = error;
    wr_task_add(wr_loop_self(), &s->task);
}

static const struct wr_driver sub_driver = { .name = "subrequest",
                                             .head = sub_head,
                                             .interim = sub_interim,
                                             .body = sub_body,
                                             .room = sub_room,
                                             .want_body = sub_want_body,
                                             .finish = sub_finish };

/* ---- Life. ---- */

static void
sub_free(struct sub *s)
{
    weir_pool *pool = s->pool;

    wr_list_remove(&s->link);
    wr_task_remove(&s->task);
    wr_request_free(s->r);
    wr_pool_destroy(&pool);
}

/* A buffer of pool with x's bytes, those of a file read: no filter of the parent's has to know what they came from. */
static weir_buf *
copy_into(weir_pool *pool, const weir_buf *x)
{
    int fd;
    int64_t offset;
    uint8_t *room;
    weir_buf *b;

    if (weir_buf_file_at(x, &fd, &offset) != WEIR_OK) {
        return weir_buf_copy(pool, (weir_str){ (const char *)x->data, x->len });
    }
    b = weir_buf_new(pool, x->len, &room);
    while (b->len < x->len) {
        ssize_t n = pread(fd, room + b->len, x->len - b->len, (off_t)offset + (off_t)b->len);
        if (n <= 0) {
            break;
        }
        b->len += (size_t)n;
    }
    return b;
}

/* Move what has been collected to the parent's memory: the subrequest's goes. */
static void
take_body(struct sub *s, weir_chain *body)
{
    weir_buf *x;

    while ((x = weir_chain_pop(&s->body)) != NULL) {
        if (x->len != 0) {
            weir_buf *copy = copy_into(s->parent->pub.pool, x);
            if (copy->len != x->len) {
                wr_say(&s->r->log, ERROR, "reading a file for a subrequest's body failed");
                s->error = true;
            }
            weir_chain_push(body, copy);
        }
        weir_buf_drop(x);
    }
}

static void
sub_over(struct wr_task *t)
{
    struct sub *s = WR_CONTAINER(t, struct sub, task);
    struct wr_request *parent = s->parent;
    weir_chain body = { NULL, NULL };

    if (s->buf != NULL) { /* stays until the parent's output takes it */
        wr_response_go(parent);
        return;
    }
    if (s->done != NULL) {
        take_body(s, &body);
        int result = s->error ? WEIR_ERROR : s->limit ? WEIR_LIMIT : WEIR_OK;
        s->done(&parent->pub, s->data, result, &s->r->pub, &body);
    }
    if (!parent->ended) {
        wr_chain_drop(&body);
        sub_free(s);
    }
    if (!parent->ended && (parent->end_waits || parent->background != NULL) &&
        parent->answer == WR_ANSWER_LAST && parent->holds == 0 && !wr_subrequest_lingers(parent)) {
        wr_request_end(parent, parent->cut);
    }
}

bool
wr_subrequest_lingers(const struct wr_request *r)
{
    WR_LIST_EACH(at, &r->subs) {
        if (WR_CONTAINER(at, struct sub, link)->background) {
            return true;
        }
    }
    return false;
}

/* The head was all that was asked for; a short body has come with it. */
static void
sub_head_came(struct wr_task *t)
{
    struct sub *s = WR_CONTAINER(t, struct sub, task);

    s->task.run = sub_over;
    if (s->r->ended) {
        sub_over(t);
    } else {
        wr_request_end(s->r, false);
    }
}

WR_APART void
wr_subrequest_cancel_all(struct wr_request *r)
{
    while (!wr_list_empty(&r->subs)) {
        struct sub *s = WR_CONTAINER(r->subs.next, struct sub, link);
        s->done = NULL;
        s->buf = NULL;
        if (!s->r->ended) {
            wr_request_end(s->r, true);
        }
        sub_free(s);
    }
}

/* The parent's fields without what belongs to its own body, and without what is asked about its own answer unless `conditions`. */
static void
copy_fields(struct wr_request *r, const struct wr_request *parent, bool conditions)
{
    for (const weir_header *h = parent->in.first; h != NULL; h = h->next) {
        if (h->id != WEIR_H_CONTENT_LENGTH && h->id != WEIR_H_TRANSFER_ENCODING &&
            h->id != WEIR_H_EXPECT && (conditions || !wr_request_is_condition(h->id))) {
            (void)wr_fields_add(&r->in, r->pub.pool, h->name, h->value, h->id);
        }
    }
    r->pub.in_first = r->in.first;
}

/* As its parent stands in its location: what rewriting has made of it holds. */
static void
be_as_parent(struct wr_request *r, const struct wr_request *parent)
{
    r->pub.path = parent->pub.path;
    r->pub.args = parent->pub.args;
    r->pub.flags = (parent->pub.flags & (WEIR_R_TLS | WEIR_R_REWRITTEN | WEIR_R_STAYED)) |
                   WEIR_R_SUBREQUEST | WEIR_R_INTERNAL;
    if (parent->captures != NULL) { /* a copy: what r matches is its own */
        r->captures = wr_pool_alloc(r->pub.pool, sizeof(*r->captures));
        *r->captures = *parent->captures;
    }
    wr_request_enter(r, parent->loc);
}

static void
set_target(struct wr_request *r, weir_str target)
{
    size_t q = weir_str_find(target, '?');

    r->pub.path = weir_dup(r->pub.pool, weir_str_cut(target, 0, q));
    if (q < target.len) {
        r->pub.args = weir_dup(r->pub.pool, weir_str_cut(target, q + 1, SIZE_MAX));
    }
}

static void
sub_start(struct wr_task *t)
{
    struct sub *s = WR_CONTAINER(t, struct sub, task);
    struct wr_request *r = s->r;
    const struct wr_location *named;

    s->task.run = sub_over;
    if (s->again) {
        r->phase = WEIR_PHASE_CONTENT;
        wr_request_run(r);
        return;
    }
    if (r->pub.path.len == 0 || r->pub.path.data[0] != '@') {
        wr_request_start(r);
        return;
    }
    named = wr_location_named(s->parent->loc->base, r->pub.path);
    r->pub.path = s->parent->pub.path;
    r->pub.args = s->parent->pub.args;
    if (named == NULL) {
        wr_request_refuse(r, 500);
        return;
    }
    wr_request_enter(r, named);
    r->phase = WEIR_PHASE_REWRITE;
    wr_request_run(r);
}

/* flags: WEIR_SUB_*. */
static struct sub *
sub_create(struct wr_request *parent, weir_str target, uint32_t method, uint64_t keep, uint32_t flags)
{
    weir_pool *pool = wr_pool_create("subrequest", parent->pub.pool);
    struct sub *s = wr_pool_zalloc(pool, sizeof(*s));
    struct wr_request *r = wr_request_create(pool, parent->conn, &sub_driver, s, parent->http,
                                             parent->server);

    s->r = r;
    s->pool = pool;
    s->parent = parent;
    s->keep = keep;
    wr_task_init(&s->task, sub_start);
    wr_list_add(&parent->subs, &s->link);
    r->parent = parent;
    r->level = parent->level + 1;
    r->pub.main = parent->pub.main;
    r->pub.flags = (parent->pub.flags & WEIR_R_TLS) | WEIR_R_SUBREQUEST | WEIR_R_INTERNAL |
                   WEIR_R_REWRITTEN;
    r->pub.method = method != 0 ? method : WEIR_GET;
    r->pub.method_name = r->pub.method == parent->pub.method ? parent->pub.method_name
                                                             : wr_method_text(r->pub.method);
    r->pub.target = parent->pub.target;
    r->pub.host = parent->pub.host;
    r->pub.version = parent->pub.version;
    r->authority = parent->authority;
    r->client_addr = parent->client_addr;
    r->client_port = parent->client_port;
    r->pub.in_length = 0;
    copy_fields(r, parent, (flags & (WEIR_SUB_AGAIN | WEIR_SUB_BACKGROUND)) != 0);
    s->again = (flags & WEIR_SUB_AGAIN) != 0;
    if (s->again) {
        be_as_parent(r, parent);
    } else {
        set_target(r, target);
        wr_request_enter(r, &parent->server->base); /* again: the plan is a subrequest's now */
    }
    wr_task_add(wr_loop_self(), &s->task);
    return s;
}

int
weir_subrequest(weir_request *pub, const weir_sub_options *o, weir_sub_done done, void *data)
{
    struct wr_request *r = wr_request_of(pub);
    struct sub *s;

    if (o->size < sizeof(*o) || (o->target.len == 0 && (o->flags & WEIR_SUB_AGAIN) == 0)) {
        return WEIR_INVALID;
    }
    if (r->level >= WR_LIMIT_SUBREQUESTS) {
        wr_say(&r->log, ERROR, "subrequests cycle while processing \"%.*s\"", WEIR_FMT(o->target));
        return WEIR_LIMIT;
    }
    s = sub_create(r, o->target, o->method, o->keep, o->flags);
    s->done = done;
    s->data = data;
    s->head_only = (o->flags & WEIR_SUB_HEAD) != 0;
    s->background = (o->flags & WEIR_SUB_BACKGROUND) != 0;
    if (o->body != NULL && o->body->head != NULL) {
        wr_body_lend(s->r, o->body);
    }
    return WEIR_OK;
}

void *
weir_sub_data(const weir_request *pub, weir_sub_done done)
{
    const struct wr_request *r = wr_request_of(pub);

    return r->parent != NULL && sub_of(r)->done == done ? sub_of(r)->data : NULL;
}

weir_buf *
weir_sub_buf(weir_request *pub, weir_str target)
{
    struct wr_request *r = wr_request_of(pub);
    weir_buf *b;

    if (r->level >= WR_LIMIT_SUBREQUESTS || target.len == 0) {
        wr_say(&r->log, ERROR, "subrequests cycle while processing \"%.*s\"", WEIR_FMT(target));
        return weir_buf_mark(pub->pool, 0);
    }
    b = wr_buf_create(pub->pool);
    b->flags = WEIR_BUF_SUB;
    struct sub *s = sub_create(r, target, WEIR_GET, wr_loc_conf(r)->filter_whole, 0);
    s->buf = b;
    wr_buf_of(b)->sub = &s->r->pub;
    return b;
}

bool
wr_subrequest_is_part(const struct wr_request *r)
{
    return sub_of(r)->buf != NULL;
}

bool
wr_subrequest_take(struct wr_request *r, weir_buf *b, weir_chain *body)
{
    struct sub *s = sub_of(wr_request_of(wr_buf_of(b)->sub));
    weir_chain whole = { NULL, NULL };

    WR_ASSERT(s->parent == r);
    if (!s->over) {
        return false;
    }
    take_body(s, &whole);
    if (s->limit) {
        wr_say(&s->r->log, ERROR, "the body of a subrequest is longer than filter_whole_size: %llu bytes",
               (unsigned long long)s->keep);
    }
    if (s->limit || s->error) { /* what lacks a part is not whole itself */
        wr_chain_drop(&whole);
        wr_response_cut(r);
        return false;
    }
    weir_chain_take(body, &whole);
    s->buf = NULL;
    sub_free(s);
    return true;
}
