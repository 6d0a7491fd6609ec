/* cache/slot.c - slots and ledgers. A slot is its worker's as long as that holds the mutex in it,
 * which the system gives back when the worker dies. */
#include "slot.h"

#include <errno.h>
#include <unistd.h>

#include "evict.h"
#include "object.h"
#include "wake.h"

/* ---- Marks. ---- */

static bool
add_marks(struct store *s, struct marks *page)
{
    if (page == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < MARKS_A_PAGE; i++) { /* nobody sees them yet */
        page->at[i].next = i + 1 < MARKS_A_PAGE ? &page->at[i + 1] : s->slot->free;
    }
    page->next = s->slot->pages;
    CHANGE(s, s->slot->free, page->at);
    CHANGE(s, s->slot->pages, page);
    return true;
}

void
slot_prepare(struct store *s)
{
    if (s->slot->free == NULL) {
        (void)add_marks(s, evict_alloc(s, sizeof(struct marks), NULL));
        shared_commit(s);
    }
}

struct mark *
slot_mark(struct store *s, uint32_t kind, void *what, struct body *body)
{
    struct mark *m;

    if (s->slot->free == NULL && !add_marks(s, shared_alloc(s, sizeof(struct marks)))) {
        return NULL;
    }
    m = s->slot->free;
    CHANGE(s, s->slot->free, m->next);
    CHANGE(s, m->what, what);
    CHANGE(s, m->body, body);
    CHANGE(s, m->kind, kind);
    atomic_store_explicit(&m->at, 0, memory_order_relaxed);
    return m;
}

/* What a mark stands for is given back; the mark itself is not. */
static void
drop_what(struct store *s, struct mark *m, bool died)
{
    switch (m->kind) {
    case MARK_OBJECT:
    case MARK_READER:
        object_reader_gone(s, m->what);
        object_unref(s, m->what);
        break;
    case MARK_FILLER:
        if (died) {
            object_break(s, m->what);
        }
        object_unref(s, m->what);
        break;
    case MARK_BLOCK:
        object_unpin(s, m->body, m->what);
        break;
    default:
        break;
    }
}

void
slot_release_now(struct store *s, struct mark *m)
{
    uint32_t kind = m->kind;

    if (kind == MARK_FREE) {
        return;
    }
    /* the mark goes first: what the object looks for among the marks must not find it */
    struct mark was = { .what = m->what, .body = m->body, .kind = kind };
    CHANGE(s, m->kind, MARK_FREE);
    CHANGE(s, m->next, s->slot->free);
    CHANGE(s, s->slot->free, m);
    drop_what(s, &was, false);
}

void
slot_give_back(struct store *s)
{
    uint32_t n = s->n_later;

    s->n_later = 0;
    for (uint32_t i = 0; i < n; i++) {
        slot_release_now(s, s->later[i]);
        shared_commit(s);
    }
}

void
slot_release(struct store *s, struct mark *m)
{
    if (s->n_later == STORE_LATER) {
        if (!shared_lock(s)) {
            return;
        }
        shared_unlock(s);
    }
    s->later[s->n_later++] = m;
}

uint64_t
slot_least(const struct store *s, const struct object *o)
{
    uint64_t least = UINT64_MAX;

    for (uint32_t i = 0; i < SHARED_SLOTS; i++) {
        for (const struct marks *p = s->root->slots[i].pages; p != NULL; p = p->next) {
            for (uint32_t k = 0; k < MARKS_A_PAGE; k++) {
                uint64_t at = atomic_load_explicit(&p->at[k].at, memory_order_relaxed);
                if (p->at[k].kind == MARK_READER && p->at[k].what == o && at < least) {
                    least = at;
                }
            }
        }
    }
    return least;
}

/* ---- Slots. ---- */

/* Give back all that the worker of sl held. Under the lock. */
static void
empty(struct store *s, struct slot *sl)
{
    for (struct marks *p = sl->pages; p != NULL; p = p->next) {
        for (uint32_t i = 0; i < MARKS_A_PAGE; i++) {
            struct mark *m = &p->at[i];
            if (m->kind == MARK_FREE) {
                continue;
            }
            struct mark was = { .what = m->what, .body = m->body, .kind = m->kind };
            CHANGE(s, m->kind, MARK_FREE);
            drop_what(s, &was, true);
            shared_commit(s);
        }
    }
    while (sl->pages != NULL) {
        struct marks *page = sl->pages;
        CHANGE(s, sl->pages, page->next);
        CHANGE(s, sl->free, NULL);
        shared_free(s, page);
        shared_commit(s);
    }
}

/* The slot's mutex is this thread's now: is it one that nobody has? */
static bool
try_slot(struct slot *sl)
{
    int error = pthread_mutex_trylock(&sl->alive);

    if (error == EOWNERDEAD) {
        error = pthread_mutex_consistent(&sl->alive);
    }
    return error == 0;
}

bool
slot_bury(struct store *s, uint32_t slot)
{
    struct slot *sl = &s->root->slots[slot];

    if (slot == s->me || !sl->used || !try_slot(sl)) {
        return false;
    }
    if (!shared_lock(s)) {
        (void)pthread_mutex_unlock(&sl->alive);
        return false;
    }
    empty(s, sl);
    CHANGE(s, sl->used, false);
    shared_unlock(s);
    (void)pthread_mutex_unlock(&sl->alive);
    return true;
}

bool
slot_take(struct store *s)
{
    for (uint32_t i = 0; i < SHARED_SLOTS; i++) {
        struct slot *sl = &s->root->slots[i];
        if (!try_slot(sl)) {
            continue;
        }
        s->me = i;
        s->slot = sl;
        if (!shared_lock(s)) {
            s->slot = NULL;
            (void)pthread_mutex_unlock(&sl->alive);
            return false;
        }
        empty(s, sl);
        CHANGE(s, sl->pid, getpid());
        CHANGE(s, sl->turn, sl->turn + 1);
        CHANGE(s, sl->used, true);
        shared_unlock(s);
        return true;
    }
    return false;
}

void
slot_leave(struct store *s)
{
    struct slot *sl = s->slot;

    if (sl == NULL) {
        return;
    }
    if (shared_lock(s)) {
        empty(s, sl);
        CHANGE(s, sl->used, false);
        shared_unlock(s);
    }
    s->slot = NULL;
    (void)pthread_mutex_unlock(&sl->alive);
}
