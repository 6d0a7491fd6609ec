/* cache/store.h - stored responses: finding, reading, filling, changing, dropping. A store is one proxy_cache_path.
 *
 * The index, the hot bodies and what is being filled are in shared memory; the rest is in files. The store knows nothing of HTTP
 * but that a response has fields, a status and a body: what may be stored and whether it may be used is the flow's affair
 * (policy.h). A find never blocks; what needs a disk goes to a thread.
 *
 *   key      text (compared whole) and its keyed hash
 *   object   a stored response, constant: its meta, its body. Held while it is used: it stays readable whatever happens to its entry
 *   fill     a response that is coming: one writer, any number of readers in all workers, woken as it grows
 *   reader   a place in an object's or a fill's body
 */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include <weir/weir.h>

struct store;
struct store_object;
struct store_fill;
struct store_reader;
struct store_wait;

struct store_options { /* of proxy_cache_path; see its manual */
    weir_str path;
    uint32_t levels[3];
    weir_zone *zone;      /* keys_zone: index, and what is being filled */
    uint64_t memory;      /* of the zone, for hot bodies; memory=SIZE is weir's own parameter; 0: no memory tier */
    uint64_t inactive_ms, max_size, min_free;
    bool purger;
    uint32_t manager_files, loader_files, purger_files;
    uint64_t manager_sleep_ms, manager_threshold_ms, loader_sleep_ms, loader_threshold_ms, purger_sleep_ms, purger_threshold_ms;
};

/* The zone of keys_zone=name:size (or name alone, for a second mention), enlarged by what memory= asks for. NULL after a
 * reported error. */
weir_zone *store_zone(weir_conf *cf, weir_str text, uint64_t memory);
/* At load; the same zone with the same path over reloads keeps its contents. NULL after a reported error. */
struct store *store_make(weir_conf *cf, const struct store_options *o);
/* In each worker: its slot (for holds and wakes); one worker at a time loads, evicts, saves the snapshot: whoever has the duty. */
int store_start(struct store *s);
void store_stop(struct store *s);

struct store_key {
    weir_str text;
    uint64_t hash[2]; /* keyed by a secret of the store's */
    uint32_t hot;     /* 1 + where the worker holds it ready; 0: nowhere */
};
void store_key_make(const struct store *s, weir_str text, struct store_key *key);

enum { STORE_TAGS_MAX = 64 };

/* What is kept beside a body. Of an object: in shared memory or in the worker's, constant while held. Times: ms since 1970. */
struct store_meta {
    uint32_t status;
    uint32_t flags;             /* the flow's own */
    uint64_t times[8];          /* the flow's own: requested, answered, date, lifetime, ... */
    int64_t length;             /* of the body; -1 in a fill: not known yet */
    weir_str reason;
    const weir_header *fields;  /* by ->next, ids and ->same filled in */
    uint32_t n_fields;
    uint32_t n_tags;
    const uint64_t *tags;       /* hashes of its cache tags */
    weir_str note;              /* the flow's own bytes (Vary names, ...); small */
};

/* ---- Finding. ---- */
enum store_found {
    STORE_ABSENT,  /* nothing */
    STORE_HELD,    /* *object is there, in memory, held: store_release it (or its pool does) */
    STORE_FILLING, /* nothing to use, but somebody fetches it */
    STORE_ON_DISK  /* store_open */
};
/* Counts as a use. */
enum store_found store_find(struct store *s, weir_pool *owner, const struct store_key *key, struct store_object **object);
/* Read its head from the disk in a thread; done once with STORE_HELD or STORE_ABSENT (damaged: logged and unlinked). */
void store_open(struct store *s, weir_pool *owner, const struct store_key *key,
                void (*done)(void *data, enum store_found found, struct store_object *o), void *data);
const struct store_meta *store_object_meta(const struct store_object *o);
/* Soft-purged since it was stored (it may be used stale, if at all). */
bool store_object_stale(const struct store_object *o);
/* Is it being fetched anew now? */
bool store_object_updating(const struct store_object *o);
/* The whole body, if it lies in memory in one piece; absent: use a reader. The bytes stay while o is held. */
weir_str store_object_body(const struct store_object *o);
void store_release(struct store_object *o);
uint32_t store_uses(struct store *s, const struct store_key *key); /* for min_uses; counts one */

/* ---- Filling. ---- */
/* Be the one that fetches key: the fill, or NULL with *others set when somebody is already; NULL without: there is no room, fetch
 * it and do not store it. A fill ends with owner (as broken off):
 * waiters then elect another. */
struct store_fill *store_fill_begin(struct store *s, weir_pool *owner, const struct store_key *key, bool *others);
/* Was there a response under its key when it began? */
bool store_fill_replaces(const struct store_fill *f);
/* It is not to be stored (or not to be waited for): waiters fetch each for himself (they are told STORE_PASS). */
void store_fill_pass(struct store_fill *f);
/* Another key than it began with (a Vary variant found out by the answer): waiters of the first look again. */
void store_fill_move(struct store_fill *f, const struct store_key *to);
/* The head is there: waiters may read. A known length is room asked for beforehand: false if it cannot be stored (then pass it). */
bool store_fill_head(struct store_fill *f, const struct store_meta *meta);
/* Copies, takes all of c. WEIR_OK; WEIR_AGAIN: taken, but writing is behind (the disk): wait for `writable`; WEIR_LIMIT or
 * WEIR_ERROR: nothing more can be stored; r's own reader still gets all that was and will be written (memory, with back-pressure):
 * serve through. WEIR_CLOSED: and nobody reads it, nor will: end it. */
int store_fill_write(struct store_fill *f, weir_chain *c, void (*writable)(void *data), void *data);
/* Other bytes in the note of its head, before it ends; readers see them once it is whole. False: so many bytes it has not. */
bool store_fill_note(struct store_fill *f, size_t at, weir_str bytes);
/* complete: it becomes an object (tmp, rename); meta's note and length are final. Else it is dropped; its readers are cut. */
void store_fill_end(struct store_fill *f, bool complete);
/* Nothing has come, nor does it have to: what is stored does, and who waits finds it. */
void store_fill_drop(struct store_fill *f);
/* It broke off before its known length. What came becomes an object of that length all the same, under the head it has: whether
 * that makes sense is the flow's affair. Who reads what there is not is cut. */
void store_fill_cut(struct store_fill *f);

/* ---- Waiting for somebody's fill. ---- */
enum store_waited { STORE_READY, STORE_PASS, STORE_YOURS, STORE_AGAIN /* look again: it moved or failed */, STORE_TIMEOUT };
/* done once. STORE_READY: *reader is there (head readable). STORE_YOURS: the filler died, *fill is yours. Ends with owner. No polling. */
struct store_wait *store_wait(struct store *s, weir_pool *owner, const struct store_key *key, uint64_t ms,
                void (*done)(void *data, enum store_waited how, struct store_reader *reader, struct store_fill *fill), void *data);

/* ---- Reading. ---- */
struct store_reader *store_read_object(weir_pool *owner, struct store_object *o, uint64_t from, uint64_t length);
struct store_reader *store_read_fill(weir_pool *owner, struct store_fill *f); /* the filler's own client; NULL: the zone is full */
/* Of a reader of a fill, before it has read anything: read these bytes and no others. */
void store_reader_span(struct store_reader *rd, uint64_t from, uint64_t length);
const struct store_meta *store_reader_meta(const struct store_reader *rd);
/* About want bytes onto out. WEIR_OK, WEIR_AGAIN (readable is called), WEIR_DONE (complete), WEIR_CLOSED (cut). Every byte was
 * checked against its checksum. Buffers show bytes that rd holds: they have to be gone when its owner ends (pool may be the owner). */
int store_read(struct store_reader *rd, weir_pool *pool, weir_chain *out, size_t want, void (*readable)(void *data), void *data);

/* It is not read any more: nobody has to wait for it, nor to keep what it has not read. */
void store_reader_end(struct store_reader *rd);

/* ---- Changing. All at once in all workers. ---- */
/* Another head for the same body (a 304, a HEAD): the entry's new meta; fields are copied. write: to its file, too; else the head
 * that is there does as well for who finds it after a restart. */
bool store_freshen(struct store *s, struct store_object *o, const struct store_meta *meta, bool write);
bool store_remove(struct store *s, const struct store_key *key);
bool store_soften(struct store *s, const struct store_key *key); /* stale from now on */

struct store_match { /* what a purge is about: one of them */
    const struct store_key *key; /* this one response */
    weir_str prefix;    /* of the key text; absent: not by it */
    uint64_t tag;       /* 0: not by it */
    bool all;
    bool soft;
};
struct store_purged {
    uint64_t entries, bytes;
    bool lasting; /* it will hold even if all processes are killed now; false: it could not be written down */
};
/* Holds for every find from the moment of the call; done with the counts when the walk is over and it is known to last. */
void store_purge(struct store *s, weir_pool *owner, const struct store_match *m,
                 void (*done)(void *data, const struct store_purged *what), void *data);

struct store_stats { /* since the zone began */
    uint64_t entries, memory_entries, memory_bytes, disk_bytes, finds, hits_memory, hits_disk, misses, evicted, expired, purged, damaged,
        collapsed, fills, fill_failures, loading, index_bytes, disk_failures, purges, hit_percent;
};
void store_stats(const struct store *s, struct store_stats *to);

#endif
