/* http/background.c - requests without a client: their list, their deadline, and the driver that drops what they make. */
#include "http/background.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/body_in.h"
#include "http/http.h"
#include "http/limits.h"
#include "http/metrics.h"
#include "http/response.h"
#include "net/buf.h"
#include "net/pressure.h"

struct wr_background {
    struct wr_list link; /* in `all` */
    struct wr_request *r;
    weir_pool *pool;     /* r's, and what this lies in; NULL: the driver has it still */
    struct wr_timer deadline;
    struct wr_task task; /* its end */
};

static struct wr_list all = { &all, &all };
static uint32_t count;

uint32_t
wr_background_count(void)
{
    return count;
}

/* ---- The driver. ---- */

static void
drop_head(struct wr_request *r, bool last)
{
    if (last) {
        wr_request_later(r); /* end it from the loop, not from inside its own course */
    }
}

static void
drop_interim(struct wr_request *r, uint32_t status, const weir_header *first)
{
    (void)r;
    (void)status;
    (void)first;
}

static void
drop_body(struct wr_request *r, weir_chain *chain)
{
    wr_chain_drop(chain);
    if (r->answer == WR_ANSWER_LAST) {
        wr_request_later(r);
    }
}

static size_t
endless_room(struct wr_request *r)
{
    (void)r;
    return WR_LIMIT_OUTPUT;
}

/* Nobody is there to send it. */
static void
fail_body(struct wr_request *r)
{
    wr_body_failed(r, 0);
}

static void
let_go_of(struct wr_task *t)
{
    struct wr_background *b = WR_CONTAINER(t, struct wr_background, task);
    struct wr_request *r = b->r;
    struct wr_conn *conn = r->conn;
    weir_pool *pool = b->pool;

    wr_request_free(r);
    wr_pool_destroy(&pool);
    wr_conn_unref(conn);
}

/* Without its memory it is the driver's once more, which ends it in wr_background_take. */
static void
leave(struct wr_request *r, bool error)
{
    struct wr_background *b = r->background;

    (void)error;
    wr_list_remove(&b->link);
    wr_timer_clear(wr_loop_self(), &b->deadline);
    count--;
    wr_count_background(-1);
    if (b->pool != NULL) {
        wr_task_add(wr_loop_self(), &b->task);
    }
}

static const struct wr_driver background_driver = { .name = "background",
                                                    .head = drop_head,
                                                    .interim = drop_interim,
                                                    .body = drop_body,
                                                    .room = endless_room,
                                                    .want_body = fail_body,
                                                    .finish = leave };

/* ---- In and out. ---- */

/* Cut it now, or as soon as the hook of it that runs returns. */
static void
cut(struct wr_background *b)
{
    struct wr_request *r = b->r;

    if (r->running || r->pumping) {
        r->cut = r->end_wanted = true;
    } else {
        wr_request_end(r, true);
    }
}

static void
time_is_over(struct wr_timer *t)
{
    struct wr_background *b = WR_CONTAINER(t, struct wr_background, deadline);

    wr_say(&b->r->log, WARN, "a request without a client was not done within background_timeout");
    wr_count_background_cut();
    cut(b);
}

static bool
has_place(const struct wr_request *r)
{
    return count < (uint64_t)wr_server_conf(r)->background_max &&
           wr_pressure_now() != WR_PRESSURE_FULL;
}

bool
wr_background_enter(struct wr_request *r)
{
    const struct wr_driver *driver = r->driver;
    uint64_t ms = wr_server_conf(r)->background_ms;
    struct wr_background *b;

    WR_CHECK(r, WR_REQUEST_TAG);
    WR_ASSERT(!r->ended && r->parent == NULL && r->background == NULL);
    if (!has_place(r)) {
        wr_count_background_refused();
        return false;
    }
    if (r->body != NULL && wr_body_missing(r)) {
        wr_body_failed(r, 0);
    }
    b = wr_pool_zalloc(r->pub.pool, sizeof(*b));
    b->r = r;
    b->deadline.fire = time_is_over;
    wr_task_init(&b->task, let_go_of);
    wr_list_add(&all, &b->link);
    count++;
    wr_count_background(1);
    if (ms != 0) {
        wr_timer_set(wr_loop_self(), &b->deadline, ms);
    }
    wr_conn_ref(r->conn);
    r->background = b;
    r->pub.flags |= WEIR_R_BACKGROUND;
    r->finished_ms = r->end_waits ? r->finished_ms : wr_clock.now_ms;
    r->driver = &background_driver;
    if (r->answer != WR_ANSWER_LAST) {
        wr_request_later(r); /* what waited for a slow client goes on */
    }
    wr_request_tell_holders(r);
    driver->finish(r, r->answer != WR_ANSWER_LAST || r->cut);
    return true;
}

bool
wr_background_take(struct wr_request *r, weir_pool *pool)
{
    struct wr_background *b = r->background;

    if (b == NULL) {
        return false;
    }
    if (r->ended) {
        wr_conn_unref(r->conn);
        return false;
    }
    WR_ASSERT(b->pool == NULL && pool->created);
    b->pool = pool;
    return true;
}

void
wr_background_end_all(void)
{
    struct wr_list walk;

    wr_list_init(&walk); /* what one of them does must not disturb the walk */
    while (!wr_list_empty(&all)) {
        struct wr_list *first = all.next;
        wr_list_remove(first);
        wr_list_add(&walk, first);
    }
    while (!wr_list_empty(&walk)) {
        struct wr_list *first = walk.next;
        wr_list_remove(first);
        wr_list_add(&all, first);
        cut(WR_CONTAINER(first, struct wr_background, link));
    }
}
