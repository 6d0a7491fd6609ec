/* cache/purge.c - the walk over the index, a few buckets at a time. A ban stands in the zone until
 * its walk is over, so a worker that dies leaves it to the one that has the duty. */
#include "purge.h"

#include "doomed.h"
#include "entry.h"

enum {
    BUCKETS = 512,
    ENTRIES = 64,   /* in one go */
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

    b->again |= r->loading;
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
    if (b->cursor == r->n_buckets && b->again && !r->loading) {
        b->again = false; /* what was loaded behind the walk */
        b->cursor = 0;
    }
    return b->cursor == r->n_buckets && !b->again;
}

static void
lift(struct store *s, struct ban *b)
{
    CHANGE(s, b->clock, 0);
    shared_free(s, b->text);
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

/* A ban that none has; NULL: there is none. */
static struct ban *
free_ban(struct root *r)
{
    for (uint32_t i = 0; i < SHARED_BANS; i++) {
        if (r->bans[i].clock == 0) {
            return &r->bans[i];
        }
    }
    return NULL;
}

/* Under the lock. NULL: no room. */
static struct ban *
new_ban(struct store *s, const struct store_match *m)
{
    struct root *r = s->root;
    struct ban *b = free_ban(r);
    char *text = b != NULL && m->prefix.len != 0 ? shared_alloc(s, m->prefix.len + 8) : NULL;

    if (b == NULL || (m->prefix.len != 0 && text == NULL) || m->prefix.len > UINT16_MAX) {
        shared_free(s, text);
        return NULL;
    }
    *b = (struct ban){ .slot = s->me, .tag = m->tag, .soft = m->soft, .text = text };
    b->all = m->all || (m->prefix.data != NULL && m->prefix.len == 0); /* all begin with nothing */
    b->text_len = (uint32_t)m->prefix.len;
    if (text != NULL) {
        memcpy(text, m->prefix.data, m->prefix.len);
    }
    CHANGE(s, r->clock, r->clock + 1);
    CHANGE(s, b->clock, r->clock); /* from here on it is seen */
    CHANGE(s, r->n_bans, r->n_bans + 1);
    return b;
}

/* While the index is being loaded, only a ban reaches what is not there yet: the first one becomes
 * one of everything. */
static void
widen(struct store *s)
{
    struct root *r = s->root;
    struct ban *b = &r->bans[0];

    if (!r->loading || b->clock == 0) {
        return;
    }
    CHANGE(s, r->clock, r->clock + 1);
    CHANGE(s, b->all, true);
    CHANGE(s, b->soft, false);
    b->cursor = 0;
    b->again = true;
}

/* No place for a ban: walk at once. Slow, but never wrong. */
static void
purge_now(struct store *s, const struct store_match *m, struct purge *p)
{
    struct ban *b = weir_zalloc(p->owner, sizeof(*b)); /* counts */

    b->soft = m->soft;
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
            widen(s);
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
