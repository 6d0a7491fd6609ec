/* net/resolve_wait.c - handles: who waits for an answer, for how long, and whose end ends it.
 *
 * A handle hangs on the entry of its name until it is told, and is told once. What it can be told
 * without an entry (too late, denied) is an answer of its own, told by its own task.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "net/resolve_live.h"

#define WAIT_TAG WR_TAG('w', 'a', 'i', 't')

static void
wait_free(struct wr_resolve_wait *w)
{
    if (!wr_list_empty(&w->all)) {
        w->resolver->live->waiting--;
    }
    wr_list_remove(&w->all);
    wr_list_remove(&w->link);
    wr_pool_disown(&w->owned);
    wr_timer_clear(wr_loop_self(), &w->timer);
    wr_task_remove(&w->task);
    wr_resolved_unref(&w->own);
    w->tag = 0;
    free(w);
}

void
wr_resolve_wait_tell(struct wr_resolve_wait *w, const struct wr_resolved *a)
{
    wr_resolve_fn fn = w->fn;
    void *data = w->data;

    wait_free(w);
    fn(data, a);
}

static void
wait_owner_ended(struct wr_owned *o)
{
    wait_free(WR_CONTAINER(o, struct wr_resolve_wait, owned));
}

static void
wait_run(struct wr_task *t)
{
    struct wr_resolve_wait *w = WR_CONTAINER(t, struct wr_resolve_wait, task);
    struct wr_resolved *a = w->own;

    WR_CHECK(w, WAIT_TAG);
    w->own = NULL;
    wr_resolve_wait_tell(w, a);
    wr_resolved_unref(&a);
}

/* Tell w, from its task, an answer without addresses. */
static void
tell_own(struct wr_resolve_wait *w, enum wr_resolve_code code)
{
    w->own = wr_resolved_create(code, 0);
    w->own->until_ms = wr_clock.now_ms + WR_RESOLVE_FAILED_MS;
    wr_list_remove(&w->link);
    wr_task_add(wr_loop_self(), &w->task);
}

static void
wait_over(struct wr_timer *t)
{
    tell_own(WR_CONTAINER(t, struct wr_resolve_wait, timer), WR_RESOLVE_TIMEOUT);
}

void
wr_resolve_cancel(struct wr_resolve_wait *w)
{
    WR_CHECK(w, WAIT_TAG);
    wait_free(w);
}

struct wr_resolve_wait *
wr_resolve_wait_create(struct wr_resolver *r, weir_pool *owner, wr_resolve_fn fn, void *data)
{
    struct wr_resolve_wait *w = calloc(1, sizeof(*w));

    WR_ASSERT(w != NULL);
    w->tag = WAIT_TAG;
    w->resolver = r;
    w->fn = fn;
    w->data = data;
    w->timer.fire = wait_over;
    wr_list_init(&w->link);
    wr_task_init(&w->task, wait_run);
    wr_pool_own(owner, &w->owned, wait_owner_ended);
    wr_list_add(&r->live->waits, &w->all);
    r->live->waiting++;
    return w;
}

struct wr_resolve_wait *
wr_resolve_wait_deny(struct wr_resolve_wait *w, enum wr_resolve_code code)
{
    wr_resolve_count(w->resolver, WR_RESOLVE_DENIED);
    tell_own(w, code);
    return w;
}

void
wr_resolve_wait_leave(struct wr_resolve_live *live)
{
    while (!wr_list_empty(&live->waits)) {
        struct wr_resolve_wait *w = WR_CONTAINER(live->waits.next, struct wr_resolve_wait, all);
        wr_list_remove(&w->all);
        wr_list_remove(&w->link);
        wr_timer_clear(wr_loop_self(), &w->timer);
        wr_task_remove(&w->task);
    }
}
