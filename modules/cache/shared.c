/* cache/shared.c - the lock of a store's zone and the notes that let a half-done change be taken
 * back. */
#include "shared.h"

#include "slot.h"

enum { BYTES_A_BUCKET = 256, BYTES_A_GHOST = 512, BUCKETS_MAX = 1 << 26 };

void
shared_commit(struct store *s)
{
    struct root *r = s->root;

    shared_in_order();
    r->n_notes = 0;
    r->torn = false;
    shared_in_order();
    while (r->dead != NULL) {
        void *p = r->dead;
        memcpy(&r->dead, p, sizeof(r->dead));
        shared_in_order();
        weir_zone_free(s->zone, p);
    }
}

/* The last holder died: back to what was before its section. */
static void
take_back(struct store *s)
{
    struct root *r = s->root;

    if (r->torn) {
        r->broken = true;
        weir_say(weir_main_log(), ERROR,
                 "cache \"%.*s\": a process died in the middle of a change; the cache is off until "
                 "the next start",
                 WEIR_FMT(s->o.path));
        return;
    }
    while (r->n_notes != 0) {
        const struct note *n = &r->notes[r->n_notes - 1];
        if (n->size != 0) {
            memcpy(n->at, &n->before, n->size);
        } else {
            weir_zone_free(s->zone, n->at);
        }
        shared_in_order();
        r->n_notes--;
        shared_in_order();
    }
    shared_commit(s);
}

bool
shared_lock(struct store *s)
{
    if (s->root == NULL || s->slot == NULL) {
        return false;
    }
    if (weir_zone_lock(s->zone) != WEIR_OK) {
        take_back(s);
    }
    if (s->root->broken) {
        weir_zone_unlock(s->zone);
        return false;
    }
    if (s->n_later != 0) {
        slot_give_back(s);
    }
    slot_prepare(s);
    return true;
}

void
shared_unlock(struct store *s)
{
    shared_commit(s);
    weir_zone_unlock(s->zone);
}

void *
shared_alloc(struct store *s, size_t size)
{
    void *p = weir_zone_alloc(s->zone, size);

    if (p != NULL) {
        shared_note(s->root, p, 0);
    }
    return p;
}

void
shared_free_list(struct store *s, void *first, void *last)
{
    void **next = last;

    CHANGE(s, *next, s->root->dead);
    CHANGE(s, s->root->dead, first);
}

void
shared_free(struct store *s, void *p)
{
    if (p != NULL) {
        shared_free_list(s, p, p);
    }
}

/* ---- Making it. ---- */

static bool
make_mutex(pthread_mutex_t *m)
{
    pthread_mutexattr_t attr;
    bool fine;

    if (pthread_mutexattr_init(&attr) != 0) {
        return false;
    }
    fine = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0 &&
           pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0 &&
           pthread_mutex_init(m, &attr) == 0;
    (void)pthread_mutexattr_destroy(&attr);
    return fine;
}

static uint32_t
power_of_two(uint64_t n, uint32_t least)
{
    uint32_t p = least;

    while (p < BUCKETS_MAX && (uint64_t)p * 2 <= n) {
        p *= 2;
    }
    return p;
}

void *
shared_fresh(void *data, weir_zone *z)
{
    const struct store *s = data;
    struct root *r = weir_zone_alloc(z, sizeof(*r));
    uint64_t keys = weir_zone_size(z);

    if (r == NULL || !make_mutex(&r->duty)) {
        return NULL;
    }
    keys = keys > s->o.memory ? keys - s->o.memory : 0;
    r->n_buckets = power_of_two(keys / BYTES_A_BUCKET, 64);
    r->n_ghosts = power_of_two(keys / BYTES_A_GHOST, 64);
    r->buckets = weir_zone_alloc(z, r->n_buckets * sizeof(struct entry *));
    r->ghosts = weir_zone_alloc(z, r->n_ghosts * sizeof(struct ghost));
    for (uint32_t i = 0; i < SHARED_SLOTS; i++) {
        if (!make_mutex(&r->slots[i].alive)) {
            return NULL;
        }
    }
    weir_random(r->name, sizeof(r->name));
    weir_random(r->secret, sizeof(r->secret));
    weir_random(&r->journal, sizeof(r->journal));
    r->clock = 1;
    return r->buckets != NULL && r->ghosts != NULL ? r : NULL;
}
