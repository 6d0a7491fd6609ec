/* cache/purge.c - the walk over the index, a few buckets at a time. A ban stands in the zone until its walk is over, so a worker
 * that dies leaves it to the one that has the duty. */
#include "purge.h"

#include "doomed.h"
#include "entry.h"

enum {
    BUCKETS = 512,
    ENTRIES = 64, /* in one go */
    LOADING_MS = 20 /* the walk ends when all is loaded */
};

struct purge {
    struct store *s;
    weir_pool *owner;
    weir_timer *timer;
    uint32_t ban;
    uint64_t clock;
    void (*done)(void *data, uint64_t entries, uint64_t bytes);
    void *data;
    uint64_t entries, bytes;
    bool told;
};

/* One entry. Under the lock. */
static void
purge_one(struct store *s, struct ban *b, struct entry *e)
{
    b->entries++;
    b->bytes += e->file_size != 0 ? e->file_size : e->place[TIER_MEMORY].bytes;
    s->root->stats.purged++;
    if (!b->soft) {
        entry_remove(s, e);
    } else if ((e->flags & ENTRY_STALE) == 0) {
        entry_soften(s, e);
    }
}

/* Walk a little. True: to the end. Under the lock; commits. */
static bool
walk(struct store *s, struct ban *b)
{
    struct root *r = s->root;
    uint32_t n = 0;

    for (uint32_t i = 0; i < BUCKETS && b->cursor < r->n_buckets && n < ENTRIES; i++) {
        struct entry *e = r->buckets[b->cursor], *next;
        for (; e != NULL; e = next) {
            next = e->next;
            if (entry_matches(e, b)) {
                purge_one(s, b, e);
                shared_commit(s);
                n++;
            }
        }
        b->cursor++;
    }
    return b->cursor == r->n_buckets && !r->loading;
}

static void
lift(struct store *s, struct ban *b)
{
    CHANGE(s, b->clock, 0);
    CHANGE(s, s->root->n_bans, s->root->n_bans - 1);
}

static void
step(void *data)
{
    struct purge *p = data;
    struct store *s = p->s;
    struct ban *b = &s->root->bans[p->ban];
    bool over = true;

    if (shared_lock(s)) {
        over = b->clock != p->clock;
        if (!over) {
            over = walk(s, b);
            p->entries = b->entries;
            p->bytes = b->bytes;
        }
        if (over && b->clock == p->clock) {
            lift(s, b);
        }
        shared_unlock(s);
    }
    if (!over) {
        weir_timer_set(p->timer, b->cursor < s->root->n_buckets ? 0 : LOADING_MS);
        return;
    }
    p->told = true;
    doomed_go(s);
    p->done(p->data, p->entries, p->bytes);
}

/* The owner is gone: the ban stays, and the duty walks. */
static void
owner_ended(void *data)
{
    struct purge *p = data;

    if (!p->told && shared_lock(p->s)) {
        struct ban *b = &p->s->root->bans[p->ban];
        if (b->clock == p->clock) {
            CHANGE(p->s, b->slot, SHARED_SLOTS);
        }
        shared_unlock(p->s);
    }
}

/* A place for another ban; an older one that is as wide does as well. Under the lock. */
static struct ban *
new_ban(struct store *s, const struct store_match *m)
{
    struct root *r = s->root;
    struct ban *b = NULL;

    for (uint32_t i = 0; i < SHARED_BANS && b == NULL; i++) {
        b = r->bans[i].clock == 0 ? &r->bans[i] : NULL;
    }
    if (b == NULL || m->prefix.len > SHARED_BAN_TEXT) {
        return NULL;
    }
    memset(b, 0, sizeof(*b)); /* not seen as long as clock is 0 */
    b->slot = s->me;
    b->all = m->all;
    b->soft = m->soft;
    b->tag = m->tag;
    b->text_len = (uint32_t)m->prefix.len;
    if (m->prefix.len != 0) {
        memcpy(b->text, m->prefix.data, m->prefix.len);
    } else if (m->prefix.data != NULL) {
        b->all = true; /* everything begins with nothing */
    }
    CHANGE(s, r->clock, r->clock + 1);
    CHANGE(s, b->clock, r->clock);
    CHANGE(s, r->n_bans, r->n_bans + 1);
    return b;
}

/* No place for a ban, or a prefix too long for one: walk at once. Slow, but never wrong. */
static void
purge_now(struct store *s, const struct store_match *m, struct purge *p)
{
    struct ban *b = weir_zalloc(p->owner, sizeof(*b) + m->prefix.len);

    (void)b;
    for (uint32_t i = 0; i < s->root->n_buckets; i++) {
        struct entry *e = s->root->buckets[i], *next;
        for (; e != NULL; e = next) {
            weir_str key = entry_key(e);
            bool is = m->all || (m->prefix.len != 0 && key.len >= m->prefix.len &&
                                 memcmp(key.data, m->prefix.data, m->prefix.len) == 0);
            next = e->next;
            for (uint32_t t = 0; m->tag != 0 && t < e->n_tags; t++) {
                is |= e->tags[t] == m->tag;
            }
            if (is) {
                b->soft = m->soft;
                purge_one(s, b, e);
                shared_commit(s);
            }
        }
    }
    p->entries = b->entries;
    p->bytes = b->bytes;
}

void
store_purge(struct store *s, weir_pool *owner, const struct store_match *m,
            void (*done)(void *data, uint64_t entries, uint64_t bytes), void *data)
{
    struct purge *p = weir_zalloc(owner, sizeof(*p));
    struct ban *b = NULL;

    *p = (struct purge){ .s = s, .owner = owner, .done = done, .data = data };
    if (shared_lock(s)) {
        b = new_ban(s, m);
        if (b != NULL) {
            p->ban = (uint32_t)(b - s->root->bans);
            p->clock = b->clock;
        } else {
            purge_now(s, m, p);
        }
        shared_unlock(s);
    }
    if (b == NULL) {
        p->clock = UINT64_MAX; /* no ban's */
    }
    p->timer = weir_timer_start(owner, 0, step, p);
    weir_on_end(owner, owner_ended, p);
}

bool
purge_go_on(struct store *s)
{
    bool more = false;

    if (s->root->n_bans == 0 || !shared_lock(s)) {
        return false;
    }
    for (uint32_t i = 0; i < SHARED_BANS; i++) {
        struct ban *b = &s->root->bans[i];
        bool left = b->slot >= SHARED_SLOTS || !s->root->slots[b->slot].used;
        if (b->clock == 0 || !left) {
            continue;
        }
        if (walk(s, b)) {
            lift(s, b);
        } else {
            more |= b->cursor < s->root->n_buckets;
        }
    }
    shared_unlock(s);
    return more;
}
