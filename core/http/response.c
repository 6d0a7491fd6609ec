/* http/response.c - header filters, head, and the pump: queued bytes and source -> body filters (http/filter) -> driver.
 *
 * What waits for a slow client waits here in front of the filters (r->queued) or in the source, not behind them: the pump runs
 * only while the driver has room.
 */
#include "http/response.h"

#include <errno.h>
#include <unistd.h>

#include "base/assert.h"
#include "http/coded.h"
#include "http/filter.h"
#include "http/limits.h"
#include "http/ticket.h"
#include "net/buf.h"

enum {
    FILE_PIECE = 32 * 1024,
    PIECES_A_GO = 64 /* before others have their turn, however much a filter swallows */
};

struct wr_fields *
wr_response_fields(struct wr_request *r)
{
    if (r->out->shared) {
        r->out = wr_fields_copy(r->out, r->pub.pool);
        r->pub.out = r->out->index;
        r->pub.out_first = r->out->first;
    }
    return r->out;
}

void
wr_response_clear_head(struct wr_request *r)
{
    r->out = &wr_fields_none;
    r->pub.out = r->out->index;
    r->pub.out_first = NULL;
    r->status_text = (weir_str){ NULL, 0 };
}

void
wr_response_clear(struct wr_request *r)
{
    WR_ASSERT(!wr_response_begun(r));
    wr_response_clear_head(r);
    r->pub.out_length = -1;
    r->lengths_differ = false;
    r->coded = NULL;
    r->body_file = NULL;
    r->identity = NULL;
    r->source = NULL;
    r->seek = NULL;
    r->trailers = NULL;
}

/* ---- The pump. ---- */

/* The next part of a file buffer, read into memory. False: the file cannot be read; the response is cut. */
static bool
read_piece(struct wr_request *r, weir_buf *file, weir_chain *piece)
{
    size_t want = WR_MIN(file->len, (size_t)FILE_PIECE);
    struct wr_buf *own = wr_buf_of(file);
    uint8_t *room;
    weir_buf *b = weir_buf_new(r->pub.pool, want, &room);
    ssize_t n = pread(own->fd, room, want, (off_t)own->offset);

    if (n <= 0) {
        wr_log_errno(&r->log, WR_LOG_ERROR, n < 0 ? errno : 0,
                     n < 0 ? "reading a file failed" : "a file became shorter while it was sent");
        weir_buf_drop(b);
        wr_response_cut(r);
        return false;
    }
    b->len = (size_t)n;
    wr_buf_consume(file, (size_t)n);
    if (file->len == 0) {
        b->flags = file->flags & (WEIR_BUF_LAST | WEIR_BUF_FLUSH);
    }
    weir_chain_push(piece, b);
    return true;
}

/* Take the next piece off r->queued. False: nothing can be taken now. */
static bool
next_piece(struct wr_request *r, weir_chain *piece)
{
    weir_buf *b = r->queued.head;

    if (b->flags & WEIR_BUF_SUB) {
        return wr_filters_take_sub(r, &r->queued, piece);
    }
    if (b->flags & WEIR_BUF_FILE && (wr_filters_need_memory(r) || !wr_files_conf(r)->sendfile)) {
        if (b->len != 0 && !read_piece(r, b, piece)) {
            return false;
        }
        if (b->len == 0) {
            (void)weir_chain_pop(&r->queued);
            if (piece->head == NULL) {
                weir_chain_push(piece, weir_buf_mark(r->pub.pool, b->flags));
            }
            weir_buf_drop(b);
        }
        return true;
    }
    weir_chain_push(piece, weir_chain_pop(&r->queued));
    return true;
}

/* Ask the source for more. False: it has nothing now, or no more at all. */
static bool
pull(struct wr_request *r)
{
    const struct wr_suspended *suspended = r->source_suspended;
    uint8_t calling = r->calling;
    weir_chain out = { NULL, NULL };
    int rc;

    if (r->source == NULL || r->source_done || r->source_waits) {
        return false;
    }
    r->calling = WR_CALLING_SOURCE;
    rc = r->source(&r->pub, r->source_data, &out, WR_LIMIT_PULL);
    r->calling = calling;
    r->source_waits = wr_ticket_settle(r, WR_CALLING_SOURCE, suspended, rc);
    weir_chain_take(&r->queued, &out);
    if (rc == WEIR_DONE) {
        r->source_done = true;
        if (!wr_chain_has(&r->queued, WEIR_BUF_LAST)) {
            weir_chain_push(&r->queued, weir_buf_mark(r->pub.pool, WEIR_BUF_LAST));
        }
        return true;
    }
    if (r->source_waits) {
        return r->queued.head != NULL;
    }
    if (rc != WEIR_NEXT) {
        wr_say(&r->log, ERROR, "the source of a response body failed (%d)", rc);
        wr_response_cut(r);
        return false;
    }
    if (r->queued.head == NULL) { /* it has more, and nothing yet: nobody else would ask again */
        wr_request_later(r);
    }
    return r->queued.head != NULL;
}

static void
pump(struct wr_request *r)
{
    unsigned left = PIECES_A_GO;

    if (r->pumping) {
        return;
    }
    r->pumping = true;
    wr_filters_release(r);
    while (r->answer == WR_ANSWER_BODY && !r->end_wanted && !wr_filters_hold_back(r) &&
           r->driver->room(r) != 0) {
        weir_chain piece = { NULL, NULL };
        if (left-- == 0) {
            wr_request_later(r);
            break;
        }
        if (wr_filters_push_coded(r)) {
            continue;
        }
        if (r->queued.head == NULL && !pull(r)) {
            if (r->end_wanted || !wr_filters_push_kept(r)) {
                break;
            }
            continue;
        }
        if (r->queued.head == NULL || !next_piece(r, &piece)) {
            break;
        }
        wr_filters_push(r, 0, &piece);
    }
    r->pumping = false;
    if (r->end_wanted && !r->ended && !r->running) {
        wr_request_end(r, true);
    }
}

/* ---- The head. ---- */

/* Statuses and methods whose responses have no body [RFC 9110 6.4.1]. */
static bool
bodiless(const struct wr_request *r)
{
    return r->pub.method == WEIR_HEAD || r->pub.status == 204 || r->pub.status == 304 ||
           (r->pub.status < 200 && !wr_response_is_tunnel(r));
}

/* Is the whole body in `queued` already, and empty? */
static bool
empty_body(const struct wr_request *r)
{
    return r->source == NULL && r->queued.head != NULL && r->queued.head->len == 0 &&
           r->queued.head->flags & WEIR_BUF_LAST;
}

/* A 304 describes no body: what filters saw of the 200 goes [RFC 9110 15.4.5]. */
static void
strip_not_modified(struct wr_request *r)
{
    (void)weir_out_remove(&r->pub, WEIR_STR("Content-Type"));
    (void)weir_out_remove(&r->pub, WEIR_STR("Content-Encoding"));
    (void)weir_out_remove(&r->pub, WEIR_STR("Accept-Ranges"));
    r->pub.out_length = -1;
}

/* Nothing stands between the whole body, which is one buffer, and the driver. */
static bool
goes_straight(const struct wr_request *r)
{
    const weir_buf *b = r->queued.head;

    return r->filters == NULL && r->source == NULL && b != NULL && b->next == NULL &&
           !(b->flags & WEIR_BUF_SUB) &&
           (!(b->flags & WEIR_BUF_FILE) || wr_files_conf(r)->sendfile);
}

/* Head and body at once, if the driver can: 700 instructions less than one after the other, of 3,870. */
static bool
send_whole(struct wr_request *r, weir_str body)
{
    if (r->driver->whole == NULL || r->trailers != NULL || !r->driver->whole(r, body)) {
        return false;
    }
    r->pub.flags |= WEIR_R_HEAD_SENT;
    r->answer = WR_ANSWER_LAST;
    r->emitted = body.len;
    return true;
}

/* The same for what is left when the filters of the head have run: memory that stays as long as the request. */
static bool
send_rest_whole(struct wr_request *r)
{
    weir_buf *b = r->queued.head;

    if (!goes_straight(r) || b->flags & WEIR_BUF_FILE || !(b->flags & WEIR_BUF_LAST) || b->len == 0 ||
        (uint64_t)r->pub.out_length != b->len || wr_buf_of(b)->store != NULL ||
        !send_whole(r, (weir_str){ (const char *)b->data, b->len })) {
        return false;
    }
    wr_chain_drop(&r->queued);
    return true;
}

static void
send_head(struct wr_request *r)
{
    bool last;

    wr_coded_settle(r);
    if (r->pub.status == 304) {
        strip_not_modified(r);
    }
    if (wr_response_is_tunnel(r)) {
        r->pub.out_length = -1;
        r->filters_out = UINT64_MAX;
    }
    r->no_body = bodiless(r);
    wr_filters_make(r);
    if (r->filters == NULL && empty_body(r) && r->pub.out_length < 0) {
        r->pub.out_length = 0;
    }
    if (!r->no_body && send_rest_whole(r)) {
        return;
    }
    last = r->no_body || (r->pub.out_length == 0 && r->filters == NULL && r->trailers == NULL);
    r->pub.flags |= WEIR_R_HEAD_SENT;
    r->answer = last ? WR_ANSWER_LAST : WR_ANSWER_BODY;
    r->driver->head(r, last);
    if (last) {
        wr_chain_drop(&r->queued);
        r->source = NULL;
        return;
    }
    if (goes_straight(r)) {
        wr_filters_emit(r, &r->queued);
    } else {
        pump(r);
    }
}

/* A header filter failed or wants another status: answer that, without header filters. */
static void
replace(struct wr_request *r, int rc)
{
    uint32_t status = rc >= 200 && rc <= 599 ? (uint32_t)rc : 500;

    wr_chain_drop(&r->queued);
    r->answer = WR_ANSWER_NONE;
    r->filters_out = UINT64_MAX;
    wr_response_clear(r);
    r->header_hook = UINT16_MAX;
    wr_response_page(r, status);
}

/* A header filter has said rc. False: the response is another one now. */
static bool
header_settled(struct wr_request *r, const struct wr_plan_hook *h, int rc)
{
    uint32_t status;

    if (rc == WEIR_DONE) {
        r->filters_out |= h->bodies; /* its module's body filters stay out of this response */
        return true;
    }
    if (rc != WEIR_NEXT) {
        replace(r, rc);
        return false;
    }
    status = h->texts != 0 ? wr_coded_want_text(r, h->texts) : 0;
    if (status != 0) {
        replace(r, (int)status);
    }
    return status == 0;
}

static void
run_header_filters(struct wr_request *r)
{
    const struct wr_plan_phase *p = &r->plan->phase[WEIR_PHASE_HEADERS];

    while (r->header_hook < p->n) {
        const struct wr_plan_hook *h = &p->at[r->header_hook];
        int rc = h->field != 0 && r->pub.in[h->field] == NULL
                     ? WEIR_DONE
                     : wr_request_call(r, h, WR_CALLING_HEADER);
        if (rc == WEIR_AGAIN) {
            return;
        }
        r->header_hook++;
        if (!header_settled(r, h, rc)) {
            return;
        }
    }
    send_head(r);
}

/* Does no filter want this response: all of its header filters ask for a field that the request has not? */
static bool
unfiltered(const struct wr_request *r)
{
    const struct wr_plan_phase *p = &r->plan->phase[WEIR_PHASE_HEADERS];
    uint64_t out = r->filters_out, all = wr_filters_all(r);

    for (uint32_t i = r->header_hook; i < p->n; i++) {
        const struct wr_plan_hook *h = &p->at[i];
        if (h->field == 0 || r->pub.in[h->field] != NULL) {
            return false;
        }
        out |= h->bodies;
    }
    return (out & all) == all;
}

bool
wr_response_whole(struct wr_request *r, weir_str body)
{
    return body.len != 0 && !bodiless(r) && r->error_status == 0 && unfiltered(r) && send_whole(r, body);
}

/* The page of an error_page, whatever status it has itself (nginx): but what it says instead of 200 to who asked for a part, or
 * whether it has changed, is said. */
static void
be_error_page(struct wr_request *r)
{
    uint32_t own = r->pub.status;

    if (r->error_status != 200 || (own != 206 && own != 304 && own != 412 && own != 416)) {
        r->pub.status = r->error_status;
    }
    if (r->error_status >= 400) { /* the page's date is not the answer's, and no part of it is asked for */
        (void)weir_out_remove(&r->pub, WEIR_STR("Last-Modified"));
        (void)weir_out_remove(&r->pub, WEIR_STR("Accept-Ranges"));
    } else if (r->error_status == 204) {
        (void)weir_out_remove(&r->pub, WEIR_STR("Content-Type"));
    }
}

void
wr_response_begin(struct wr_request *r, weir_chain *body)
{
    WR_CHECK(r, WR_REQUEST_TAG);
    WR_ASSERT(!wr_response_begun(r));
    r->answer = WR_ANSWER_HEADERS;
    if (r->error_status != 0) {
        be_error_page(r);
    }
    if (body != NULL) {
        weir_chain_take(&r->queued, body);
    }
    if (r->plan->texts & ~r->filters_out) {
        uint32_t status = wr_coded_want_text(r, r->plan->texts & ~r->filters_out);
        if (status != 0) {
            replace(r, (int)status);
            return;
        }
    }
    run_header_filters(r);
}

static void
header_resumed(struct wr_request *r, int rc)
{
    const struct wr_plan_phase *p = &r->plan->phase[WEIR_PHASE_HEADERS];
    const struct wr_plan_hook *h = &p->at[r->header_hook++];

    if (header_settled(r, h, rc)) {
        run_header_filters(r);
    }
}

static void
source_resumed(struct wr_request *r, int rc)
{
    r->source_waits = false;
    if (rc == WEIR_DONE) {
        r->source_done = true;
        weir_chain_push(&r->queued, weir_buf_mark(r->pub.pool, WEIR_BUF_LAST));
    } else if (rc != WEIR_NEXT) {
        wr_response_cut(r);
    }
}

void
wr_response_resumed(struct wr_request *r, enum wr_calling calling, int rc)
{
    if (r->ended) {
        return;
    }
    if (calling == WR_CALLING_HEADER) {
        header_resumed(r, rc);
        return;
    }
    if (calling == WR_CALLING_SOURCE) {
        source_resumed(r, rc);
    } else {
        r->pumping = true;
        wr_filters_resumed(r, rc);
        r->pumping = false;
    }
    pump(r);
}

size_t
weir_tunnel_send(weir_request *pub, weir_str bytes)
{
    struct wr_request *r = wr_request_of(pub);

    return r->driver->pass != NULL && wr_response_is_tunnel(r) && wr_response_is_drained(r)
               ? r->driver->pass(r, bytes)
               : 0;
}

void
wr_response_go(struct wr_request *r)
{
    if (!r->ended && r->answer == WR_ANSWER_BODY) {
        pump(r);
    }
}
