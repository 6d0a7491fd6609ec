/* cache/manager.c - a timer in every worker; the one that has the duty looks after the store:
 * deaths, bounds, what nobody used for long, what is still to be written, files to be unlinked,
 * loading, and the snapshot.
 */
#include "manager.h"

#include <errno.h>
#include <stdlib.h>

#include "doomed.h"
#include "entry.h"
#include "evict.h"
#include "hot.h"
#include "job.h"
#include "journal.h"
#include "loader.h"
#include "opened.h"
#include "purge.h"
#include "saver.h"
#include "scan.h"
#include "slot.h"
#include "sys.h"
#include "wake.h"
#include "writer.h"

enum {
    TICK_MS = 1000,
    STEPS = 16,  /* that leave between two looks at the clock */
    TURN_MS = 5, /* of one turn of the loop, whatever the thresholds say */
    BUCKETS = 16384,
    BUCKETS_AT_ONCE = 512,
    SAVE_TICKS = 300,
    CLEAN_TICKS = 600
};

struct manager {
    struct store *s;
    weir_timer *timer, *purging;
    uint32_t bucket;   /* the walk goes on here */
    uint32_t left;     /* buckets of this round */
    uint32_t catching; /* and that over what was not written when it came here */
    uint32_t behind;   /* buckets that it has to look at */
    uint32_t ticks;
    uint64_t duty_at; /* weir_now of the next round */
    bool asking;      /* how much room the disk has */
};

/* ---- Room on the disk. ---- */

struct room_job {
    struct job job;
    int64_t room;
    bool clean;
    char path[];
};

static void
ask_room(struct job *j)
{
    struct room_job *x = (struct room_job *)(void *)j;

    x->room = sys->room(x->path);
    if (x->clean) {
        scan_clean_temp(&j->s->o);
    }
}

static void
room_asked(struct job *j)
{
    struct room_job *x = (struct room_job *)(void *)j;
    struct store *s = j->s;
    struct root *r = s->root;

    s->manager->asking = false;
    if (x->room < 0 || !shared_lock(s)) {
        return;
    }
    CHANGE(s, r->disk_free, (uint64_t)x->room);
    CHANGE(s, r->disk_free_known, true);
    shared_commit(s);
    if (r->disk_free < s->o.min_free) {
        evict_free_disk(s, s->o.min_free - r->disk_free);
    }
    shared_unlock(s);
}

static void
ask(struct manager *m)
{
    struct store *s = m->s;
    struct room_job *x;

    if (m->asking || s->root->disk_off) {
        return;
    }
    x = calloc(1, sizeof(*x) + s->o.path.len + 1);
    if (x == NULL) {
        return;
    }
    memcpy(x->path, s->o.path.data, s->o.path.len);
    x->clean = m->ticks % CLEAN_TICKS == 1;
    m->asking = job_run(s, &x->job, ask_room, room_asked);
    if (!m->asking) {
        free(x);
    }
}

/* ---- The walk. ---- */

static bool
look_at(struct store *s, struct entry *e, uint64_t now_s)
{
    if ((now_s - e->used_s) * 1000 > s->o.inactive_ms && now_s > e->used_s && e->fill == NULL) {
        CHANGE(s, s->root->stats.expired, s->root->stats.expired + 1);
        entry_remove(s, e);
        return true;
    }
    writer_look_at(s, e);
    return false;
}

/* How long one go may take. */
static uint64_t
go_until(uint64_t threshold_ms)
{
    return sys->ms() + (threshold_ms < TURN_MS ? threshold_ms : TURN_MS);
}

/* Some buckets. Under the lock; answers how many entries went. */
static uint32_t
walk_some(struct manager *m, uint32_t most)
{
    struct store *s = m->s;
    const struct root *r = s->root;
    uint64_t now_s = weir_now() / 1000;
    uint32_t gone = 0;

    for (uint32_t i = 0; i < BUCKETS_AT_ONCE && m->left != 0; i++) {
        struct entry *e = r->buckets[m->bucket], *after;
        for (; e != NULL && gone < most; e = after) {
            after = e->next;
            gone += look_at(s, e, now_s);
            shared_commit(s);
        }
        if (e != NULL) {
            break; /* this bucket goes on next time */
        }
        m->bucket = (m->bucket + 1) & (r->n_buckets - 1);
        m->left--;
    }
    return gone;
}

/* The part of the index whose turn it is, as far as one go takes. */
static void
walk(struct manager *m)
{
    const struct store_options *o = &m->s->o;
    uint64_t until = go_until(o->manager_threshold_ms);
    uint32_t gone = 0;

    do {
        if (!shared_lock(m->s)) {
            m->left = 0;
            return;
        }
        gone += walk_some(m, o->manager_files - gone);
        shared_unlock(m->s);
    } while (m->left != 0 && gone < o->manager_files && sys->ms() < until);
}

/* Let memory and disk be within their bounds, as far as one go takes. True: they are. */
static bool
settle(struct store *s)
{
    uint64_t until = go_until(s->o.manager_threshold_ms);
    uint32_t left = s->o.manager_files;
    bool settled = true;

    if (!shared_lock(s)) { /* what was to be given back is, at the latest now */
        return true;
    }
    hot_tick(s);
    opened_tick(s);
    do {
        uint32_t n = left < STEPS ? left : STEPS;
        settled = evict_settle(s, n, NULL);
        left -= n;
    } while (!settled && left != 0 && sys->ms() < until);
    shared_unlock(s);
    return settled;
}

/* What writers had no time for when it came, and heads of what was purged softly: a round over the
 * index, a few at a time. True: it goes on. */
static bool
catch_up(struct manager *m)
{
    struct store *s = m->s;
    struct root *r = s->root;

    if (r->behind || r->n_softened != 0) {
        r->behind = false;
        m->behind = r->n_buckets;
    }
    if (m->behind == 0 || writer_is_busy(s) || !shared_lock(s)) {
        return m->behind != 0 && s->n_writing != 0;
    }
    for (uint32_t i = 0; i < BUCKETS_AT_ONCE && m->behind != 0; i++) {
        struct entry *e = r->buckets[m->catching];
        if (e != NULL && writer_is_busy(s)) {
            break;
        }
        for (; e != NULL; e = e->next) {
            writer_look_at(s, e);
            shared_commit(s);
        }
        m->catching = (m->catching + 1) & (r->n_buckets - 1);
        m->behind--;
    }
    shared_unlock(s);
    return true;
}

/* ---- The duty. ---- */

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

/* Purges that others began and did not end. */
static void
purge(void *data)
{
    struct manager *m = data;

    bool more = m->s->on_duty && purge_go_on(m->s);

    more |= m->s->on_duty && catch_up(m);
    if (more) {
        weir_timer_set(m->purging, m->s->o.purger ? m->s->o.purger_sleep_ms + 1 : 1);
    }
    doomed_go(m->s);
}

static void
do_duty(struct manager *m)
{
    struct store *s = m->s;

    m->ticks++;
    wake_look_for_deaths(s);
    loader_go(s);
    weir_timer_set(m->purging, 0);
    ask(m);
    m->left = s->root->n_buckets < BUCKETS ? s->root->n_buckets : BUCKETS;
    journal_tidy(s);
    if (m->ticks % SAVE_TICKS == 0 && s->root->loaded) {
        saver_go(s);
    }
}

static void
tick(void *data)
{
    struct manager *m = data;
    struct store *s = m->s;
    bool settled;

    if (take_duty(s) && weir_now() >= m->duty_at) {
        m->duty_at = weir_now() + TICK_MS;
        do_duty(m);
    }
    if (s->on_duty && m->left != 0) {
        walk(m);
        doomed_go(s);
    }
    settled = settle(s) && (!s->on_duty || m->left == 0);
    journal_go(s);
    if (s->stalled) {
        s->stalled = false;
        wake_slot(s, s->me);
    }
    weir_timer_set(m->timer, settled ? TICK_MS : s->o.manager_sleep_ms + 1);
}

void
manager_start(struct store *s)
{
    struct manager *m = weir_zalloc(weir_worker_pool(), sizeof(*m));

    m->s = s;
    s->manager = m;
    if (take_duty(s) && !s->root->loaded && !s->root->disk_off) {
        s->root->loading = true;
        loader_go(s);
    }
    m->timer = weir_timer_start(weir_worker_pool(), TICK_MS, tick, m);
    m->purging = weir_timer_start(weir_worker_pool(), TICK_MS, purge, m);
}

/* The last worker of all leaves: what comes after it finds an index. */
static bool
is_last(const struct store *s)
{
    for (uint32_t i = 0; i < SHARED_SLOTS; i++) {
        if (i != s->me && s->root->slots[i].used) {
            return false;
        }
    }
    return true;
}

void
manager_stop(struct store *s)
{
    weir_timer_stop(s->manager->timer);
    weir_timer_stop(s->manager->purging);
    loader_stop(s);
    if (is_last(s) && s->root->loaded && !s->root->disk_off) {
        saver_write(s);
        journal_end(s);
    }
    if (s->on_duty) {
        s->on_duty = false;
        (void)pthread_mutex_unlock(&s->root->duty);
    }
}
