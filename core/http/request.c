/* http/request.c - a request's life: creation, the block it is in, answers that are only a status, the end.
 *
 * Its way through the phases is phase.c. Nothing here knows the protocol: answers go to r->driver.
 */
#include "http/request.h"

#include "config.h"

#include "base/assert.h"
#include "base/clock.h"
#include "http/background.h"
#include "http/body_in.h"
#include "http/error_page.h"
#include "http/file_cache.h"
#include "http/http.h"
#include "http/limits.h"
#include "http/location.h"
#include "http/response.h"
#include "http/subrequest.h"
#include "http/ticket.h"
#include "module/running.h"
#include "wire/names.h"

/* ---- Creation. ---- */

static void
log_context(const struct wr_log *log, struct wr_strbuf *to)
{
    struct wr_request *r = (struct wr_request *)(uintptr_t)WR_CONTAINER(log, const struct wr_request, log);
    const struct wr_request *main = wr_request_of(r->pub.main);

    wr_strbuf_lit(to, ", client: ");
    wr_strbuf_str(to, weir_client_addr(&r->pub, NULL));
    wr_strbuf_lit(to, ", server: ");
    wr_strbuf_escaped(to, r->server->name);
    if (main->line.len != 0) {
        wr_strbuf_lit(to, ", request: \"");
        wr_strbuf_escaped(to, main->line);
        wr_strbuf_byte(to, '"');
    }
    if (r != main) {
        wr_strbuf_lit(to, ", subrequest: \"");
        wr_strbuf_escaped(to, r->pub.path);
        wr_strbuf_byte(to, '"');
    }
    if (r->log.note != NULL) {
        r->log.note->add(r->log.note, to);
    }
    if (main->authority.len != 0) {
        wr_strbuf_lit(to, ", host: \"");
        wr_strbuf_escaped(to, main->authority);
        wr_strbuf_byte(to, '"');
    }
    if (main->pub.in[WEIR_H_REFERER] != NULL) {
        wr_strbuf_lit(to, ", referrer: \"");
        wr_strbuf_escaped(to, main->pub.in[WEIR_H_REFERER]->value);
        wr_strbuf_byte(to, '"');
    }
    if (r->log.note != NULL) { /* last: tools know the order of what stands before */
        uint64_t ms = wr_clock.now_ms - r->log.note->since_ms;
        wr_strbuf_print(to, ", took: %llu.%03us", (unsigned long long)(ms / 1000),
                        (unsigned)(ms % 1000));
    }
}

static void
later(struct wr_task *t)
{
    struct wr_request *r = WR_CONTAINER(t, struct wr_request, task);

    if (r->answer == WR_ANSWER_LAST) {
        wr_request_end(r, false);
    } else if (wr_response_begun(r)) {
        wr_response_go(r);
    } else {
        wr_request_run(r);
    }
}

void
wr_request_later(struct wr_request *r)
{
    wr_task_add(wr_loop_self(), &r->task);
}

struct wr_request *
wr_request_create(weir_pool *pool, struct wr_conn *conn, const struct wr_driver *driver,
                  void *stream, const struct wr_http *http, const struct wr_server *server)
{
    /* The modules' places stand behind it: one piece of memory to clear. */
    struct wr_request *r = wr_pool_zalloc(pool, sizeof(*r) + http->n_slots * sizeof(void *));

    r->tag = WR_REQUEST_TAG;
    r->driver = driver;
    r->stream = stream;
    r->conn = conn;
    r->nth = conn->requests;
    r->http = http;
    r->rewrites_left = WR_LIMIT_REWRITES;
    r->log = *wr_log_process();
    r->log.connection = conn->number;
    r->log.context = log_context;
    r->out = &wr_fields_none;
    wr_task_init(&r->task, later);
    wr_list_init(&r->subs);
    pool->limit = WR_LIMIT_REQUEST_POOL;
    r->pub.pool = pool;
    r->pub.log = &r->log.pub;
    r->pub.main = &r->pub;
    r->pub.conn = (weir_conn *)conn;
    r->pub.in = r->in.index;
    r->pub.out = wr_fields_none.index;
    r->pub.in_length = -1;
    r->pub.out_length = -1;
    r->pub.started = wr_clock.now_ms;
    r->pub.flags = conn->transport->secure ? WEIR_R_TLS : 0;
    r->pub.ctx = (void **)(r + 1);
    wr_request_enter(r, &server->base);
    return r;
}

/* Settings and plan are those of loc. Lines of r go where error_log of it says: most have none, and share the main context's. */
static inline void
enter(struct wr_request *r, const struct wr_location *loc)
{
    const struct wr_log_sink *sink = loc->conf[WR_SLOT_MAIN];

    r->server = loc->server;
    r->loc = loc;
    r->pub.conf = loc->conf;
    r->plan = r->parent == NULL ? loc->plan : loc->plan->sub;
    if (sink != NULL && sink != r->log.sink) {
        wr_log_aim(&r->log, sink);
    }
}

/* The same for one with a limit_except. */
static WR_APART void
enter_limited(struct wr_request *r, const struct wr_location *loc)
{
    enter(r, wr_location_limit(loc, r));
}

void
wr_request_enter(struct wr_request *r, const struct wr_location *loc)
{
    if (WR_LIKELY(loc->limited == NULL)) {
        enter(r, loc);
    } else {
        enter_limited(r, loc);
    }
}

weir_str
wr_server_token(const struct wr_request *r)
{
    return wr_loc_conf(r)->server_tokens == 0 ? WEIR_STR("weir") : WEIR_STR("weir/" WR_VERSION);
}

weir_str
wr_server_field(const struct wr_request *r)
{
    return wr_loc_conf(r)->server_tokens == 0 ? WEIR_STR("Server: weir\r\n")
                                              : WEIR_STR("Server: weir/" WR_VERSION "\r\n");
}

bool
wr_request_is_condition(uint32_t id)
{
    return id == WEIR_H_IF_MATCH || id == WEIR_H_IF_NONE_MATCH || id == WEIR_H_IF_MODIFIED_SINCE ||
           id == WEIR_H_IF_UNMODIFIED_SINCE || id == WEIR_H_IF_RANGE || id == WEIR_H_RANGE;
}

void
wr_request_unconditional(struct wr_request *r)
{
    for (uint32_t id = 1; id < WR_FIELDS; id++) {
        if (wr_request_is_condition(id) && r->in.index[id] != NULL) {
            (void)weir_in_remove(&r->pub, wr_name_text(id));
        }
    }
}

/* ---- Answers that are only a status. ---- */

void
wr_request_answer_status(struct wr_request *r, uint32_t status)
{
    if (r->ended || wr_response_begun(r)) {
        r->cut = true;
        r->end_wanted = true;
        return;
    }
    if (status == 444 || status == 499) { /* close without an answer, as nginx */
        r->pub.status = status;
        r->end_wanted = true;
        r->cut = true;
        if (!r->running) {
            wr_request_end(r, true);
        }
        return;
    }
    if (status == 408 || status == 400 || status == 414 || status == 431 || status == 413 ||
        (status >= 494 && status <= 497)) {
        r->keep_alive = false;
    }
    if (status >= 300 && wr_error_page_answer(r, status)) {
        return;
    }
    wr_response_page(r, status);
}

void
wr_request_refuse(struct wr_request *r, uint32_t status)
{
    r->keep_alive = false;
    r->running = true;
    r->phase = WEIR_PHASE_FIND_CONFIG;
    wr_request_answer_status(r, status);
    r->running = false;
    wr_request_run(r); /* an error_page may have sent it elsewhere */
}

void
wr_request_can_send(struct wr_request *r)
{
    if (!r->ended && wr_response_begun(r)) {
        wr_response_go(r);
    }
}

/* ---- The end. ---- */

/* Is there something that r does, besides answering? */
static bool
works_on(const struct wr_request *r)
{
    return r->holds != 0 || wr_subrequest_lingers(r);
}

/* Does r go on although its client has gone? */
static bool
outlives(const struct wr_request *r)
{
    if (r->answer == WR_ANSWER_LAST) {
        return works_on(r);
    }
    return r->outlives_client != WEIR_ENDS && !wr_body_missing(r) && !wr_response_is_tunnel(r);
}

void
wr_request_gone(struct wr_request *r, uint32_t log_status, bool stays)
{
    if (r->ended) {
        return;
    }
    r->cut = true;
    if (stays && r->background == NULL && !r->end_wanted && outlives(r) && wr_background_enter(r)) {
        return;
    }
    if (!wr_response_begun(r) && log_status != 0) {
        r->pub.status = log_status;
    }
    if (r->running || r->pumping) {
        r->end_wanted = true;
        return;
    }
    wr_request_end(r, true);
}

static WR_APART void
run_log_hooks(struct wr_request *r, const struct wr_plan_phase *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const struct wr_plan_hook *h = &p->at[i];
        wr_running_enter(h->module, &r->pub, WEIR_PHASE_LOG);
        (void)h->handler(&r->pub, r->pub.conf[h->slot]);
    }
    wr_running_leave();
}

/* Once, and before its end is told to anybody. */
static void
log_it(struct wr_request *r)
{
    const struct wr_plan_phase *p = &r->plan->phase[WEIR_PHASE_LOG];

    if (r->logged || (r->parent != NULL && !wr_loc_conf(r)->log_subrequest)) {
        return;
    }
    r->logged = true;
    if (p->n != 0) {
        run_log_hooks(r, p);
    }
}

/* It is answered, and does something besides: that is not its client's affair. */
static WR_APART void
wait_for_work(struct wr_request *r)
{
    bool first = !r->end_waits;

    r->end_waits = true;
    if (first && r->background == NULL && r->parent == NULL) {
        (void)wr_background_enter(r);
    }
    wr_request_tell_holders(r);
    if (r->holds == 0) {
        log_it(r);
    }
}

void
wr_request_end(struct wr_request *r, bool error)
{
    WR_CHECK(r, WR_REQUEST_TAG);
    if (r->ended) {
        return;
    }
    r->cut = r->cut || error;
    if (!r->end_waits && r->background == NULL) {
        r->finished_ms = wr_clock.now_ms;
    }
    if (!error && r->answer == WR_ANSWER_LAST && works_on(r)) {
        wait_for_work(r);
        return;
    }
    r->ended = true;
    if (r->suspended != NULL || r->source_suspended != NULL) {
        wr_ticket_cancel(r, WR_CALLING_PHASE);
        wr_ticket_cancel(r, WR_CALLING_SOURCE);
    }
    wr_task_remove(&r->task);
    if (!wr_list_empty(&r->subs)) {
        wr_subrequest_cancel_all(r);
    }
    log_it(r);
    r->driver->finish(r, r->cut);
}

/* Somebody who holds a request, and what it wants to know. */
struct wr_holder {
    struct wr_holder *next;
    void (*left)(void *data);
    void *data;
};

void
weir_hold(weir_request *pub, void (*left)(void *data), void *data)
{
    struct wr_request *r = wr_request_of(pub);

    r->holds++;
    if (left != NULL) {
        struct wr_holder *h = wr_pool_alloc(pub->pool, sizeof(*h));
        *h = (struct wr_holder){ .next = r->holders, .left = left, .data = data };
        r->holders = h;
    }
}

void
wr_request_tell_holders(struct wr_request *r)
{
    struct wr_holder *h = r->holders;

    r->holders = NULL;
    for (; h != NULL; h = h->next) {
        h->left(h->data);
    }
}

void
weir_let_go(weir_request *pub)
{
    struct wr_request *r = wr_request_of(pub);

    WR_ASSERT(r->holds != 0);
    r->holds--;
    if (r->holds == 0 && r->answer == WR_ANSWER_LAST && !r->ended &&
        (r->end_waits || r->background != NULL)) {
        wr_request_later(r);
    }
}

void
wr_request_free(struct wr_request *r)
{
    WR_CHECK(r, WR_REQUEST_TAG);
    if (r->file != NULL) {
        wr_file_unref(r->file);
    }
    r->tag = 0;
}
