/* proxy/body_down.c - the reply's body on its way to the client.
 *
 * The server asks the source for more whenever the client can take it, and the buffers that the
 * exchange gives go on as they are. With proxy_buffering the upstream is read ahead of a client
 * that does not ask: into proxy_buffers of memory, then, when the client has been behind for a
 * while, into a temporary file; past proxy_max_temp_file_size the upstream has to wait. Order:
 * first what is in memory, then the file, then what the upstream still has.
 */
#include "proxy.h"
#include "spool.h"

enum {
    BEHIND_MS =
        1000, /* so long a full memory is put up with before anything is written to a disk */
    FILE_PIECE = 256 * 1024, /* read and written at once */
    WHOLE_MAX = 32 * 1024,   /* of a body that is answered with in one piece */
    PIECES_A_TURN = 16       /* of reading ahead, before others have their turn */
};

/* ---- Reading from the upstream. ---- */

static void
rate_over(void *data)
{
    body_down_readable(data);
}

/* What proxy_limit_rate lets us read now; 0: nothing, and the timer is set. */
static size_t
allowed(struct proxied *p, size_t want)
{
    uint64_t seconds, budget;

    if (p->rate == 0) {
        return want;
    }
    seconds = (weir_now() - p->rate_since) / 1000 + 1;
    if (__builtin_mul_overflow(p->rate, seconds, &budget) || budget > p->taken + want) {
        return want;
    }
    if (budget > p->taken) {
        return (size_t)(budget - p->taken);
    }
    if (p->rate_timer == NULL) {
        p->rate_timer = weir_timer_start(p->r->pool, 1000, rate_over, p);
    } else {
        weir_timer_set(p->rate_timer, 1000);
    }
    return 0;
}

static void
pass_trailers(struct proxied *p)
{
    const weir_header *h = p->conf->pass_trailers ? weir_exchange_trailers(p->x) : NULL;

    for (; h != NULL; h = h->next) {
        if (weir_out_trailer(p->r, h->name, h->value) != WEIR_OK) {
            weir_say(p->r->log, INFO, "the trailer \"%.*s\" is not passed on", WEIR_FMT(h->name));
        }
    }
}

/* Read up to about want bytes onto c: WEIR_OK, WEIR_AGAIN, or the end, which is noted. */
static int
take(struct proxied *p, weir_chain *c, size_t want)
{
    const weir_buf *before = c->tail;
    uint64_t had;
    int rc;

    want = allowed(p, want);
    if (want == 0) {
        return WEIR_AGAIN;
    }
    had = p->rate != 0 ? weir_chain_len(c) : 0;
    rc = weir_exchange_read(p->x, p->r->pool, c, want);
    if (p->rate != 0) {
        p->taken += weir_chain_len(c) - had;
    }
    if (p->store != NULL) {
        store_add(p, c, before);
    }
    if (rc == WEIR_OK || rc == WEIR_AGAIN) {
        return rc;
    }
    p->ended = true;
    p->result = rc;
    if (rc == WEIR_DONE) {
        pass_trailers(p);
        if (p->store != NULL) {
            store_end(p);
        }
    }
    return rc;
}

/* ---- Reading ahead. ---- */

static uint64_t
memory_left(const struct proxied *p)
{
    uint64_t all = p->conf->buffers.number * p->conf->buffers.size;

    return p->ahead_bytes < all ? all - p->ahead_bytes : 0;
}

/* May the file be written to: it is there, and the client far enough behind. */
static bool
may_spool(struct proxied *p)
{
    if (p->conf->file_max == 0) {
        return false;
    }
    if (spool_waiting(p->spool) != 0) {
        return spool_written(p->spool) < p->conf->file_max;
    }
    if (memory_left(p) != 0) {
        return false;
    }
    if (p->behind_since == 0) {
        p->behind_since = weir_now();
    }
    return weir_now() - p->behind_since >= BEHIND_MS && spool_written(p->spool) < p->conf->file_max;
}

/* Read one piece into the file. False: not now, or nothing more comes. */
static bool
read_to_file(struct proxied *p)
{
    weir_chain piece = { NULL, NULL };
    uint64_t had = spool_written(p->spool), left = p->conf->file_max - had;
    int rc;

    if (p->spool == NULL) {
        p->spool = spool_open(p->r, &p->conf->temp);
        if (p->spool == NULL) {
            p->behind_since = UINT64_MAX; /* not again: the upstream waits instead */
            return false;
        }
        weir_say(p->r->log, WARN, "an upstream response is buffered to a temporary file");
    }
    rc = take(p, &piece, (size_t)(left < FILE_PIECE ? left : FILE_PIECE));
    if (piece.head != NULL && !spool_write(p->spool, p->r, &piece)) {
        p->ended = true;
        p->result = WEIR_ERROR;
        return false;
    }
    weir_count(proxy_spooled, spool_written(p->spool) - had);
    return rc == WEIR_OK;
}

static bool
read_to_memory(struct proxied *p)
{
    uint64_t left = memory_left(p);
    int rc;

    if (left == 0) {
        return false;
    }
    rc = take(p, &p->ahead, (size_t)left);
    p->ahead_bytes = weir_chain_len(&p->ahead);
    return rc == WEIR_OK;
}

/* Is the memory full, and the file only a matter of time? */
static bool
waits_to_spool(const struct proxied *p)
{
    return !p->ended && p->awaited != AWAIT_BODY && p->conf->file_max != 0 &&
           p->behind_since != UINT64_MAX && memory_left(p) == 0 && spool_waiting(p->spool) == 0 &&
           spool_written(p->spool) < p->conf->file_max;
}

/* The client has not asked since the last piece: read on for it. */
static void
read_ahead(void *data)
{
    struct proxied *p = data;

    for (unsigned i = 0; !p->ended && p->awaited != AWAIT_BODY; i++) {
        bool spools = may_spool(p);
        if (i == PIECES_A_TURN) {
            weir_timer_set(p->ahead_timer, 1);
            return;
        }
        if (spools ? !read_to_file(p) : spool_waiting(p->spool) != 0 || !read_to_memory(p)) {
            break;
        }
    }
    if (waits_to_spool(p)) {
        weir_timer_set(p->ahead_timer, BEHIND_MS / 4);
    }
}

/* Unless the client asks again in this turn, read ahead in the next. */
static void
plan_ahead(struct proxied *p)
{
    if (!p->buffering || p->ended) {
        return;
    }
    if (p->ahead_timer == NULL) {
        p->ahead_timer = weir_timer_start(p->r->pool, 1, read_ahead, p);
    } else {
        weir_timer_set(p->ahead_timer, 1);
    }
}

/* ---- Giving to the client. ---- */

static int
how_it_ended(const struct proxied *p)
{
    return p->result == WEIR_DONE ? WEIR_DONE : WEIR_ERROR;
}

/* What was read ahead. */
static bool
give_ahead(struct proxied *p, weir_chain *out)
{
    if (p->ahead.head != NULL) {
        p->ahead.tail->flags |= p->flushes ? WEIR_BUF_FLUSH : 0;
        weir_chain_take(out, &p->ahead);
        p->ahead_bytes = 0;
        return true;
    }
    if (spool_waiting(p->spool) != 0) {
        weir_chain_push(out, spool_read(p->spool, p->r->pool));
        return true;
    }
    return false;
}

static int
source(weir_request *r, void *data, weir_chain *out, size_t want)
{
    struct proxied *p = data;
    int rc;

    (void)r;
    if (give_ahead(p, out)) {
        bool all = p->ended && spool_waiting(p->spool) == 0;
        plan_ahead(p);
        return all ? how_it_ended(p) : WEIR_NEXT;
    }
    if (p->ended) {
        return how_it_ended(p);
    }
    rc = take(p, out, want);
    if (rc == WEIR_AGAIN) { /* it has caught up; asking alone says only that it moves */
        p->behind_since = p->behind_since == UINT64_MAX ? UINT64_MAX : 0;
        return proxied_wait(p, AWAIT_BODY);
    }
    if (rc != WEIR_OK) {
        return how_it_ended(p);
    }
    if (p->flushes && out->tail != NULL) {
        out->tail->flags |= WEIR_BUF_FLUSH;
    }
    plan_ahead(p);
    return WEIR_NEXT;
}

void
body_down_readable(struct proxied *p)
{
    if (p->awaited == AWAIT_BODY) {
        proxied_wake(p, WEIR_NEXT);
        plan_ahead(p); /* the client may have fallen behind since it asked */
    } else if (p->buffering && p->awaited == AWAIT_NOTHING && p->ahead_timer != NULL) {
        read_ahead(p);
    }
}

/* ---- Beginning. ---- */

static bool
is_events(const weir_request *r)
{
    static const weir_str events = { "text/event-stream", 17 };
    const weir_strs types = { &events, 1 };
    const weir_header *type = r->out[WEIR_H_CONTENT_TYPE];

    return type != NULL && type->value.len >= events.len && weir_type_among(type->value, &types);
}

/* proxy_buffering, unless the reply says otherwise; events are never held back. */
static void
choose_buffering(struct proxied *p)
{
    weir_str said = accel_header(p, WEIR_STR("X-Accel-Buffering"), IGNORE_ACCEL_BUFFERING);

    p->buffering = p->conf->buffering;
    if (weir_str_ieq(said, WEIR_STR("yes"))) {
        p->buffering = true;
    } else if (weir_str_ieq(said, WEIR_STR("no")) || is_events(p->r)) {
        p->buffering = false;
    }
    p->flushes = !p->buffering;
}

static void
choose_rate(struct proxied *p)
{
    weir_str text = weir_value_get(p->r, p->conf->limit_rate);

    if (text.len == 0 || !p->buffering) {
        return;
    }
    if (weir_parse_size(text, &p->rate) != WEIR_OK) {
        weir_say(p->r->log, ERROR, "invalid proxy_limit_rate \"%.*s\"", WEIR_FMT(text));
        p->rate = 0;
    }
    p->rate_since = weir_now();
}

/* Most bodies are small and have come with their head: then the answer is made at once. False: it
 * is not so; what has come is read ahead. */
static bool
answer_whole(struct proxied *p, uint32_t status)
{
    const weir_buf *b;

    if (p->reply->length <= 0 || p->reply->length > WHOLE_MAX || status == 101 || p->rate != 0) {
        return false;
    }
    if (take(p, &p->ahead, WHOLE_MAX) != WEIR_DONE) {
        p->ahead_bytes = weir_chain_len(&p->ahead);
        return false;
    }
    b = p->ahead.head;
    if (b == NULL || b->next != NULL || (int64_t)b->len != p->reply->length) {
        return false;
    }
    return weir_respond(p->r, status, WEIR_STR(""), (weir_str){ (const char *)b->data, b->len }) ==
           WEIR_DONE;
}

int
body_down_answer(struct proxied *p, uint32_t status)
{
    choose_buffering(p);
    choose_rate(p);
    if (p->conf->store.mode != STORE_OFF) {
        store_begin(p);
    }
    return answer_whole(p, status) ? WEIR_DONE : weir_respond_from(p->r, status, source, p);
}
