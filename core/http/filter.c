/* http/filter.c - the stage of body filters: a piece goes in, what they make comes out in order and goes to the driver.
 *
 * The server drives: each filter gets what it left before with the new piece behind it, and what it puts out goes on to the
 * next at once, but not while it waits, nor past the place of a subrequest whose body has not come. Between two filters there
 * may stand the decoder or the encoder of the response (http/coded_body). A filter that breaks the
 * contract of <weir/body.h> is named in the log and the response is cut.
 */
#include "http/filter.h"

#include "base/assert.h"
#include "http/coded.h"
#include "http/limits.h"
#include "http/subrequest.h"
#include "http/ticket.h"
#include "module/running.h"
#include "net/buf.h"

/* Does any filter of this response need bytes in memory? */
bool
wr_filters_need_memory(const struct wr_request *r)
{
    const struct wr_plan_phase *p = wr_filters_of(r);

    if (wr_coded_runs(r)) {
        return true;
    }
    for (uint32_t i = 0; r->filters != NULL && i < p->n; i++) {
        if (!r->filters[i].out && !(p->at[i].flags & WEIR_HOOK_FILES)) {
            return true;
        }
    }
    return false;
}

void
wr_response_cut(struct wr_request *r)
{
    r->cut = true;
    r->end_wanted = true;
}

static void
blame(struct wr_request *r, const struct wr_plan_hook *h, const char *what)
{
    wr_say(&r->log, ERROR, "body filter of module \"%s\" %s", h->module, what);
    wr_response_cut(r);
}

/* Nothing more is made of the body. */
static void
end_source(struct wr_request *r)
{
    wr_ticket_cancel(r, WR_CALLING_SOURCE);
    r->source_waits = false;
    r->source_done = true;
    wr_chain_drop(&r->queued);
}

/* The filter's turn is over: did it keep the contract? */
static void
check_filter(struct wr_request *r, const struct wr_plan_hook *h, struct wr_filter *f,
             const weir_chain *out)
{
    bool last_out = wr_chain_has(out, WEIR_BUF_LAST);

    if (last_out && !f->seen_last && h->flags & WEIR_HOOK_ENDS) {
        f->seen_last = true;
        wr_chain_drop(&f->in);
        end_source(r);
    }
    if (last_out && (f->sent_last || !f->seen_last)) {
        blame(r, h, "ended the body that has not ended");
    }
    f->sent_last = f->sent_last || last_out;
    if (f->seen_last && !f->sent_last && !f->waits && f->in.head == NULL) {
        blame(r, h, "lost the end of the body");
    } else if (weir_chain_len(&f->in) > wr_loc_conf(r)->filter_keep && !(h->flags & WEIR_HOOK_WHOLE)) {
        blame(r, h, "keeps more than the server allows");
    }
}

static int
call_filter(struct wr_request *r, uint32_t i, weir_chain *out)
{
    const struct wr_plan_hook *h = &wr_filters_of(r)->at[i];
    struct wr_filter *f = &r->filters[i];
    const struct wr_suspended *suspended = r->suspended;
    uint8_t calling = r->calling;
    int rc;

    r->calling = WR_CALLING_FILTER;
    wr_running_enter(h->module, &r->pub, WEIR_PHASE_BODY);
    r->log.module = h->module;
    rc = h->body(&r->pub, r->pub.conf[h->slot], &f->in, out);
    r->log.module = NULL;
    wr_running_leave();
    r->calling = calling;
    f->waits = wr_ticket_settle(r, WR_CALLING_FILTER, suspended, rc);
    if (rc == WEIR_AGAIN) {
        if (!f->waits) {
            blame(r, h, "said WEIR_AGAIN without a ticket");
        }
    } else if (rc != WEIR_NEXT && rc != WEIR_DONE) {
        wr_say(&r->log, ERROR, "body filter of module \"%s\" failed", h->module);
        wr_response_cut(r);
    }
    check_filter(r, h, f, out);
    return rc;
}

/* A WHOLE filter sees nothing before the last byte has come. */
static bool
still_collecting(struct wr_request *r, const struct wr_plan_hook *h, struct wr_filter *f)
{
    if (!(h->flags & WEIR_HOOK_WHOLE)) {
        return false;
    }
    if (weir_chain_len(&f->in) > wr_loc_conf(r)->filter_whole) {
        blame(r, h, "wants the whole of a body that is too long");
        return true;
    }
    return !f->seen_last;
}

/* Does the body keep to the length that was announced? Else it is cut: the client must not wait for more, nor take the rest
 * for the next response. */
static bool
keeps_length(struct wr_request *r, const weir_chain *chain, bool last)
{
    uint64_t length = (uint64_t)r->pub.out_length;

    if (r->pub.out_length < 0 || r->background != NULL) {
        return true;
    }
    r->emitted += weir_chain_len(chain);
    if (r->emitted <= length && (!last || r->emitted == length)) {
        return true;
    }
    wr_say(&r->log, ERROR, "a response body of %llu bytes came out %s", (unsigned long long)length,
           r->emitted > length ? "longer" : "shorter");
    wr_response_cut(r);
    return false;
}

/* Give bytes to the driver; the body is complete with LAST. */
void
wr_filters_emit(struct wr_request *r, weir_chain *chain)
{
    bool last = wr_chain_has(chain, WEIR_BUF_LAST);

    if (chain->head == NULL) {
        return;
    }
    if (!keeps_length(r, chain, last)) {
        wr_chain_drop(chain);
        return;
    }
    if (last) {
        r->answer = WR_ANSWER_LAST;
        wr_task_remove(&r->task); /* the pump has nothing to go on with */
    }
    r->driver->body(r, chain);
}

/* Put the body of the subrequest at the head of `from` on piece. False: it has not come yet. */
bool
wr_filters_take_sub(struct wr_request *r, weir_chain *from, weir_chain *piece)
{
    weir_buf *b = from->head;

    if (!wr_subrequest_take(r, b, piece)) {
        return false;
    }
    (void)weir_chain_pop(from);
    if (b->flags & WEIR_BUF_LAST) {
        weir_chain_push(piece, weir_buf_mark(r->pub.pool, WEIR_BUF_LAST));
    }
    weir_buf_drop(b);
    return true;
}

/* Filter i made what is on piece: leave there what may go on now, with what was held back before. */
static void
pass_on(struct wr_request *r, uint32_t i, weir_chain *piece)
{
    struct wr_filter *f = &r->filters[i];

    weir_chain_take(&f->after, piece);
    while (!f->waits && f->after.head != NULL) {
        if (!(f->after.head->flags & WEIR_BUF_SUB)) {
            weir_chain_push(piece, weir_chain_pop(&f->after));
        } else if (!wr_filters_take_sub(r, &f->after, piece)) {
            return;
        }
    }
}

/* What may stand in one place, in this order. */
enum stage { DECODER, ENCODER, FILTER };

/* Put `piece` through the decoder and the encoder if they stand in front of filter i and not before `from`. False: nothing of it
 * goes on. */
static bool
pass_coders(struct wr_request *r, uint32_t i, enum stage from, weir_chain *piece)
{
    struct wr_coded *c = r->coded;

    if (c == NULL) {
        return true;
    }
    if (from == DECODER && c->decode.coder != NULL && c->decode.at == i &&
        !wr_coded_decode(r, piece)) {
        return false;
    }
    return from == FILTER || c->encode.coder == NULL || c->encode.at != i ||
           wr_coded_encode(r, piece);
}

static void
push(struct wr_request *r, uint32_t i, enum stage from, weir_chain *piece)
{
    const struct wr_plan_phase *p = wr_filters_of(r);

    for (;; i++, from = DECODER) {
        struct wr_filter *f = r->filters != NULL ? &r->filters[i] : NULL;
        weir_chain out = { NULL, NULL };
        if (!pass_coders(r, i, from, piece)) {
            return;
        }
        if (f == NULL || i >= p->n) {
            break;
        }
        if (f->out) {
            continue;
        }
        f->seen_last = f->seen_last || wr_chain_has(piece, WEIR_BUF_LAST);
        weir_chain_take(&f->in, piece);
        if (f->waits || still_collecting(r, &p->at[i], f)) {
            return;
        }
        (void)call_filter(r, i, &out);
        if (r->end_wanted) {
            wr_chain_drop(&out);
            return;
        }
        pass_on(r, i, &out);
        *piece = out;
        if (piece->head == NULL) {
            return;
        }
    }
    wr_filters_emit(r, piece);
}

/* Push what is on `piece` through the filters from i on, then to the driver. */
void
wr_filters_push(struct wr_request *r, uint32_t i, weir_chain *piece)
{
    push(r, i, DECODER, piece);
}

/* The later one first: nothing new is made while something waits. */
bool
wr_filters_push_coded(struct wr_request *r)
{
    struct wr_coded *c = r->coded;
    weir_chain piece = { NULL, NULL };

    if (c != NULL && c->encode.coder != NULL && c->encode.in.head != NULL) {
        if (wr_coded_encode(r, &piece)) {
            push(r, c->encode.at, FILTER, &piece);
        }
        return true;
    }
    if (c != NULL && c->decode.coder != NULL && c->decode.in.head != NULL) {
        if (wr_coded_decode(r, &piece)) {
            push(r, c->decode.at, ENCODER, &piece);
        }
        return true;
    }
    return false;
}

/* Let go on what filters made and had to hold back; the last filter's is ahead of the others'. */
void
wr_filters_release(struct wr_request *r)
{
    for (uint32_t i = r->filters != NULL ? wr_filters_of(r)->n : 0; i-- != 0 && !r->end_wanted;) {
        weir_chain piece = { NULL, NULL };
        if (r->filters[i].after.head != NULL) {
            pass_on(r, i, &piece);
        }
        if (piece.head != NULL) {
            wr_filters_push(r, i + 1, &piece);
        }
    }
}

/* Call filter i again with what it has. */
static void
call_again(struct wr_request *r, uint32_t i)
{
    const struct wr_filter *f = &r->filters[i];
    uint64_t had = weir_chain_len(&f->in);
    weir_chain out = { NULL, NULL };

    (void)call_filter(r, i, &out);
    if (!r->end_wanted && !f->waits && out.head == NULL && f->in.head != NULL && f->seen_last &&
        weir_chain_len(&f->in) >= had) {
        blame(r, &wr_filters_of(r)->at[i], "keeps the end of the body");
    }
    if (r->end_wanted) {
        wr_chain_drop(&out);
        return;
    }
    pass_on(r, i, &out);
    if (out.head != NULL) {
        wr_filters_push(r, i + 1, &out);
    }
}

/* Nothing more will come: a filter that left some of it on its `in` is called again. False: there is none. */
bool
wr_filters_push_kept(struct wr_request *r)
{
    for (uint32_t i = 0; r->filters != NULL && i < wr_filters_of(r)->n; i++) {
        const struct wr_filter *f = &r->filters[i];
        if (!f->out && f->seen_last && !f->sent_last && f->in.head != NULL) {
            call_again(r, i);
            return true;
        }
    }
    return false;
}

/* Does a filter wait, or hold back what it made? */
bool
wr_filters_hold_back(const struct wr_request *r)
{
    for (uint32_t i = 0; r->filters != NULL && i < wr_filters_of(r)->n; i++) {
        if (r->filters[i].waits || r->filters[i].after.head != NULL) {
            return true;
        }
    }
    return false;
}

/* State for the body filters that stay; none when all are out and nothing is coded. */
void
wr_filters_make(struct wr_request *r)
{
    uint32_t n = wr_filters_of(r)->n;
    uint64_t all = wr_filters_all(r);

    if (r->no_body || ((r->filters_out & all) == all && !wr_coded_runs(r))) {
        return;
    }
    r->filters = wr_pool_array(r->pub.pool, struct wr_filter, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        r->filters[i].out = (r->filters_out >> i & 1) != 0;
    }
}

/* The filter that waited goes on with what it has; what it makes goes on to the next. */
void
wr_filters_resumed(struct wr_request *r, int rc)
{
    uint32_t i = 0;

    while (!r->filters[i].waits) { /* one does: there is one ticket */
        i++;
    }
    r->filters[i].waits = false;
    if (rc != WEIR_NEXT && rc != WEIR_DONE) {
        wr_response_cut(r);
        return;
    }
    call_again(r, i);
}
