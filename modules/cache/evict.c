/* cache/evict.c - S3-FIFO over the entries' places. */
#include "evict.h"

#include "entry.h"

enum {
    USES_MAX = 3,
    SMALL_SHARE = 10, /* the small queue is one part in so many */
    STEPS = 64,       /* entries looked at for one that goes */
    TRIES = 32        /* that go for one that comes */
};

static struct queue *
queue_of(struct store *s, enum tier tier, uint8_t queue)
{
    return &s->root->queue[tier][queue - 1];
}

static void
push(struct store *s, struct entry *e, enum tier tier, uint8_t queue)
{
    struct place *p = &e->place[tier];
    struct queue *q = queue_of(s, tier, queue);

    CHANGE(s, p->link.newer, NULL);
    CHANGE(s, p->link.older, q->newest);
    if (q->newest != NULL) {
        CHANGE(s, q->newest->place[tier].link.newer, e);
    } else {
        CHANGE(s, q->oldest, e);
    }
    CHANGE(s, q->newest, e);
    CHANGE(s, q->bytes, q->bytes + p->bytes);
    CHANGE(s, q->count, q->count + 1);
    CHANGE(s, p->queue, queue);
}

static void
take(struct store *s, struct entry *e, enum tier tier)
{
    struct place *p = &e->place[tier];
    struct queue *q = queue_of(s, tier, p->queue);
    struct entry *newer = p->link.newer, *older = p->link.older;

    if (newer != NULL) {
        CHANGE(s, newer->place[tier].link.older, older);
    } else {
        CHANGE(s, q->newest, older);
    }
    if (older != NULL) {
        CHANGE(s, older->place[tier].link.newer, newer);
    } else {
        CHANGE(s, q->oldest, newer);
    }
    CHANGE(s, q->bytes, q->bytes - p->bytes);
    CHANGE(s, q->count, q->count - 1);
    CHANGE(s, p->queue, QUEUE_NONE);
}

/* ---- Ghosts: prints of what left the small queue, for as long as as many as the main queue holds
 * have not left after it. ---- */

static struct ghost *
ghost_of(struct store *s, const struct entry *e, enum tier tier)
{
    return &s->root->ghosts[(e->hash[1] + (uint64_t)tier * 77) & (s->root->n_ghosts - 1)];
}

static uint32_t
print_of(const struct entry *e, enum tier tier)
{
    return (uint32_t)(e->hash[1] >> 32) + (uint32_t)tier;
}

static void
remember(struct store *s, const struct entry *e, enum tier tier)
{
    struct ghost *g = ghost_of(s, e, tier);

    g->print = print_of(e, tier); /* a hint: needs no note */
    g->when = ++s->root->ghost_clock;
}

static bool
is_ghost(struct store *s, const struct entry *e, enum tier tier)
{
    const struct ghost *g = ghost_of(s, e, tier);
    uint64_t since = s->root->ghost_clock - g->when;

    return g->when != 0 && g->print == print_of(e, tier) &&
           since <= queue_of(s, tier, QUEUE_MAIN)->count + queue_of(s, tier, QUEUE_SMALL)->count;
}

/* ---- Entering, being used, leaving. ---- */

void
evict_enter(struct store *s, struct entry *e, enum tier tier, uint64_t bytes)
{
    struct place *p = &e->place[tier];

    CHANGE(s, p->bytes, bytes);
    CHANGE(s, p->uses, 0);
    push(s, e, tier, is_ghost(s, e, tier) ? QUEUE_MAIN : QUEUE_SMALL);
    if (tier == TIER_MEMORY) {
        CHANGE(s, s->root->memory_bytes, s->root->memory_bytes + bytes);
        CHANGE(s, s->root->stats.memory_entries, s->root->stats.memory_entries + 1);
    }
}

void
evict_leave(struct store *s, struct entry *e, enum tier tier)
{
    if (e->place[tier].queue == QUEUE_NONE) {
        return;
    }
    take(s, e, tier);
    if (tier == TIER_MEMORY) {
        CHANGE(s, s->root->memory_bytes, s->root->memory_bytes - e->place[tier].bytes);
        CHANGE(s, s->root->stats.memory_entries, s->root->stats.memory_entries - 1);
    }
}

void
evict_resize(struct store *s, struct entry *e, enum tier tier, uint64_t bytes)
{
    struct place *p = &e->place[tier];
    struct queue *q = queue_of(s, tier, p->queue);

    CHANGE(s, q->bytes, q->bytes - p->bytes + bytes);
    if (tier == TIER_MEMORY) {
        CHANGE(s, s->root->memory_bytes, s->root->memory_bytes - p->bytes + bytes);
    }
    CHANGE(s, p->bytes, bytes);
}

void
evict_used(struct store *s, struct entry *e)
{
    (void)s; /* counts are hints: no note */
    for (int t = 0; t < TIERS; t++) {
        if (e->place[t].uses < USES_MAX) {
            e->place[t].uses++;
        }
    }
    e->used_s = (uint32_t)(weir_now() / 1000);
}

/* ---- Who goes. ---- */

static bool
may_go(const struct entry *e, enum tier tier, const struct entry *keep)
{
    return e != keep && (tier == TIER_MEMORY || e->fill == NULL);
}

/* The oldest of the small queue: on to the main one, or out. True: it is the one to go. */
static bool
look_at_small(struct store *s, struct entry *e, enum tier tier, const struct entry *keep)
{
    if (may_go(e, tier, keep) && e->place[tier].uses == 0) {
        remember(s, e, tier);
        return true;
    }
    take(s, e, tier);
    e->place[tier].uses = 0;
    push(s, e, tier, QUEUE_MAIN);
    return false;
}

static bool
look_at_main(struct store *s, struct entry *e, enum tier tier, const struct entry *keep)
{
    if (may_go(e, tier, keep) && e->place[tier].uses == 0) {
        return true;
    }
    if (e->place[tier].uses != 0) {
        e->place[tier].uses--;
    }
    take(s, e, tier);
    push(s, e, tier, QUEUE_MAIN);
    return false;
}

static struct entry *
victim(struct store *s, enum tier tier, const struct entry *keep)
{
    struct queue *small = queue_of(s, tier, QUEUE_SMALL), *main = queue_of(s, tier, QUEUE_MAIN);

    for (uint32_t i = 0; i < STEPS; i++) {
        uint64_t share = tier == TIER_MEMORY ? small->bytes : small->count;
        uint64_t all = share + (tier == TIER_MEMORY ? main->bytes : main->count);
        bool from_small =
            small->oldest != NULL && (main->oldest == NULL || share > all / SMALL_SHARE);
        struct entry *e = from_small ? small->oldest : main->oldest;
        if (e == NULL) {
            return NULL;
        }
        if (from_small ? look_at_small(s, e, tier, keep) : look_at_main(s, e, tier, keep)) {
            return e;
        }
        shared_commit(s);
    }
    return NULL;
}

/* One entry leaves the tier. */
static bool
evict_one(struct store *s, enum tier tier, const struct entry *keep)
{
    struct entry *e = victim(s, tier, keep);

    if (e == NULL) {
        return false;
    }
    CHANGE(s, s->root->stats.evicted, s->root->stats.evicted + 1);
    if (tier == TIER_DISK) {
        entry_remove(s, e);
    } else {
        entry_set_object(s, e, NULL);
        entry_tidy(s, e);
    }
    shared_commit(s);
    return true;
}

bool
evict_settle(struct store *s, uint32_t steps, const struct entry *keep)
{
    const struct root *r = s->root;

    for (uint32_t i = 0; i < steps; i++) {
        if (r->memory_bytes > s->o.memory) {
            if (!evict_one(s, TIER_MEMORY, keep)) {
                return false;
            }
        } else if (s->o.max_size != 0 && r->disk_bytes > s->o.max_size) {
            if (!evict_one(s, TIER_DISK, keep)) {
                return false;
            }
        } else {
            return true;
        }
    }
    return false;
}

void
evict_index(struct store *s)
{
    if (s->root->index_bytes >= s->index_max) {
        (void)evict_one(s, TIER_DISK, NULL);
    }
}

void *
evict_alloc(struct store *s, size_t size, const struct entry *keep)
{
    void *p = shared_alloc(s, size);

    for (uint32_t i = 0; p == NULL && i < TRIES; i++) {
        enum tier tier = s->root->index_bytes > s->index_max ? TIER_DISK : TIER_MEMORY;
        if (!evict_one(s, tier, keep) && !evict_one(s, TIERS - 1 - tier, keep)) {
            return NULL;
        }
        p = shared_alloc(s, size);
    }
    return p;
}

void
evict_free_disk(struct store *s, uint64_t bytes)
{
    uint64_t before = s->root->disk_bytes;

    for (uint32_t i = 0; i < STEPS && before - s->root->disk_bytes < bytes; i++) {
        if (!evict_one(s, TIER_DISK, NULL)) {
            return;
        }
    }
}
