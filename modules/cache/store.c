/* cache/store.c - a store's beginning and end, finding, and changing what is stored. */
#include "store.h"

#include "entry.h"
#include "evict.h"
#include "handle.h"
#include "hot.h"
#include "job.h"
#include "journal.h"
#include "manager.h"
#include "object.h"
#include "opened.h"
#include "recover.h"
#include "secret.h"
#include "sip.h"
#include "slot.h"
#include "tagged.h"
#include "wake.h"
#include "writer.h"

enum { OBJECT_MAX = 1 << 20, OVERHEAD = 192 << 10 /* of a zone, whatever is stored */ };

/* ---- Beginning and end. ---- */

weir_zone *
store_zone(weir_conf *cf, weir_str text, uint64_t memory)
{
    const char *colon = text.len != 0 ? memchr(text.data, ':', text.len) : NULL;
    weir_str name = { text.data, colon != NULL ? (size_t)(colon - text.data) : text.len };
    uint64_t keys = 0, size;

    if (colon != NULL &&
        weir_parse_size((weir_str){ colon + 1, text.len - name.len - 1 }, &keys) == WEIR_OK &&
        keys >= 32768 && !__builtin_add_overflow(keys, memory, &size) &&
        !__builtin_add_overflow(size, (uint64_t)OVERHEAD, &size)) {
        text =
            weir_print(weir_conf_pool(cf), "%.*s:%llu", WEIR_FMT(name), (unsigned long long)size);
    }
    return weir_zone_find(cf, text); /* which says what is wrong */
}

struct store *
store_make(weir_conf *cf, const struct store_options *o)
{
    weir_pool *pool = weir_conf_pool(cf);
    struct store *s = weir_zalloc(pool, sizeof(*s));
    weir_str layout =
        weir_print(pool, "cache/3 in %.*s by %u:%u:%u with %llu of memory", WEIR_FMT(o->path),
                   o->levels[0], o->levels[1], o->levels[2], (unsigned long long)o->memory);

    s->o = *o;
    s->zone = o->zone;
    s->hot = weir_zalloc(pool, HOT_PLACES * sizeof(*s->hot)); /* an array a worker: it forks */
    s->kept = weir_zalloc(pool, OPENED_KEPT * sizeof(*s->kept));
    s->me = SHARED_SLOTS;
    s->object_max = o->memory / 8 < OBJECT_MAX ? o->memory / 8 : OBJECT_MAX;
    if (weir_zone_claim(cf, o->zone, layout.data, shared_fresh, s) != WEIR_OK) {
        return NULL;
    }
    weir_conf_folder(cf, o->path);
    return s;
}

int
store_start(struct store *s)
{
    s->root = weir_zone_root(s->zone);
    if (s->root == NULL || !slot_take(s)) {
        weir_say(weir_main_log(), ERROR, "cache \"%.*s\": more than %d processes use it",
                 WEIR_FMT(s->o.path), SHARED_SLOTS);
        return WEIR_OK; /* without a cache rather than not at all */
    }
    if (!wake_open(s)) {
        weir_say(weir_main_log(), ERROR, "cache \"%.*s\": no socket for wakes",
                 WEIR_FMT(s->o.path));
        slot_leave(s);
        return WEIR_OK;
    }
    if (shared_lock(s)) {
        secret_settle(s);
        recover_settle(s);
        shared_unlock(s);
    }
    s->index_max = weir_zone_size(s->zone) - s->o.memory - sizeof(*s->root);
    s->index_max -= s->index_max / 4; /* tables, and what is being filled */
    s->started = true;
    job_open(s);
    journal_open(s);
    manager_start(s);
    return WEIR_OK;
}

void
store_stop(struct store *s)
{
    if (!s->started) {
        return;
    }
    s->stopping = true;
    job_finish_all(s);
    journal_close(s);
    manager_stop(s);
    s->started = false;
    hot_drop_all(s);
    opened_close_all(s);
    wake_close(s);
    slot_leave(s);
}

void
store_key_make(const struct store *s, weir_str text, struct store_key *key)
{
    uint32_t place = hot_place(text);
    const struct hot *h = hot_at(s, place, text);

    key->text = text;
    key->hot = h != NULL ? place + 1 : 0;
    if (h != NULL) {
        key->hash[0] = h->o->hash[0];
        key->hash[1] = h->o->hash[1];
        return;
    }
    sip_hash(s->root->secret, text.data != NULL ? text.data : "", text.len, key->hash);
}

/* ---- Holding. ---- */

static void
handle_ended(void *data)
{
    store_release(data);
}

struct store_object *
handle_hold(struct store *s, weir_pool *owner, struct object *o)
{
    struct mark *mark = slot_mark(s, MARK_OBJECT, o, NULL);
    struct store_object *h;

    if (mark == NULL) {
        return NULL;
    }
    object_ref(s, o);
    h = weir_alloc(owner, sizeof(*h));
    *h = (struct store_object){ .s = s, .o = o, .mark = mark };
    weir_on_end(owner, handle_ended, h);
    return h;
}

/* One that is hot already, for one more. */
static struct store_object *
hold_hot(weir_pool *owner, struct hot *hot)
{
    struct store_object *h = weir_alloc(owner, sizeof(*h));

    hot->refs++;
    *h = (struct store_object){ .s = hot->s, .o = hot->o, .hot = hot };
    weir_on_end(owner, handle_ended, h);
    return h;
}

/* Keep the object of h in reach of this worker. Outside the lock. */
static void
heat(struct store_object *h, weir_str key)
{
    struct hot *hot = hot_keep(h->s, key, h->o, h->mark);

    if (hot != NULL) {
        hot->refs++;
        h->hot = hot;
        h->mark = NULL;
    }
}

void
store_release(struct store_object *o)
{
    if (o->hot != NULL) {
        hot_unref(o->hot);
        o->hot = NULL;
    }
    if (o->mark != NULL) {
        slot_release(o->s, o->mark);
        o->mark = NULL;
        opened_unref(o->file);
    }
}

/* ---- Finding. ---- */

/* Its head is in memory and its file is open already. */
static bool
hold_open(struct store *s, weir_pool *owner, const struct entry *e, struct store_object **object)
{
    struct opened *file;

    if (e->object == NULL || e->file == 0 || e->object->body->file != e->file) {
        return false;
    }
    file = opened_find(s, e->file);
    *object = file != NULL ? handle_hold(s, owner, e->object) : NULL;
    if (*object != NULL) {
        (*object)->file = opened_ref(file);
    }
    return *object != NULL;
}

static enum store_found
find(struct store *s, weir_pool *owner, const struct store_key *key, struct store_object **object,
     bool *often)
{
    struct entry *e = entry_find(s, key);
    struct store_stats *count = &s->root->stats;

    count->finds++;
    if (e == NULL) {
        count->misses++;
        return s->root->loading ? STORE_ON_DISK : STORE_ABSENT;
    }
    evict_used(s, e);
    if (e->object != NULL && atomic_load(&e->object->body->kind) == BODY_MEMORY) {
        *object = handle_hold(s, owner, e->object);
        if (*object != NULL) {
            count->hits_memory++;
            *often = e->place[TIER_MEMORY].uses > 1;
            return STORE_HELD;
        }
    }
    if (hold_open(s, owner, e, object)) {
        count->hits_disk++;
        return STORE_HELD;
    }
    if (e->file != 0 && (e->flags & ENTRY_WRITING) == 0) {
        return STORE_ON_DISK;
    }
    count->misses++;
    return e->fill != NULL ? STORE_FILLING : STORE_ABSENT;
}

enum store_found
store_find(struct store *s, weir_pool *owner, const struct store_key *key,
           struct store_object **object)
{
    struct hot *hot = key->hot != 0 ? hot_at(s, key->hot - 1, key->text) : NULL;
    enum store_found found;
    bool often = false;

    if (hot != NULL && hot_use(s, hot)) {
        *object = hold_hot(owner, hot);
        return STORE_HELD;
    }
    if (!shared_lock(s)) {
        return STORE_ABSENT;
    }
    found = find(s, owner, key, object, &often);
    shared_unlock(s);
    if (often) {
        heat(*object, key->text);
    }
    return found;
}

uint32_t
store_uses(struct store *s, const struct store_key *key)
{
    struct entry *e;
    uint32_t uses = UINT32_MAX; /* without a place to count: enough */

    if (!shared_lock(s)) {
        return uses;
    }
    e = entry_make(s, key);
    if (e != NULL) {
        CHANGE(s, e->uses, e->uses != UINT32_MAX ? e->uses + 1 : e->uses);
        uses = e->uses;
    }
    shared_unlock(s);
    return uses;
}

/* ---- What is held. ---- */

const struct store_meta *
store_object_meta(const struct store_object *o)
{
    return &o->o->meta;
}

bool
store_object_stale(const struct store_object *o)
{
    return (atomic_load(&o->o->flags) & OBJECT_STALE) != 0;
}

bool
store_object_updating(const struct store_object *o)
{
    struct store *s = o->s;
    const struct entry *e;
    bool updating = false;

    if (shared_lock(s)) {
        e = entry_find_hash(s, o->o->hash);
        updating = e != NULL && e->fill != NULL;
        shared_unlock(s);
    }
    return updating;
}

weir_str
store_object_body(const struct store_object *o)
{
    const struct body *b = o->o->body;
    const struct block *block = b->first;

    if (atomic_load(&((struct body *)(uintptr_t)b)->kind) != BODY_MEMORY) {
        return (weir_str){ NULL, 0 };
    }
    if (block == NULL) {
        return (weir_str){ "", 0 };
    }
    if (block->next != NULL) {
        return (weir_str){ NULL, 0 };
    }
    return (weir_str){ (const char *)block->data, block->used };
}

/* ---- Changing. ---- */

/* The entry that o is the response of; NULL: it is another's by now. */
static struct entry *
entry_of(struct store *s, const struct store_object *o)
{
    struct entry *e = entry_find_hash(s, o->o->hash);

    if (e == NULL || (e->object != o->o && (e->file == 0 || e->file != o->o->body->file))) {
        return NULL;
    }
    return e;
}

/* What was purged, wholly or softly, since the origin was asked whether it holds. */
static enum tagged
purged_since(const struct store *s, const struct entry *e, const struct store_meta *meta)
{
    uint64_t born = e->fill != NULL ? e->fill->born : e->born;
    enum tagged purged = tagged_since(s->root, born, meta->tags, meta->n_tags);

    if (purged == TAGGED_NOT && e->fill != NULL && (e->fill->flags & OBJECT_STALE) != 0) {
        return TAGGED_SOFTLY;
    }
    return purged;
}

/* e has the head new now, of the time of its fill: a purge since then is about it. write: also in its file. */
static void
set_head(struct store *s, struct entry *e, struct object *new, bool stale, bool write)
{
    CHANGE(s, new->refs, 1);
    entry_set_object(s, e, new);
    if (write || (e->flags & ENTRY_STALE) != 0) { /* which the file may say */
        CHANGE(s, e->flags, (e->flags & ~(uint32_t)ENTRY_STALE) | ENTRY_DIRTY);
    }
    if (e->fill != NULL) {
        CHANGE(s, e->born, e->fill->born);
    }
    if (stale) {
        entry_soften(s, e, 0);
    }
    writer_look_at(s, e);
}

bool
store_freshen(struct store *s, struct store_object *o, const struct store_meta *meta, bool write)
{
    enum tagged purged = TAGGED_NOT;
    struct entry *e;
    struct object *new = NULL;

    if (!shared_lock(s)) {
        return false;
    }
    e = entry_of(s, o);
    if (e != NULL) {
        purged = purged_since(s, e, meta);
        new = object_make_like(s, o->o, meta);
        e = entry_of(s, o); /* making room may have thrown it out */
    }
    if (new != NULL && e != NULL && purged != TAGGED_GONE &&
        entry_set_tags(s, e, meta->tags, meta->n_tags)) {
        set_head(s, e, new, purged == TAGGED_SOFTLY, write);
    } else if (new != NULL) {
        CHANGE(s, new->refs, 1);
        object_unref(s, new);
        new = NULL;
    }
    shared_commit(s);
    (void)evict_settle(s, 4, e);
    shared_unlock(s);
    return new != NULL;
}

void
store_stats(const struct store *s, struct store_stats *to)
{
    const struct root *r = s->root;

    *to = (struct store_stats){ .entries = 0 };
    if (r != NULL) {
        *to = r->stats; /* each number is right, if not all of one moment */
        to->memory_bytes = r->memory_bytes;
        to->disk_bytes = r->disk_bytes;
        to->loading = r->loading;
        to->index_bytes = r->index_bytes;
        to->purges = atomic_load(&((struct root *)(uintptr_t)r)->n_bans);
        for (uint32_t i = 0; i < SHARED_SLOTS; i++) {
            uint64_t n = atomic_load_explicit(&((struct root *)(uintptr_t)r)->slots[i].hot_hits,
                                              memory_order_relaxed);
            to->finds += n;
            to->hits_memory += n;
        }
        to->hit_percent =
            to->finds != 0 ? (to->hits_memory + to->hits_disk) * 100 / to->finds : 0;
    }
}
