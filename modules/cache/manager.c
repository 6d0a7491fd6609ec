/* cache/manager.c - a timer in every worker; the one that has the duty looks after the store. */
#include "manager.h"

#include <errno.h>

#include "entry.h"
#include "evict.h"
#include "purge.h"
#include "slot.h"
#include "wake.h"

enum { TICK_MS = 1000, STEPS = 64 };

struct manager {
    struct store *s;
    weir_timer *timer;
};

static bool
take_duty(struct store *s)
{
    int error = s->on_duty ? 0 : pthread_mutex_trylock(&s->root->duty);

    if (error == EOWNERDEAD) {
        error = pthread_mutex_consistent(&s->root->duty);
    }
    s->on_duty = error == 0;
    return s->on_duty;
}

static void
tick(void *data)
{
    struct manager *m = data;
    struct store *s = m->s;

    if (take_duty(s)) {
        wake_look_for_deaths(s);
        purge_go_on(s);
    }
    if (shared_lock(s)) { /* what was to be given back is, at the latest now */
        (void)evict_settle(s, STEPS, NULL);
        shared_unlock(s);
    }
    weir_timer_set(m->timer, TICK_MS);
}

void
manager_start(struct store *s)
{
    struct manager *m = weir_zalloc(weir_worker_pool(), sizeof(*m));

    m->s = s;
    s->manager = m;
    m->timer = weir_timer_start(weir_worker_pool(), TICK_MS, tick, m);
}

void
manager_stop(struct store *s)
{
    weir_timer_stop(s->manager->timer);
    if (s->on_duty) {
        s->on_duty = false;
        (void)pthread_mutex_unlock(&s->root->duty);
    }
}
