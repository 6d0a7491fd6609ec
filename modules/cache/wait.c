/* cache/wait.c - waiting for somebody's fill: until it can be read, is not to be waited for, or is
 * one's own to take over. */
#include "entry.h"
#include "handle.h"
#include "object.h"
#include "slot.h"

struct store_wait {
    struct watch watch;
    struct store *s;
    weir_pool *owner;
    struct store_key key;
    struct object *o;  /* the fill */
    struct mark *mark; /* NULL: there is none, or it is over */
    weir_timer *timer;
    void (*done)(void *data, enum store_waited how, struct store_reader *reader,
                 struct store_fill *fill);
    void *data;
    bool over;
};

/* It waits no more, for whatever reason. */
static void
stop(struct store_wait *w)
{
    w->over = true;
    wake_disarm(w->s, &w->watch);
    if (w->timer != NULL) {
        weir_timer_stop(w->timer);
    }
    if (w->mark != NULL) {
        slot_release(w->s, w->mark);
        w->mark = NULL;
    }
}

static void
tell(struct store_wait *w, enum store_waited how, struct store_reader *reader,
     struct store_fill *fill)
{
    stop(w);
    w->done(w->data, how, reader, fill);
}

static void
owner_ended(void *data)
{
    struct store_wait *w = data;

    if (!w->over) {
        w->timer = NULL; /* the owner's as well */
        stop(w);
    }
}

static void
timed_out(void *data)
{
    struct store_wait *w = data;

    if (!w->over) {
        tell(w, STORE_TIMEOUT, NULL, NULL);
    }
}

/* Wait for this one now. Under the lock. */
static bool
attach(struct store_wait *w, struct object *o)
{
    struct mark *m = slot_mark(w->s, MARK_OBJECT, o, NULL);

    if (m == NULL) {
        return false;
    }
    object_ref(w->s, o);
    w->mark = m;
    w->o = o;
    return true;
}

/* The head is there: from its beginning on, if that is still to be had. */
static void
read_it(struct store_wait *w)
{
    struct store *s = w->s;
    struct store_reader *rd = NULL;

    if (shared_lock(s)) {
        if (!w->o->body->trimmed || atomic_load(&w->o->body->kind) == BODY_FILE) {
            CHANGE(s, w->mark->kind, MARK_READER);
            rd = reader_make(s, w->owner, w->o, w->mark, 0, UINT64_MAX);
            w->mark = NULL;
        }
        shared_unlock(s);
    }
    tell(w, rd != NULL ? STORE_READY : STORE_PASS, rd, NULL);
}

enum elected { ELECTED, FOLLOWS, LOOKS_AGAIN };

/* Its filler is gone: one who waited takes its place, the others wait for him. Under the lock. */
static enum elected
elect(struct store_wait *w, struct store_fill **fill)
{
    struct store *s = w->s;
    struct entry *e = entry_find(s, &w->key);
    bool others;

    if (w->mark != NULL) {
        slot_release_now(s, w->mark);
        w->mark = NULL;
    }
    if (e != NULL && e->fill != NULL) {
        return attach(w, e->fill) ? FOLLOWS : LOOKS_AGAIN;
    }
    if (e != NULL && (e->object != NULL || e->file != 0)) {
        return LOOKS_AGAIN;
    }
    *fill = fill_begin_locked(s, w->owner, &w->key, &others);
    return *fill != NULL ? ELECTED : LOOKS_AGAIN;
}

static void
take_over(struct store_wait *w)
{
    struct store_fill *fill = NULL;
    enum elected how = LOOKS_AGAIN;

    if (shared_lock(w->s)) {
        how = elect(w, &fill);
        shared_unlock(w->s);
    }
    if (how == FOLLOWS) {
        wake_soon(w->s, &w->watch);
    } else {
        tell(w, how == ELECTED ? STORE_YOURS : STORE_AGAIN, NULL, fill);
    }
}

static bool
is_other_key(const struct store_wait *w)
{
    return w->o->hash[0] != w->key.hash[0] || w->o->hash[1] != w->key.hash[1];
}

/* True: it is settled. */
static bool
settled(struct store_wait *w)
{
    uint32_t state, flags;

    if (w->mark == NULL) {
        tell(w, STORE_AGAIN, NULL, NULL);
        return true;
    }
    state = atomic_load(&w->o->body->state);
    flags = atomic_load(&w->o->flags);
    if ((flags & OBJECT_PASS) != 0) {
        tell(w, STORE_PASS, NULL, NULL);
    } else if ((flags & OBJECT_MOVED) != 0 && is_other_key(w)) {
        tell(w, STORE_AGAIN, NULL, NULL);
    } else if (state == BODY_BROKEN) {
        take_over(w);
    } else if (state == BODY_WHOLE && w->o->meta.length > (int64_t)w->o->body->written) {
        tell(w, STORE_AGAIN, NULL, NULL); /* it was cut: what came is stored */
    } else if ((flags & OBJECT_HEAD) != 0) {
        read_it(w);
    } else {
        return false;
    }
    return true;
}

static void
look(struct watch *watch)
{
    struct store_wait *w = (struct store_wait *)(void *)watch;

    if (!settled(w)) {
        wake_arm(w->s, &w->watch, w->o->body);
        if (atomic_load(&w->o->flags) != 0 || atomic_load(&w->o->body->state) != BODY_FILLING) {
            wake_soon(w->s, &w->watch); /* meanwhile */
        }
    }
}

struct store_wait *
store_wait(struct store *s, weir_pool *owner, const struct store_key *key, uint64_t ms,
           void (*done)(void *data, enum store_waited how, struct store_reader *reader,
                        struct store_fill *fill),
           void *data)
{
    struct store_wait *w = weir_zalloc(owner, sizeof(*w));
    struct entry *e;

    *w = (struct store_wait){ .watch.look = look, .s = s, .owner = owner, .done = done };
    w->data = data;
    w->key = *key;
    w->key.text = weir_dup(owner, key->text);
    weir_on_end(owner, owner_ended, w);
    w->timer = weir_timer_start(owner, ms, timed_out, w);
    if (shared_lock(s)) {
        e = entry_find(s, key);
        if (e != NULL && e->fill != NULL && attach(w, e->fill)) {
            CHANGE(s, s->root->stats.collapsed, s->root->stats.collapsed + 1);
        }
        shared_unlock(s);
    }
    wake_soon(s, &w->watch);
    return w;
}
