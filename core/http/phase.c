/* http/phase.c - a request's way through the phases of its plan, hook by hook.
 *
 * Everything a hook can do (answer, suspend, redirect, rewrite) leaves a mark on the request; the loop in wr_request_run looks
 * at the marks after each hook. What the answers become is request.c's and response.c's affair.
 */
#include "http/request.h"

#include "base/assert.h"
#include "http/access.h"
#include "http/core_ssl.h"
#include "http/http.h"
#include "http/location.h"
#include "http/response.h"
#include "http/ticket.h"
#include "module/running.h"

/* What the loop does after a hook or a phase. */
enum step {
    STEP_ON,   /* go on: the next hook, or where r->phase says now */
    STEP_PAUSE /* wait, or nothing is left to do */
};

/* ---- Hooks. ---- */

int
wr_request_call(struct wr_request *r, const struct wr_plan_hook *h, enum wr_calling calling)
{
    const struct wr_suspended *suspended = r->suspended;
    uint8_t before = r->calling;
    int rc;

    r->calling = (uint8_t)calling;
    r->log.module = h->module;
    wr_running_enter(h->module, &r->pub, calling == WR_CALLING_HEADER ? WEIR_PHASE_HEADERS : r->phase);
    rc = h->handler(&r->pub, r->pub.conf[h->slot]);
    wr_running_leave();
    r->log.module = NULL;
    r->calling = before;
    if (!wr_ticket_settle(r, calling, suspended, rc) && rc == WEIR_AGAIN) {
        wr_say(&r->log, ERROR, "module \"%s\" said WEIR_AGAIN without a ticket", h->module);
        rc = WEIR_ERROR;
    }
    return rc;
}

static uint32_t
status_of(int rc)
{
    return rc >= 200 && rc <= 599 ? (uint32_t)rc : rc == WEIR_TIMEOUT ? 504 : 500;
}

/* A hook of a phase before ACCESS or of PRECONTENT returned rc. */
static enum step
after_hook(struct wr_request *r, int rc)
{
    switch (rc) {
    case WEIR_NEXT:
        r->hook++;
        return STEP_ON;
    case WEIR_DONE:
        r->hook = UINT16_MAX; /* the phase is settled */
        return STEP_ON;
    case WEIR_AGAIN:
        return STEP_PAUSE;
    default:
        wr_request_answer_status(r, status_of(rc));
        return STEP_ON;
    }
}

static enum step
after_content_hook(struct wr_request *r, int rc)
{
    if (rc == WEIR_DONE) {
        if (!wr_response_begun(r) && !r->moved) {
            wr_say(&r->log, ERROR, "a content hook said WEIR_DONE without an answer");
            wr_request_answer_status(r, 500);
        }
        return STEP_ON;
    }
    return after_hook(r, rc);
}

static enum step
hook_returned(struct wr_request *r, int rc)
{
    if (r->ended) {
        return STEP_PAUSE;
    }
    if (r->moved) { /* weir_redirect_inside: phase and path are set */
        r->moved = false;
        return STEP_ON;
    }
    if (wr_response_begun(r)) {
        return STEP_PAUSE;
    }
    if (r->phase == WEIR_PHASE_ACCESS) {
        rc = wr_access_heard(r, rc);
    }
    return r->phase == WEIR_PHASE_CONTENT ? after_content_hook(r, rc) : after_hook(r, rc);
}

/* ---- Phases. ---- */

static void
go_to(struct wr_request *r, uint32_t phase)
{
    r->phase = (uint8_t)phase;
    r->hook = 0;
}

/* Does the body announced fit client_max_body_size of the location? */
static bool
body_fits(const struct wr_request *r)
{
    uint64_t max = wr_body_conf(r)->max_size;

    return max == 0 || r->pub.in_length < 0 || (uint64_t)r->pub.in_length <= max;
}

/* The first phase from PREACCESS on that has hooks: the server's own steps between them have nothing to do for empty ones. */
static uint32_t
first_busy(const struct wr_plan *plan)
{
    uint32_t phase = WEIR_PHASE_PREACCESS;

    while (phase < WEIR_PHASE_CONTENT && plan->phase[phase].n == 0) {
        phase++;
    }
    return phase;
}

/* To the location's own path, with the slash that was left out. */
static void
add_slash(struct wr_request *r, const struct wr_location *loc)
{
    weir_str path = weir_escape(r->pub.pool, loc->name, WEIR_ESCAPE_URI);

    if (r->pub.args.len != 0) {
        path = weir_print(r->pub.pool, "%.*s?%.*s", WEIR_FMT(path), WEIR_FMT(r->pub.args));
    }
    wr_request_answer_status(r, (uint32_t)weir_redirect(&r->pub, 301, path));
}

static void
find_location(struct wr_request *r)
{
    const struct wr_location *loc = wr_location_find(r, r->loc->base, r->pub.path);

    if (loc == NULL) {
        wr_request_answer_status(r, 500);
        return;
    }
    wr_request_enter(r, loc);
    r->rewritten = false;
    r->pub.flags &= ~(uint32_t)WEIR_R_STAYED;
    if (wr_loc_conf(r)->internal && !(r->pub.flags & WEIR_R_INTERNAL)) {
        wr_request_answer_status(r, 404);
        return;
    }
    if (loc->adds_slash && r->pub.path.len < loc->name.len) {
        add_slash(r, loc);
        return;
    }
    if (!body_fits(r) && r->parent == NULL && !r->error_paged) {
        wr_say(&r->log, ERROR, "client intended to send too large body: %lld bytes",
               (long long)r->pub.in_length);
        wr_request_answer_status(r, 413);
        return;
    }
    go_to(r, r->plan->phase[WEIR_PHASE_REWRITE].n != 0 ? WEIR_PHASE_REWRITE : first_busy(r->plan));
}

static void
after_rewrite(struct wr_request *r)
{
    if (!r->rewritten) {
        go_to(r, first_busy(r->plan));
        return;
    }
    if (r->rewrites_left == 0) {
        wr_say(&r->log, ERROR, "rewrite or internal redirection cycle while processing \"%.*s\"",
               WEIR_FMT(r->pub.path));
        wr_request_answer_status(r, 500);
        return;
    }
    r->rewrites_left--;
    wr_request_enter(r, r->loc->base);
    go_to(r, WEIR_PHASE_FIND_CONFIG);
}

/* No content hook answered. */
static void
nothing_here(struct wr_request *r)
{
    bool directory = r->pub.path.len != 0 && r->pub.path.data[r->pub.path.len - 1] == '/';

    wr_request_answer_status(r, directory ? 403 : 404);
}

static void
access_over(struct wr_request *r)
{
    int rc = wr_access_over(r);

    if (rc == WEIR_NEXT) {
        go_to(r, WEIR_PHASE_PRECONTENT);
    } else if (rc != WEIR_AGAIN) {
        wr_request_answer_status(r, status_of(rc));
    }
}

/* All hooks of r->phase have run. */
static void
phase_over(struct wr_request *r)
{
    switch (r->phase) {
    case WEIR_PHASE_POST_READ:
    case WEIR_PHASE_PREACCESS:
        go_to(r, r->phase + 1u);
        return;
    case WEIR_PHASE_SERVER_REWRITE:
        go_to(r, WEIR_PHASE_FIND_CONFIG);
        return;
    case WEIR_PHASE_REWRITE:
        go_to(r, WEIR_PHASE_POST_REWRITE);
        return;
    case WEIR_PHASE_ACCESS:
        access_over(r);
        return;
    case WEIR_PHASE_PRECONTENT:
        go_to(r, WEIR_PHASE_CONTENT);
        return;
    default:
        nothing_here(r);
    }
}

/* Has h nothing to do, as the path names no folder? */
static bool
passes_by(const struct wr_request *r, const struct wr_plan_hook *h)
{
    weir_str path = r->pub.path;

    return (h->flags & WEIR_HOOK_FOLDERS) != 0 && (path.len == 0 || path.data[path.len - 1] != '/');
}

static enum step
step(struct wr_request *r)
{
    const struct wr_plan_phase *p;

    if (r->phase == WEIR_PHASE_FIND_CONFIG) {
        find_location(r);
        return STEP_ON;
    }
    if (r->phase == WEIR_PHASE_POST_REWRITE) {
        after_rewrite(r);
        return STEP_ON;
    }
    p = &r->plan->phase[r->phase];
    if (r->phase == WEIR_PHASE_ACCESS && r->parent != NULL) {
        r->hook = UINT16_MAX; /* the client's request was let in already */
    }
    while (r->hook < p->n && passes_by(r, &p->at[r->hook])) {
        r->hook++;
    }
    if (r->hook >= p->n) {
        phase_over(r);
        return STEP_ON;
    }
    return hook_returned(r, wr_request_call(r, &p->at[r->hook], WR_CALLING_PHASE));
}

void
wr_request_run(struct wr_request *r)
{
    WR_CHECK(r, WR_REQUEST_TAG);
    if (r->running) {
        return;
    }
    r->running = true;
    while (!r->ended && !r->end_wanted && !wr_response_begun(r) && r->suspended == NULL &&
           step(r) == STEP_ON) {
    }
    r->running = false;
    if (r->end_wanted && !r->ended) {
        wr_request_end(r, true);
    }
}

void
wr_request_resumed(struct wr_request *r, enum wr_calling calling, int rc)
{
    if (calling != WR_CALLING_PHASE) {
        wr_response_resumed(r, calling, rc);
        return;
    }
    r->running = true;
    if (rc == WEIR_AGAIN) {
        wr_say(&r->log, ERROR, "a hook was resumed with WEIR_AGAIN");
        rc = WEIR_ERROR;
    }
    (void)hook_returned(r, rc);
    r->running = false;
    wr_request_run(r);
}

void
wr_request_resumed_with(struct wr_request *r, int (*fn)(weir_request *r, void *data), void *data)
{
    uint8_t before = r->calling;
    int rc;

    r->calling = WR_CALLING_PHASE;
    rc = fn(&r->pub, data);
    r->calling = before;
    if (!wr_ticket_settle(r, WR_CALLING_PHASE, NULL, rc)) {
        wr_request_resumed(r, WR_CALLING_PHASE, rc);
    }
}

void
wr_request_start(struct wr_request *r)
{
    const struct wr_plan_phase *early = r->plan->phase;
    uint32_t refusal = r->pub.flags & WEIR_R_TLS ? wr_ssl_refusal(r) : 0;

    wr_running_note(r->line);
    if (refusal != 0) {
        wr_request_refuse(r, refusal);
        return;
    }
    go_to(r, early[WEIR_PHASE_POST_READ].n != 0        ? WEIR_PHASE_POST_READ
             : early[WEIR_PHASE_SERVER_REWRITE].n != 0 ? WEIR_PHASE_SERVER_REWRITE
                                                       : WEIR_PHASE_FIND_CONFIG);
    wr_request_run(r);
}

/* Modules begin anew, but for those that keep what they know of the request. */
static void
forget_states(struct wr_request *r)
{
    const struct wr_conf_space *space = &r->http->registry->space;

    for (uint32_t i = 0; i < r->http->n_slots; i++) {
        const weir_module *m = i < space->n_slots ? space->modules[i] : NULL;
        if (m == NULL || !(m->flags & WEIR_MODULE_STATE_STAYS)) {
            r->pub.ctx[i] = NULL;
        }
    }
}

void
wr_request_restart(struct wr_request *r, uint32_t phase)
{
    r->pub.flags |= WEIR_R_INTERNAL;
    r->rewritten = false;
    r->path_set = false;
    r->denied = false;
    r->identity = NULL;
    forget_states(r);
    if (phase == WEIR_PHASE_SERVER_REWRITE) {
        wr_request_enter(r, &r->server->base);
    }
    go_to(r, phase);
}
