/* http/body_in.c - the request body on its way: filters, limits, and telling who asked, in one
 * piece or as it comes.
 *
 * Bytes come from the driver as they arrive. They run through the REQUEST_BODY hooks of the
 * location's plan; what comes out is kept whole for weir_read_body (http/body_store), or queued for
 * weir_stream_body, whose reader stops the client by leaving bytes in the queue.
 */
#include "http/body_in.h"

#include "base/assert.h"
#include "http/body_store.h"
#include "http/http.h"
#include "http/limits.h"
#include "http/response.h"
#include "http/ticket.h"
#include "module/running.h"
#include "net/buf.h"

struct wr_body_in {
    struct wr_body_store whole; /* for weir_read_body */
    struct wr_body_store
        queue;        /* for weir_stream_body: what has not been taken yet; never in a file */
    weir_chain *left; /* by REQUEST_BODY hook: what it left on `in` */
    uint64_t came;    /* bytes so far, before filters */
    uint64_t max;     /* 0: no limit */
    bool wanted, complete, failed, told;
    bool streams; /* it is read by weir_stream_body */
    bool paused;  /* the queue is full: the driver has been told, by wr_body_wanted, to stop */
    bool tunnel;  /* bytes behind a 101: no filters, no limit */
    int result;   /* for done */
    weir_body_done done;
    weir_body_piece piece;
    void *data;
    weir_tunnel_take take; /* of a tunnel: has the first look; NULL: none has */
    void *take_data;
    struct wr_task task;
    struct wr_request *r;
    struct wr_owned owned;
};

static void
body_end(struct wr_owned *o)
{
    struct wr_body_in *b = WR_CONTAINER(o, struct wr_body_in, owned);

    wr_task_remove(&b->task);
    wr_body_store_fini(&b->whole);
}

/* ---- Telling. ---- */

/* Call done once; what it returns is what the suspended hook returned. */
static void
tell_whole(struct wr_body_in *b)
{
    struct wr_request *r = b->r;
    weir_chain c = { NULL, NULL };
    int rc;

    b->told = true;
    if (b->result == WEIR_OK) {
        c = wr_body_store_view(r, &b->whole);
    }
    wr_ticket_cancel(r, WR_CALLING_PHASE); /* ours; done may take one of its own */
    r->calling = WR_CALLING_PHASE;
    rc = b->done(&r->pub, b->data, b->result, &c);
    r->calling = WR_CALLING_NOTHING;
    if (!wr_ticket_settle(r, WR_CALLING_PHASE, NULL, rc)) {
        wr_request_resumed(r, WR_CALLING_PHASE, rc);
    }
}

static bool
queue_is_full(const struct wr_body_in *b)
{
    return b->queue.in_memory > wr_body_conf(b->r)->buffer_size;
}

/* Show what is queued; what the reader leaves is shown again. */
static void
tell_piece(struct wr_body_in *b)
{
    int result = b->complete ? WEIR_DONE : b->failed ? b->result : WEIR_NEXT;

    if (b->failed) {
        wr_chain_drop(&b->queue.chain);
    }
    b->piece(&b->r->pub, b->data, result, &b->queue.chain);
    wr_body_store_changed(&b->queue);
    b->told = result != WEIR_NEXT && b->queue.chain.head == NULL;
    if (b->paused && !queue_is_full(b)) {
        b->paused = false;
        b->r->driver->want_body(b->r);
    }
}

static void
tell(struct wr_task *t)
{
    struct wr_body_in *b = WR_CONTAINER(t, struct wr_body_in, task);

    if (b->told || b->r->ended) {
        return;
    }
    if (b->streams) {
        tell_piece(b);
    } else {
        tell_whole(b);
    }
}

static void
settle(struct wr_body_in *b, int result)
{
    if (!b->complete && !b->failed) {
        b->complete = result == WEIR_OK;
        if (b->complete && !b->streams && b->r->pub.in_length < 0) {
            b->r->pub.in_length = (int64_t)b->came; /* now it is known */
        }
        b->failed = !b->complete;
        b->result = result;
    }
    if (b->wanted && !b->told) {
        wr_task_add(wr_loop_self(), &b->task);
    }
}

/* ---- Taking it in. ---- */

/* What came out of the filters. */
static bool
keep(struct wr_body_in *b, weir_chain *c)
{
    if (!b->streams) {
        return wr_body_store_add(b->r, &b->whole, c);
    }
    wr_body_store_queue(b->r, &b->queue, c);
    b->paused = queue_is_full(b);
    wr_task_add(wr_loop_self(), &b->task);
    return true;
}

/* Through the request body filters, in order. */
static bool
filter(struct wr_body_in *b, weir_chain *piece)
{
    const struct wr_plan_phase *p = &b->r->plan->phase[WEIR_PHASE_REQUEST_BODY];

    if (b->tunnel) {
        return keep(b, piece);
    }
    if (p->n != 0 && b->left == NULL) {
        b->left = wr_pool_array(b->r->pub.pool, weir_chain, p->n);
    }
    for (uint32_t i = 0; i < p->n; i++) {
        weir_chain out = { NULL, NULL };
        int rc;
        weir_chain_take(&b->left[i], piece);
        wr_running_enter(p->at[i].module, &b->r->pub, WEIR_PHASE_REQUEST_BODY);
        rc = p->at[i].body(&b->r->pub, b->r->pub.conf[p->at[i].slot], &b->left[i], &out);
        wr_running_leave();
        if (rc != WEIR_NEXT || weir_chain_len(&b->left[i]) > wr_loc_conf(b->r)->filter_keep) {
            wr_say(&b->r->log, ERROR, "request body filter of module \"%s\" failed",
                   p->at[i].module);
            return false;
        }
        *piece = out;
    }
    return keep(b, piece);
}

/* Was the length held against the limit of the location that the path found? A named location that the request came to
 * behind that has no say in it.  [nginx client_max_body_size] */
static bool
was_measured(const struct wr_request *r)
{
    return r->pub.in_length >= 0 && r->parent == NULL && !r->error_paged;
}

static struct wr_body_in *
body_of(struct wr_request *r)
{
    struct wr_body_in *b = r->body;

    if (b == NULL) {
        b = wr_pool_zalloc(r->pub.pool, sizeof(*b));
        wr_body_store_init(&b->whole);
        wr_body_store_init(&b->queue);
        b->r = r;
        b->max = was_measured(r) ? 0 : wr_body_conf(r)->max_size;
        wr_task_init(&b->task, tell);
        wr_pool_own(r->pub.pool, &b->owned, body_end);
        r->body = b;
    }
    return b;
}

bool
wr_body_push(struct wr_request *r, const void *bytes, size_t len, bool last)
{
    struct wr_body_in *b = body_of(r);
    weir_chain piece = { NULL, NULL };

    if (b->failed || b->complete) {
        return false;
    }
    b->came += len;
    if (b->max != 0 && b->came > b->max) {
        wr_say(&r->log, ERROR, "client intended to send too large chunked body: %llu+%zu bytes",
               (unsigned long long)(b->came - len), len);
        settle(b, WEIR_LIMIT);
        return false;
    }
    if (len != 0) {
        weir_chain_push(&piece, weir_buf_copy(r->pub.pool, (weir_str){ bytes, len }));
    }
    if (last) {
        weir_chain_push(&piece, weir_buf_mark(r->pub.pool, WEIR_BUF_LAST));
    }
    if (!filter(b, &piece)) {
        settle(b, WEIR_ERROR);
        return false;
    }
    if (last) {
        settle(b, WEIR_OK);
    }
    return !last;
}

void
wr_body_lend(struct wr_request *r, const weir_chain *body)
{
    struct wr_body_in *b = body_of(r);

    for (const weir_buf *x = body->head; x != NULL; x = x->next) {
        weir_chain_push(&b->whole.chain, weir_buf_share(r->pub.pool, x));
    }
    wr_body_store_changed(&b->whole);
    b->came = b->whole.in_memory;
    b->complete = true;
    r->pub.flags |= WEIR_R_HAS_BODY;
    r->pub.in_length = (int64_t)b->came;
}

void
wr_body_failed(struct wr_request *r, uint32_t status)
{
    struct wr_body_in *b = body_of(r);

    settle(b, status == 408 ? WEIR_TIMEOUT : status == 400 ? WEIR_INVALID : WEIR_CLOSED);
}

bool
wr_body_wanted(const struct wr_request *r)
{
    const struct wr_body_in *b = r->body;

    return b != NULL && b->wanted && !b->complete && !b->failed && !b->paused;
}

bool
wr_body_due(const struct wr_request *r)
{
    const struct wr_body_in *b = r->body;

    return b != NULL && b->wanted && !b->told && (b->complete || b->failed);
}

bool
wr_body_missing(const struct wr_request *r)
{
    return r->pub.flags & WEIR_R_HAS_BODY && (r->body == NULL || !r->body->complete);
}

/* Somebody asks: see whether it is there already, or can be refused at once, or the driver has to
 * bring it. */
static void
ask(struct wr_request *r, struct wr_body_in *b, uint64_t max)
{
    b->wanted = true;
    b->told = false;
    if (max != 0 && (b->max == 0 || max < b->max)) {
        b->max = max;
    }
    if (b->max != 0 && r->pub.in_length > 0 && (uint64_t)r->pub.in_length > b->max) {
        settle(b, WEIR_LIMIT);
    } else if (!(r->pub.flags & WEIR_R_HAS_BODY) && !b->complete) {
        settle(b, WEIR_OK);
    } else if (b->complete || b->failed) {
        settle(b, b->result);
    } else {
        r->driver->want_body(r);
    }
}

int
weir_read_body(weir_request *pub, uint64_t max, weir_body_done done, void *data)
{
    struct wr_request *r = wr_request_of(pub);
    struct wr_body_in *b = body_of(r);

    if (b->streams || (b->wanted && !b->told)) {
        return WEIR_ERROR; /* somebody is reading it, or has had it piece by piece */
    }
    if (r->calling != WR_CALLING_PHASE || weir_suspend(pub, WR_LIMIT_BODY_MS, NULL, NULL) == NULL) {
        return WEIR_ERROR;
    }
    b->done = done;
    b->data = data;
    ask(r, b, max);
    return WEIR_AGAIN;
}

/* What comes behind a 101, whatever was read before it. */
static void
open_tunnel(struct wr_request *r, struct wr_body_in *b)
{
    wr_chain_drop(&b->queue.chain);
    wr_body_store_changed(&b->queue);
    b->tunnel = true;
    b->complete = b->failed = b->told = b->paused = false;
    b->max = b->came = 0;
    b->wanted = true;
    r->driver->want_body(r);
}

int
weir_stream_body(weir_request *pub, uint64_t max, weir_body_piece piece, void *data)
{
    struct wr_request *r = wr_request_of(pub);
    struct wr_body_in *b = body_of(r);
    bool tunnel = wr_response_is_tunnel(r) && !b->tunnel;

    if (((b->wanted && !b->told) || b->streams) && !tunnel) {
        return WEIR_INVALID; /* somebody reads it, or has had it piece by piece: it is not kept */
    }
    b->streams = true;
    b->piece = piece;
    b->data = data;
    if (tunnel) {
        open_tunnel(r, b);
        return WEIR_OK;
    }
    if (b->complete) { /* it has been read whole before */
        b->queue.chain = wr_body_store_view(r, &b->whole);
        wr_body_store_changed(&b->queue);
    }
    ask(r, b, max);
    return WEIR_OK;
}

void
weir_stream_body_go(weir_request *pub)
{
    struct wr_body_in *b = wr_request_of(pub)->body;

    if (b != NULL && b->streams && b->wanted && !b->told) {
        wr_task_add(wr_loop_self(), &b->task);
    }
}

/* ---- Tunnels: past the queue, while it is empty. ---- */

void
weir_tunnel_direct(weir_request *pub, weir_tunnel_take take, void *data)
{
    struct wr_body_in *b = body_of(wr_request_of(pub));

    b->take = take;
    b->take_data = data;
}

size_t
wr_body_direct(struct wr_request *r, weir_str bytes)
{
    struct wr_body_in *b = r->body;
    size_t n;

    if (b == NULL || b->take == NULL || !b->tunnel || b->queue.chain.head != NULL ||
        !wr_body_wanted(r)) {
        return 0;
    }
    n = b->take(b->take_data, bytes);
    b->came += n;
    return n;
}

int
weir_body_status(int result)
{
    switch (result) {
    case WEIR_LIMIT:
        return 413;
    case WEIR_TIMEOUT:
        return 408;
    case WEIR_INVALID:
        return 400;
    case WEIR_CLOSED:
        return 499;
    default:
        return 500;
    }
}

/* ---- Variables. ---- */

weir_str
wr_body_text(struct wr_request *r)
{
    bool announced = r->pub.flags & WEIR_R_HAS_BODY || r->pub.in[WEIR_H_CONTENT_LENGTH] != NULL;

    if (!announced || r->body == NULL || !r->body->complete || r->body->whole.fd >= 0) {
        return (weir_str){ NULL, 0 };
    }
    return weir_chain_str(r->pub.pool, &r->body->whole.chain, (size_t)r->body->whole.in_memory);
}

weir_str
wr_body_file(struct wr_request *r)
{
    return r->body != NULL ? wr_body_store_file(r, &r->body->whole) : (weir_str){ NULL, 0 };
}
