/* cache/purge.c - the walk over the index, a few buckets at a time. A ban stands in the zone until
 * its walk is over, so a worker that dies leaves it to the one that has the duty. Who asked is told
 * when the walk is over and the purge is written down; where that fails, when the files are gone.
 */
#include "purge.h"

#include "doomed.h"
#include "entry.h"
#include "journal.h"
#include "sys.h"
#include "tagged.h"

enum {
    BUCKETS = 512,
    ENTRIES = 64,    /* in one go */
    TURN_MS = 5,     /* of the purger, whatever its threshold says */
    LOADING_MS = 20, /* the walk ends when all is loaded */
    GONE_MS = 20,    /* between two looks whether the files are gone */
    GONE_LOOKS = 250
};

struct purge {
    struct store *s;
    weir_pool *owner;
    weir_timer *timer;
    uint32_t ban;
    uint64_t clock;
    void (*done)(void *data, const struct store_purged *what);
    void *data;
    struct store_purged what;
    struct journal_wait journal;
    uint64_t doomed; /* root.doomed_count when the walk was over */
    uint32_t looks;
    bool soft, walked, written, told;
};

static uint64_t
bytes_of(const struct entry *e)
{
    return e->file_size != 0 ? e->file_size : e->place[TIER_MEMORY].bytes;
}

/* One entry. Under the lock. */
static void
purge_one(struct store *s, struct ban *b, struct entry *e)
{
    b->entries++;
    b->bytes += bytes_of(e);
    s->root->stats.purged++;
    if (!b->soft) {
        entry_remove(s, e);
    } else {
        entry_soften(s, e, b->clock);
    }
}

/* Walk a little; at most as many entries go as *left says, which is brought down. True: to the end.
 * Under the lock; commits. */
static bool
walk(struct store *s, struct ban *b, uint32_t *left)
{
    struct root *r = s->root;

    b->again |= r->loading;
    for (uint32_t i = 0; i < BUCKETS && b->cursor < r->n_buckets && *left != 0; i++) {
        struct entry *e = r->buckets[b->cursor], *next;
        for (; e != NULL && *left != 0; e = next) {
            next = e->next;
            if (entry_matches(e, b) && !(b->soft && entry_is_soft(e, b))) {
                purge_one(s, b, e);
                shared_commit(s);
                --*left;
            }
        }
        b->cursor += e == NULL; /* else this bucket goes on next time */
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

/* Nothing of it is left on the disk that a start would find. */
static bool
is_gone(const struct purge *p)
{
    return doomed_gone(p->s, p->doomed) && (!p->soft || p->s->root->n_softened == 0);
}

static void
finish(struct purge *p)
{
    if (p->told || !p->walked || !p->written) {
        return;
    }
    if (!p->what.lasting && !is_gone(p) && !p->s->root->strays && p->looks++ < GONE_LOOKS) {
        weir_timer_set(p->timer, GONE_MS);
        return;
    }
    p->what.lasting |= is_gone(p);
    p->told = true;
    p->done(p->data, &p->what);
}

static void
journaled(void *data, bool kept)
{
    struct purge *p = data;

    p->written = true;
    p->what.lasting = kept;
    finish(p);
}

static void
step(void *data)
{
    struct purge *p = data;
    struct store *s = p->s;
    struct ban *b = &s->root->bans[p->ban];
    bool over = true;

    if (p->walked) {
        finish(p);
        return;
    }

    if (shared_lock(s)) {
        over = b->clock != p->clock;
        if (!over) {
            uint32_t left = ENTRIES;
            over = walk(s, b, &left);
            p->what.entries = b->entries;
            p->what.bytes = b->bytes;
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
    p->walked = true;
    p->doomed = s->root->doomed_count;
    doomed_go(s);
    finish(p);
}

/* The owner is gone: the ban stays, and the duty walks. */
static void
owner_ended(void *data)
{
    struct purge *p = data;

    journal_leave(&p->journal);
    if (!p->walked && shared_lock(p->s)) {
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
    struct ban b = { .clock = UINT64_MAX,
                     .tag = m->tag,
                     .soft = m->soft,
                     .all = m->all || (m->prefix.data != NULL && m->prefix.len == 0),
                     .text = (char *)(uintptr_t)m->prefix.data,
                     .text_len = (uint32_t)m->prefix.len };

    for (uint32_t i = 0; i < s->root->n_buckets; i++) {
        struct entry *e = s->root->buckets[i], *next;
        for (; e != NULL; e = next) {
            next = e->next;
            if (entry_matches(e, &b)) {
                purge_one(s, &b, e);
                shared_commit(s);
            }
        }
    }
    p->what.entries = b.entries;
    p->what.bytes = b.bytes;
}

/* Under the lock. */
static void
purge_many(struct store *s, const struct store_match *m, struct purge *p)
{
    struct ban *b = new_ban(s, m);

    if (m->tag != 0) {
        tagged_note(s, m->tag, m->soft);
    }
    if (b != NULL && s->o.purger) {
        CHANGE(s, b->slot, SHARED_SLOTS); /* the duty walks, and nobody waits */
    } else if (b != NULL) {
        p->ban = (uint32_t)(b - s->root->bans);
        p->clock = b->clock;
    } else {
        purge_now(s, m, p);
        widen(s);
    }
}

void
purge_again(struct store *s, const struct store_match *m)
{
    struct store_match all = { .all = true };
    struct ban *b = new_ban(s, m);

    b = b != NULL ? b : new_ban(s, &all);
    if (b != NULL) {
        CHANGE(s, b->slot, SHARED_SLOTS); /* the duty walks */
    } else {
        widen(s);
    }
}

/* ---- One key. ---- */

/* While the index is being loaded, what is taken out must not come in again from a file that was
 * looked at before: an empty entry keeps its place. */
static void
keep_out(struct store *s, const struct store_key *key, bool was_known)
{
    if (!s->root->loading) {
        return;
    }
    if (!was_known) {
        (void)doomed_add(s, key->hash, 0);
    }
    (void)entry_make(s, key);
}

/* May there be a file that would be found at the next start? */
static bool
concerns_disk(const struct store *s, const struct entry *e)
{
    const struct root *r = s->root;

    if (r->disk_off) {
        return false;
    }
    return r->loading || r->doomed != NULL || r->strays ||
           (e != NULL && (e->file != 0 || (e->fill != NULL && e->fill->body->file != 0)));
}

/* True: it is written down, and w is told. Under the lock. */
static bool
purge_key(struct store *s, const struct store_key *key, bool soft, struct journal_wait *w,
          struct store_purged *counts)
{
    struct entry *e = entry_find(s, key);
    bool on_disk = concerns_disk(s, e);

    if (on_disk) {
        struct purge_record record = { .what = PURGE_KEY, .soft = soft };
        memcpy(record.hash, key->hash, sizeof(record.hash));
        journal_add(s, &record, w);
    }
    if (e != NULL && (e->object != NULL || e->file != 0)) {
        counts->entries++;
        counts->bytes += bytes_of(e);
        CHANGE(s, s->root->stats.purged, s->root->stats.purged + 1);
    }
    if (e != NULL && soft) {
        entry_soften(s, e, UINT64_MAX);
        return on_disk;
    }
    if (e != NULL) {
        entry_remove(s, e);
    }
    keep_out(s, key, e != NULL);
    return on_disk;
}

static bool
change(struct store *s, const struct store_key *key, bool soft)
{
    struct store_purged counts = { .entries = 0 };

    if (!shared_lock(s)) {
        return false;
    }
    (void)purge_key(s, key, soft, NULL, &counts);
    shared_unlock(s);
    journal_go(s);
    doomed_go(s);
    return counts.entries != 0;
}

bool
store_remove(struct store *s, const struct store_key *key)
{
    return change(s, key, false);
}

bool
store_soften(struct store *s, const struct store_key *key)
{
    return change(s, key, true);
}

/* ---- Asking for it. ---- */

static void
write_down(struct store *s, const struct store_match *m, struct purge *p)
{
    struct purge_record r = { .what = PURGE_ALL, .soft = m->soft };

    if (s->root->disk_off) {
        p->written = p->what.lasting = true;
        return;
    }
    if (m->tag != 0) {
        r.what = PURGE_TAG;
        r.tag = m->tag;
    } else if (!m->all && m->prefix.len != 0 && m->prefix.len <= UINT16_MAX) {
        r.what = PURGE_PREFIX;
        r.prefix = m->prefix;
    }
    journal_add(s, &r, &p->journal);
}

void
store_purge(struct store *s, weir_pool *owner, const struct store_match *m,
            void (*done)(void *data, const struct store_purged *what), void *data)
{
    struct purge *p = weir_zalloc(owner, sizeof(*p));

    *p = (struct purge){ .s = s, .owner = owner, .done = done, .data = data, .soft = m->soft };
    p->journal = (struct journal_wait){ .done = journaled, .data = p };
    p->clock = UINT64_MAX; /* no ban's */
    p->timer = weir_timer_start(owner, 0, step, p);
    weir_on_end(owner, owner_ended, p);
    if (!shared_lock(s)) {
        p->written = p->what.lasting = true; /* nothing is found any more */
        return;
    }
    if (m->key == NULL) {
        write_down(s, m, p);
        purge_many(s, m, p);
    } else if (!purge_key(s, m->key, m->soft, &p->journal, &p->what)) {
        p->written = p->what.lasting = true;
    }
    shared_unlock(s);
    journal_go(s);
}

/* The bans that nobody else walks for, a little of each. Answers whether more is to be walked. */
static bool
walk_all(struct store *s, uint32_t *left)
{
    bool more = false;

    if (s->root->n_bans == 0 || !shared_lock(s)) {
        return false;
    }
    for (uint32_t i = 0; i < SHARED_BANS; i++) {
        struct ban *b = &s->root->bans[i];
        bool orphaned = b->slot >= SHARED_SLOTS || !s->root->slots[b->slot].used;
        if (b->clock == 0 || !orphaned) {
            continue;
        }
        if (walk(s, b, left)) {
            lift(s, b);
        } else {
            more |= b->cursor < s->root->n_buckets;
        }
    }
    shared_unlock(s);
    return more;
}

bool
purge_go_on(struct store *s)
{
    const struct store_options *o = &s->o;
    uint64_t ms = o->purger_threshold_ms < TURN_MS ? o->purger_threshold_ms : TURN_MS, until;
    uint32_t left = ENTRIES;
    bool more;

    if (!o->purger) {
        return walk_all(s, &left);
    }
    left = o->purger_files;
    until = sys->ms() + ms;
    do {
        more = walk_all(s, &left);
    } while (more && left != 0 && sys->ms() < until);
    return more;
}
