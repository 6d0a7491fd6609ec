/* http/response.c - header filters, head, and the pump: queued bytes and source -> body filters in order -> driver.
 *
 * What waits for a slow client waits here in front of the filters (r->queued) or in the source, not behind them: the pump runs
 * only while the driver has room. A filter's leftovers stay on its own `in` and are counted. What a filter made goes on at once,
 * but not while it waits, nor past the place of a subrequest whose body has not come.
 */
#include "http/response.h"

#include <errno.h>
#include <unistd.h>

#include "base/assert.h"
#include "http/limits.h"
#include "http/subrequest.h"
#include "http/ticket.h"
#include "module/running.h"
#include "net/buf.h"
#include "wire/status.h"

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
wr_response_clear(struct wr_request *r)
{
    WR_ASSERT(!wr_response_begun(r));
    r->out = &wr_fields_none;
    r->pub.out = r->out->index;
    r->pub.out_first = NULL;
    r->pub.out_length = -1;
    r->lengths_differ = false;
    r->source = NULL;
    r->trailers = NULL;
}

/* ---- Body filters. ---- */

static const struct wr_plan_phase *
filters_of(const struct wr_request *r)
{
    return &r->plan->phase[WEIR_PHASE_BODY];
}

/* Does any filter of this response need bytes in memory? */
static bool
needs_memory(const struct wr_request *r)
{
    const struct wr_plan_phase *p = filters_of(r);

    for (uint32_t i = 0; r->filters != NULL && i < p->n; i++) {
        if (!r->filters[i].out && !(p->at[i].flags & WEIR_HOOK_FILES)) {
            return true;
        }
    }
    return false;
}

static void
cut(struct wr_request *r)
{
    r->cut = true;
    r->end_wanted = true;
}

static void
blame(struct wr_request *r, const struct wr_plan_hook *h, const char *what)
{
    wr_say(&r->log, ERROR, "body filter of module \"%s\" %s", h->module, what);
    cut(r);
}

/* The filter's turn is over: did it keep the contract? */
static void
check_filter(struct wr_request *r, const struct wr_plan_hook *h, struct wr_filter *f,
             const weir_chain *out)
{
    bool last_out = wr_chain_has(out, WEIR_BUF_LAST);

    if (last_out && (f->sent_last || !f->seen_last)) {
        blame(r, h, "ended the body that has not ended");
    }
    f->sent_last = f->sent_last || last_out;
    if (f->seen_last && !f->sent_last && !f->waits && f->in.head == NULL) {
        blame(r, h, "lost the end of the body");
    } else if (weir_chain_len(&f->in) > WR_LIMIT_FILTER_KEEP && !(h->flags & WEIR_HOOK_WHOLE)) {
        blame(r, h, "keeps more than the server allows");
    }
}

static int
call_filter(struct wr_request *r, uint32_t i, weir_chain *out)
{
    const struct wr_plan_hook *h = &filters_of(r)->at[i];
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
        cut(r);
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
    if (weir_chain_len(&f->in) > WR_LIMIT_WHOLE) {
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

    if (r->pub.out_length < 0) {
        return true;
    }
    r->emitted += weir_chain_len(chain);
    if (r->emitted <= length && (!last || r->emitted == length)) {
        return true;
    }
    wr_say(&r->log, ERROR, "a response body of %llu bytes came out %s", (unsigned long long)length,
           r->emitted > length ? "longer" : "shorter");
    cut(r);
    return false;
}

/* Give bytes to the driver; the body is complete with LAST. */
static void
emit(struct wr_request *r, weir_chain *chain)
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
static bool
take_sub(struct wr_request *r, weir_chain *from, weir_chain *piece)
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
        } else if (!take_sub(r, &f->after, piece)) {
            return;
        }
    }
}

/* Push what is on `piece` through the filters from i on, then to the driver. */
static void
filter_from(struct wr_request *r, uint32_t i, weir_chain *piece)
{
    const struct wr_plan_phase *p = filters_of(r);

    for (; r->filters != NULL && i < p->n; i++) {
        struct wr_filter *f = &r->filters[i];
        weir_chain out = { NULL, NULL };
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
    emit(r, piece);
}

/* Let go on what filters made and had to hold back; the last filter's is ahead of the others'. */
static void
release_held(struct wr_request *r)
{
    for (uint32_t i = r->filters != NULL ? filters_of(r)->n : 0; i-- != 0 && !r->end_wanted;) {
        weir_chain piece = { NULL, NULL };
        if (r->filters[i].after.head != NULL) {
            pass_on(r, i, &piece);
        }
        if (piece.head != NULL) {
            filter_from(r, i + 1, &piece);
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
        blame(r, &filters_of(r)->at[i], "keeps the end of the body");
    }
    if (r->end_wanted) {
        wr_chain_drop(&out);
        return;
    }
    pass_on(r, i, &out);
    if (out.head != NULL) {
        filter_from(r, i + 1, &out);
    }
}

/* Nothing more will come: a filter that left some of it on its `in` is called again. False: there is none. */
static bool
push_kept(struct wr_request *r)
{
    for (uint32_t i = 0; r->filters != NULL && i < filters_of(r)->n; i++) {
        const struct wr_filter *f = &r->filters[i];
        if (!f->out && f->seen_last && !f->sent_last && f->in.head != NULL) {
            call_again(r, i);
            return true;
        }
    }
    return false;
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
        cut(r);
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
        return take_sub(r, &r->queued, piece);
    }
    if (b->flags & WEIR_BUF_FILE && (needs_memory(r) || !wr_files_conf(r)->sendfile)) {
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
        cut(r);
        return false;
    }
    if (r->queued.head == NULL) { /* it has more, and nothing yet: nobody else would ask again */
        wr_request_later(r);
    }
    return r->queued.head != NULL;
}

/* Does a filter wait, or hold back what it made? */
static bool
held_back(const struct wr_request *r)
{
    for (uint32_t i = 0; r->filters != NULL && i < filters_of(r)->n; i++) {
        if (r->filters[i].waits || r->filters[i].after.head != NULL) {
            return true;
        }
    }
    return false;
}

static void
pump(struct wr_request *r)
{
    unsigned left = PIECES_A_GO;

    if (r->pumping) {
        return;
    }
    r->pumping = true;
    release_held(r);
    while (r->answer == WR_ANSWER_BODY && !r->end_wanted && !held_back(r) &&
           r->driver->room(r) != 0) {
        weir_chain piece = { NULL, NULL };
        if (left-- == 0) {
            wr_request_later(r);
            break;
        }
        if (r->queued.head == NULL && !pull(r)) {
            if (r->end_wanted || !push_kept(r)) {
                break;
            }
            continue;
        }
        if (r->queued.head == NULL || !next_piece(r, &piece)) {
            break;
        }
        filter_from(r, 0, &piece);
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
           r->pub.status < 200;
}

/* Is the whole body in `queued` already, and empty? */
static bool
empty_body(const struct wr_request *r)
{
    return r->source == NULL && r->queued.head != NULL && r->queued.head->len == 0 &&
           r->queued.head->flags & WEIR_BUF_LAST;
}

/* State for the body filters that stay; none when all are out. */
static void
make_filters(struct wr_request *r)
{
    uint32_t n = filters_of(r)->n;
    uint64_t all = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;

    if (r->no_body || (r->filters_out & all) == all) {
        return;
    }
    r->filters = wr_pool_array(r->pub.pool, struct wr_filter, n);
    for (uint32_t i = 0; i < n; i++) {
        r->filters[i].out = (r->filters_out >> i & 1) != 0;
    }
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

static void
send_head(struct wr_request *r)
{
    bool last;

    if (r->pub.status == 304) {
        strip_not_modified(r);
    }
    r->no_body = bodiless(r);
    make_filters(r);
    if (r->filters == NULL && empty_body(r) && r->pub.out_length < 0) {
        r->pub.out_length = 0;
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
        emit(r, &r->queued);
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
        if (rc == WEIR_DONE) {
            r->filters_out |= h->bodies; /* its module's body filters stay out of this response */
        } else if (rc != WEIR_NEXT) {
            replace(r, rc);
            return;
        }
    }
    send_head(r);
}

void
wr_response_begin(struct wr_request *r, weir_chain *body)
{
    WR_CHECK(r, WR_REQUEST_TAG);
    WR_ASSERT(!wr_response_begun(r));
    r->answer = WR_ANSWER_HEADERS;
    if (r->error_status != 0 && r->pub.status == 200) { /* the page of an error_page */
        r->pub.status = r->error_status;
        if (r->error_status >= 400) { /* the page's date is not the answer's, and no part of it is asked for */
            (void)weir_out_remove(&r->pub, WEIR_STR("Last-Modified"));
            (void)weir_out_remove(&r->pub, WEIR_STR("Accept-Ranges"));
        }
    }
    if (body != NULL) {
        weir_chain_take(&r->queued, body);
    }
    run_header_filters(r);
}

void
wr_response_push(struct wr_request *r, weir_chain *body)
{
    if (r->no_body || r->answer == WR_ANSWER_LAST || r->ended) {
        wr_chain_drop(body);
        return;
    }
    weir_chain_take(&r->queued, body);
    if (r->answer == WR_ANSWER_BODY) {
        pump(r);
    }
}

static void
header_resumed(struct wr_request *r, int rc)
{
    const struct wr_plan_phase *p = &r->plan->phase[WEIR_PHASE_HEADERS];
    const struct wr_plan_hook *h = &p->at[r->header_hook++];

    if (rc == WEIR_DONE) {
        r->filters_out |= h->bodies;
    } else if (rc != WEIR_NEXT) {
        replace(r, rc);
        return;
    }
    run_header_filters(r);
}

static void
source_resumed(struct wr_request *r, int rc)
{
    r->source_waits = false;
    if (rc == WEIR_DONE) {
        r->source_done = true;
        weir_chain_push(&r->queued, weir_buf_mark(r->pub.pool, WEIR_BUF_LAST));
    } else if (rc != WEIR_NEXT) {
        cut(r);
    }
}

/* The filter that waited goes on with what it has; what it makes goes on to the next. */
static void
filter_resumed(struct wr_request *r, int rc)
{
    uint32_t i = 0;

    while (!r->filters[i].waits) { /* one does: there is one ticket */
        i++;
    }
    r->filters[i].waits = false;
    if (rc != WEIR_NEXT && rc != WEIR_DONE) {
        cut(r);
        return;
    }
    call_again(r, i);
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
        filter_resumed(r, rc);
        r->pumping = false;
    }
    pump(r);
}

void
wr_response_go(struct wr_request *r)
{
    if (!r->ended && r->answer == WR_ANSWER_BODY) {
        pump(r);
    }
}

/* ---- Built-in pages. ---- */

static const char page_tail[] = "</h1></center>\r\n<hr><center>";

/* The page for a status, as nginx's in shape: tools and people know it. */
static weir_str
page_text(struct wr_request *r, uint32_t status)
{
    weir_str title = wr_status_title(status);
    struct wr_strbuf b = wr_strbuf_over(wr_pool_alloc(r->pub.pool, 512), 512);

    wr_strbuf_lit(&b, "<html>\r\n<head><title>");
    wr_strbuf_str(&b, title);
    wr_strbuf_lit(&b, "</title></head>\r\n<body>\r\n<center><h1>");
    wr_strbuf_str(&b, title);
    wr_strbuf_bytes(&b, page_tail, sizeof(page_tail) - 1);
    wr_strbuf_str(&b, wr_server_token(r));
    wr_strbuf_lit(&b, "</center>\r\n</body>\r\n</html>\r\n");
    return wr_strbuf_view(&b);
}

/* Status, type, length and body of the built-in page. */
static weir_buf *
set_page(struct wr_request *r, uint32_t status)
{
    weir_str text = { NULL, 0 };
    weir_buf *b;

    r->pub.status = status;
    (void)wr_fields_remove(wr_response_fields(r), WEIR_STR("Content-Type"), WEIR_H_CONTENT_TYPE);
    if (status >= 300 && status != 304) {
        text = page_text(r, status);
        (void)weir_out_set(&r->pub, WEIR_STR("Content-Type"), WEIR_STR("text/html"));
    }
    r->pub.out_first = r->out->first;
    r->pub.out_length = (int64_t)text.len;
    r->source = NULL;
    b = weir_buf_ref(r->pub.pool, text);
    b->flags = WEIR_BUF_LAST;
    return b;
}

void
wr_response_page(struct wr_request *r, uint32_t status)
{
    weir_chain body = { NULL, NULL };

    weir_chain_push(&body, set_page(r, status));
    wr_response_begin(r, &body);
}

void
wr_response_page_instead(struct wr_request *r, uint32_t status)
{
    static const weir_str gone[] = { { "ETag", 4 },
                                     { "Last-Modified", 13 },
                                     { "Accept-Ranges", 13 },
                                     { "Content-Encoding", 16 } };

    wr_chain_drop(&r->queued);
    for (size_t i = 0; i < WR_COUNT(gone); i++) {
        (void)weir_out_remove(&r->pub, gone[i]);
    }
    weir_chain_push(&r->queued, set_page(r, status));
    r->filters_out = UINT64_MAX;
}
