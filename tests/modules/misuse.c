/* misuse - a module for tests that breaks the rules of the ABI, one way for each name at the end of the path.
 *
 * `misuse_content` answers /NAME, `misuse_filters` are filters of head and body that look at the same name. Whatever one of
 * them does, the server goes on, the client gets an answer or a close, and nothing is leaked.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

typedef struct {
    bool content, filters;
} misuse_conf;

typedef struct {
    weir_ticket *ticket;
    weir_chain kept;
    int turns;
    bool begun, cancelled;
} misuse_state;

static const char big[200000];

static bool
is(const weir_request *r, const char *name)
{
    size_t n = strlen(name);

    return r->path.len > n && r->path.data[r->path.len - n - 1] == '/' &&
           memcmp(r->path.data + r->path.len - n, name, n) == 0;
}

/* Does the last part of the path begin so? */
static bool
begins(const weir_request *r, const char *with)
{
    size_t n = strlen(with), at = r->path.len;

    while (at != 0 && r->path.data[at - 1] != '/') {
        at--;
    }
    return r->path.len - at >= n && memcmp(r->path.data + at, with, n) == 0;
}

static misuse_state *
state_of(weir_request *r)
{
    return weir_ctx_make(r, sizeof(misuse_state));
}

static void
cancelled(void *data)
{
    misuse_state *s = data;

    if (s != NULL) {
        (void)weir_resume(s->ticket, 200); /* too late: says so */
        s->cancelled = true;
    }
}

static void
wake(void *data)
{
    misuse_state *s = data;

    (void)weir_resume(s->ticket, WEIR_NEXT);
}

static void
wake_badly(void *data)
{
    misuse_state *s = data;

    (void)weir_resume(s->ticket, WEIR_ERROR);
}

static void
wake_again(void *data)
{
    misuse_state *s = data;

    (void)weir_resume(s->ticket, WEIR_AGAIN);
}

static void
wake_twice(void *data)
{
    misuse_state *s = data;

    (void)weir_resume(s->ticket, WEIR_DONE);
    (void)weir_resume(s->ticket, 403);
    (void)weir_resume(s->ticket, WEIR_ERROR);
}

static void *
thread_resumes(void *data)
{
    weir_ticket *ticket = data;

    for (int i = 0; i < 5; i++) {
        (void)weir_resume(ticket, 202);
    }
    return NULL;
}

static void
resume_from_threads(weir_ticket *ticket)
{
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, thread_resumes, ticket) == 0) {
            pthread_detach(thread);
        }
    }
}

/* ---- Sources. ---- */

static int
source(weir_request *r, void *data, weir_chain *out, size_t want)
{
    misuse_state *s = data;
    int turn = s->turns++;

    (void)want;
    if (is(r, "source-again")) {
        return WEIR_AGAIN;
    }
    if (is(r, "source-status")) {
        return 404;
    }
    if (is(r, "source-nothing")) {
        return turn > 1000 ? WEIR_DONE : WEIR_NEXT;
    }
    if (is(r, "source-last-twice")) {
        weir_chain_push(out, weir_buf_copy(r->pool, WEIR_STR("one")));
        weir_chain_push(out, weir_buf_mark(r->pool, WEIR_BUF_LAST));
        weir_chain_push(out, weir_buf_copy(r->pool, WEIR_STR("two")));
        weir_chain_push(out, weir_buf_mark(r->pool, WEIR_BUF_LAST));
        return turn == 0 ? WEIR_NEXT : WEIR_DONE;
    }
    if (is(r, "source-breaks") || is(r, "source-waits")) {
        if (turn == 0) { /* less than the server lets wait, so that it asks once more */
            weir_chain_push(out, weir_buf_copy(r->pool, (weir_str){ big, sizeof(big) }));
            return WEIR_NEXT;
        }
        if (turn == 1) {
            s->ticket = weir_suspend(r, 0, cancelled, s);
            (void)weir_timer_start(r->pool, 300, is(r, "source-breaks") ? wake_badly : wake, s);
            return WEIR_AGAIN;
        }
        return WEIR_DONE;
    }
    if (is(r, "source-waits-long")) {
        if (turn == 0) {
            weir_chain_push(out, weir_buf_copy(r->pool, (weir_str){ big, 20000 }));
            s->ticket = weir_suspend(r, 0, cancelled, s);
            (void)weir_timer_start(r->pool, 2000, wake, s);
            return WEIR_AGAIN;
        }
        return WEIR_DONE;
    }
    if (is(r, "source-ticket-and-next")) {
        (void)weir_suspend(r, 0, cancelled, NULL);
        weir_chain_push(out, weir_buf_copy(r->pool, WEIR_STR("x")));
        return turn > 5 ? WEIR_DONE : WEIR_NEXT;
    }
    if (is(r, "source-twice")) {
        s->ticket = weir_suspend(r, 0, cancelled, s);
        (void)weir_timer_start(r->pool, 5, wake_twice, s);
        weir_chain_push(out, weir_buf_copy(r->pool, WEIR_STR("y")));
        return WEIR_AGAIN;
    }
    if (is(r, "source-wakes-again")) {
        s->ticket = weir_suspend(r, 0, cancelled, s);
        (void)weir_timer_start(r->pool, 5, wake_again, s);
        return WEIR_AGAIN;
    }
    if (is(r, "source-threads")) {
        if (turn != 0) {
            return WEIR_DONE;
        }
        s->ticket = weir_suspend(r, 0, cancelled, s);
        resume_from_threads(s->ticket);
        return WEIR_AGAIN;
    }
    if (is(r, "source-small")) { /* many pieces, not one of which is worth referring to */
        weir_chain_push(out, weir_buf_copy(r->pool, (weir_str){ big, 100 }));
        return turn > 20000 ? WEIR_DONE : WEIR_NEXT;
    }
    weir_chain_push(out, weir_buf_copy(r->pool, WEIR_STR("body")));
    return WEIR_DONE;
}

/* ---- Content. ---- */

static int
body_came(weir_request *r, void *data, int result, weir_chain *body)
{
    (void)data;
    (void)body;
    if (is(r, "body-answers-twice")) {
        (void)weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("first"));
        return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("second"));
    }
    if (is(r, "body-again")) {
        return WEIR_AGAIN;
    }
    if (is(r, "body-reads-again") && state_of(r)->turns++ < 3) {
        return weir_read_body(r, 0, body_came, NULL);
    }
    return result == WEIR_OK ? weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("body"))
                             : weir_body_status(result);
}

static int
content(weir_request *r, const void *conf)
{
    misuse_state *s = state_of(r);

    (void)conf;
    if (is(r, "again")) {
        return WEIR_AGAIN;
    }
    if (is(r, "done")) {
        return WEIR_DONE;
    }
    if (is(r, "garbage")) {
        return 123456;
    }
    if (is(r, "negative")) {
        return -123456;
    }
    if (is(r, "interim")) {
        return 150;
    }
    if (is(r, "respond-interim")) {
        return weir_respond(r, 101, WEIR_STR("text/plain"), WEIR_STR("x"));
    }
    if (is(r, "respond-599")) {
        return weir_respond(r, 599, WEIR_STR("text/plain"), WEIR_STR("x"));
    }
    if (is(r, "respond-twice")) {
        (void)weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("first"));
        return weir_respond(r, 404, WEIR_STR("text/plain"), WEIR_STR("second"));
    }
    if (is(r, "respond-and-next")) {
        (void)weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("first"));
        return WEIR_NEXT;
    }
    if (is(r, "respond-and-redirect")) {
        (void)weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("first"));
        (void)weir_redirect_inside(r, WEIR_STR("/ok"), WEIR_STR(""));
        return WEIR_DONE;
    }
    if (is(r, "redirect-and-respond")) {
        (void)weir_redirect_inside(r, WEIR_STR("/ok"), WEIR_STR(""));
        return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("first"));
    }
    if (is(r, "redirect-and-status")) {
        (void)weir_redirect_inside(r, WEIR_STR("/ok"), WEIR_STR(""));
        return 403;
    }
    if (is(r, "respond-and-wait")) {
        s->ticket = weir_suspend(r, 0, cancelled, s);
        (void)weir_timer_start(r->pool, 20, wake_twice, s);
        (void)weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("first"));
        return WEIR_AGAIN;
    }
    if (is(r, "ticket-and-done")) {
        s->ticket = weir_suspend(r, 0, cancelled, s);
        (void)weir_timer_start(r->pool, 1, wake_twice, s);
        return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("first"));
    }
    if (is(r, "tickets")) {
        s->ticket = weir_suspend(r, 0, cancelled, s);
        if (weir_suspend(r, 0, cancelled, s) != NULL) {
            abort();
        }
        (void)weir_resume(s->ticket, 202);
        (void)weir_resume(s->ticket, 203);
        return WEIR_AGAIN;
    }
    if (is(r, "wait")) { /* nobody resumes before the client goes, or before time is over */
        s->ticket = weir_suspend(r, 1000, cancelled, s);
        return WEIR_AGAIN;
    }
    if (is(r, "threads")) {
        s->ticket = weir_suspend(r, 0, cancelled, s);
        resume_from_threads(s->ticket);
        return WEIR_AGAIN;
    }
    if (is(r, "resume-again")) {
        s->ticket = weir_suspend(r, 0, cancelled, s);
        (void)weir_timer_start(r->pool, 1, wake_again, s);
        return WEIR_AGAIN;
    }
    if (is(r, "stale")) {
        for (uintptr_t i = 0; i < 3000; i++) {
            (void)weir_resume((weir_ticket *)i, 200);
            (void)weir_resume((weir_ticket *)(i << 20), 200);
        }
        return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("fine"));
    }
    if (is(r, "body-dropped")) {
        (void)weir_read_body(r, 0, body_came, NULL);
        return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("early"));
    }
    if (is(r, "body-next")) {
        (void)weir_read_body(r, 0, body_came, NULL);
        return WEIR_NEXT;
    }
    if (is(r, "body-ticket")) {
        s->ticket = weir_suspend(r, 0, cancelled, s);
        if (weir_read_body(r, 0, body_came, NULL) != WEIR_ERROR) {
            abort();
        }
        (void)weir_timer_start(r->pool, 20, wake_twice, s);
        return WEIR_AGAIN;
    }
    if (is(r, "body-twice")) {
        int rc = weir_read_body(r, 0, body_came, NULL);
        (void)weir_read_body(r, 0, body_came, NULL);
        return rc;
    }
    if (is(r, "body-resumed")) {
        return weir_read_body(r, 0, body_came, NULL);
    }
    if (begins(r, "body-")) {
        return weir_read_body(r, 0, body_came, NULL);
    }
    if (is(r, "length-long") || is(r, "length-short")) {
        (void)weir_out_length(r, is(r, "length-long") ? 1000 : 2);
        return weir_respond_from(r, 200, source, s);
    }
    if (is(r, "fields")) {
        if (weir_out_set(r, WEIR_STR("X"), WEIR_STR("a\r\nSet-Cookie: b")) == WEIR_OK ||
            weir_out_set(r, WEIR_STR("X:"), WEIR_STR("a")) == WEIR_OK ||
            weir_out_set(r, WEIR_STR(""), WEIR_STR("a")) == WEIR_OK ||
            weir_out_set(r, WEIR_STR("Content-Length"), WEIR_STR("1")) == WEIR_OK ||
            weir_out_trailer(r, WEIR_STR("Transfer-Encoding"), WEIR_STR("x")) == WEIR_OK) {
            abort();
        }
        for (int i = 0; i < 300; i++) {
            (void)weir_out_add(r, WEIR_STR("X-Many"), (weir_str){ r->target.data, r->target.len });
        }
        return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("fine"));
    }
    if (is(r, "trailers")) {
        char *value = weir_alloc(r->pool, 50000);
        memset(value, 'v', 50000);
        (void)weir_out_trailer(r, WEIR_STR("X-T"), (weir_str){ value, 50000 });
        return weir_respond_from(r, 200, source, s);
    }
    if (is(r, "sub-self")) {
        return weir_respond_from(r, 200, source, s); /* the body filter adds itself */
    }
    return weir_respond_from(r, 200, source, s);
}

/* ---- Filters. ---- */

static int
header(weir_request *r, const void *conf)
{
    misuse_state *s = state_of(r);

    (void)conf;
    if (is(r, "header-again")) {
        return WEIR_AGAIN;
    }
    if (is(r, "header-status")) {
        return 418;
    }
    if (is(r, "header-garbage")) {
        return 4180;
    }
    if (is(r, "header-interim")) {
        return 100;
    }
    if (is(r, "header-responds")) {
        (void)weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("other"));
        (void)weir_redirect_inside(r, WEIR_STR("/ok"), WEIR_STR(""));
        return WEIR_NEXT;
    }
    if (is(r, "header-status-changes")) {
        (void)weir_out_status(r, 204);
        return WEIR_NEXT;
    }
    if (is(r, "header-interim-set")) {
        (void)weir_out_status(r, 101);
        return WEIR_NEXT;
    }
    if (is(r, "header-waits") || is(r, "header-twice") || is(r, "header-threads")) {
        s->ticket = weir_suspend(r, 0, cancelled, s);
        if (is(r, "header-threads")) {
            resume_from_threads(s->ticket);
        } else {
            (void)weir_timer_start(r->pool, 20, is(r, "header-twice") ? wake_twice : wake, s);
        }
        return WEIR_AGAIN;
    }
    if (is(r, "header-wakes-again")) {
        s->ticket = weir_suspend(r, 0, cancelled, s);
        (void)weir_timer_start(r->pool, 1, wake_again, s);
        return WEIR_AGAIN;
    }
    return WEIR_NEXT;
}

static int
body(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    misuse_state *s = state_of(r);

    (void)conf;
    if (is(r, "filter-again")) {
        return WEIR_AGAIN;
    }
    if (is(r, "filter-loses-last")) {
        weir_buf *b;
        while ((b = weir_chain_pop(in)) != NULL) {
            weir_buf_drop(b);
        }
        return WEIR_NEXT;
    }
    if (is(r, "filter-last-twice")) {
        weir_chain_take(out, in);
        weir_chain_push(out, weir_buf_mark(r->pool, WEIR_BUF_LAST));
        weir_chain_push(out, weir_buf_mark(r->pool, WEIR_BUF_LAST));
        return WEIR_NEXT;
    }
    if (is(r, "filter-keeps")) {
        return WEIR_NEXT;
    }
    if (is(r, "filter-status")) {
        return 404;
    }
    if (is(r, "filter-grows")) {
        weir_chain_push(out, weir_buf_copy(r->pool, (weir_str){ big, sizeof(big) }));
        weir_chain_take(out, in);
        return WEIR_NEXT;
    }
    if (is(r, "filter-responds")) {
        (void)weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("other"));
        (void)weir_redirect_inside(r, WEIR_STR("/ok"), WEIR_STR(""));
        weir_chain_take(out, in);
        return WEIR_NEXT;
    }
    if (is(r, "filter-waits") || is(r, "filter-twice") || is(r, "filter-threads")) {
        if (s->begun) {
            weir_chain_take(out, in);
            return WEIR_NEXT;
        }
        s->begun = true;
        s->ticket = weir_suspend(r, 0, cancelled, s);
        if (is(r, "filter-threads")) {
            resume_from_threads(s->ticket);
        } else {
            (void)weir_timer_start(r->pool, 20, is(r, "filter-twice") ? wake_twice : wake, s);
        }
        return WEIR_AGAIN;
    }
    if (is(r, "filter-wakes-again")) {
        s->ticket = weir_suspend(r, 0, cancelled, s);
        (void)weir_timer_start(r->pool, 1, wake_again, s);
        return WEIR_AGAIN;
    }
    if (is(r, "filter-sub")) {
        if (!s->begun && !(r->flags & WEIR_R_SUBREQUEST)) {
            s->begun = true;
            weir_chain_push(out, weir_sub_buf(r, WEIR_STR("/ok")));
            weir_chain_push(out, weir_sub_buf(r, WEIR_STR("/nowhere")));
            weir_chain_push(out, weir_sub_buf(r, WEIR_STR("@nowhere")));
            weir_chain_push(out, weir_sub_buf(r, WEIR_STR("")));
        }
        weir_chain_take(out, in);
        return WEIR_NEXT;
    }
    if (is(r, "sub-self")) {
        if (!s->begun) {
            s->begun = true;
            weir_chain_push(out, weir_sub_buf(r, r->path));
        }
        weir_chain_take(out, in);
        return WEIR_NEXT;
    }
    weir_chain_take(out, in);
    return WEIR_NEXT;
}

static bool
wants_content(const void *conf)
{
    return ((const misuse_conf *)conf)->content;
}

static bool
wants_filters(const void *conf)
{
    return ((const misuse_conf *)conf)->filters;
}

static const weir_directive directives[] = {
    WEIR_OPT(misuse_conf, content, FLAG, "misuse_content", WEIR_IN_LOCATION, "off", "answer"),
    WEIR_OPT(misuse_conf, filters, FLAG, "misuse_filters", WEIR_IN_LOCATION, "off", "filter answers"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT, .handler = content, .wanted = wants_content },
    { .phase = WEIR_PHASE_HEADERS, .handler = header, .wanted = wants_filters },
    { .phase = WEIR_PHASE_BODY, .body = body, .wanted = wants_filters },
};

WEIR_MODULE("test.misuse", "1.0", .summary = "breaks the rules", .conf_size = sizeof(misuse_conf),
            .directives = WEIR_ITEMS(directives), .hooks = WEIR_ITEMS(hooks));
