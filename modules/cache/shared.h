/* cache/shared.h - what a store's zone holds, and the lock around it.
 *
 * Every change of what others see is made under the lock and written down first (CHANGE), so that
 * whoever takes the lock of a process that died takes back what that one had half done. What is
 * freed goes to a list, and from there to the zone when the section is over. Threads never lock:
 * all here is the loop's.
 */
#ifndef CACHE_SHARED_H
#define CACHE_SHARED_H

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "store.h"

enum {
    SHARED_SLOTS = 128, /* workers of all generations at a time */
    SHARED_NOTES = 1024,
    SHARED_BANS = 64,       /* purges whose walks are under way */
    SHARED_TAG_PURGES = 64, /* the latest by tags (tagged.h) */
    SHARED_NAME = 16        /* random bytes of the wakes' names */
};

/* ---- What is kept of a response. ---- */

enum body_state { BODY_FILLING, BODY_WHOLE, BODY_BROKEN };
enum body_kind {
    BODY_MEMORY, /* all of it is in blocks */
    BODY_FILE,   /* goes to the file, or is there; the latest blocks may be in memory as well */
    BODY_RELAY   /* cannot be stored: blocks go when all who read have read them */
};

struct block {
    struct block *next; /* first: freed blocks are linked by it */
    uint64_t at;        /* place of its first byte in the body */
    uint32_t size, used;
    uint32_t pins; /* buffers that show its bytes */
    bool gone;     /* freed with the last pin */
    uint8_t data[];
};

struct body {
    struct body *next; /* of freed ones */
    uint32_t refs;     /* objects that have it */
    _Atomic uint32_t state;
    _Atomic uint32_t kind;
    bool wants_room;          /* the filler waits for blocks to be freed */
    bool trimmed;             /* its beginning is in no block any more */
    _Atomic uint64_t written; /* bytes that may be read */
    _Atomic uint64_t on_disk; /* of them, those in the file, checksums included */
    uint64_t in_blocks;       /* bytes of memory its blocks take */
    uint64_t file;            /* the file's number; 0: none yet */
    uint64_t hash[2];         /* that its name will have */
    bool temp;                /* it has not got it */
    bool linked;              /* it has, and the one it was written under as well: for readers */
    uint32_t head_size;       /* bytes before its first block in the file */
    uint32_t filler;          /* slot */
    struct block *first, *last;
    _Atomic uint64_t watchers[SHARED_SLOTS / 64]; /* slots that wait for something here */
};

enum object_flag {
    OBJECT_HEAD = 1u << 0,   /* meta is there */
    OBJECT_PASS = 1u << 1,   /* not to be waited for */
    OBJECT_MOVED = 1u << 2,  /* its key is another now */
    OBJECT_STALE = 1u << 3,  /* purged softly */
    OBJECT_DOOMED = 1u << 5  /* its file is to be unlinked once it has its name */
};

struct object {
    struct object *next; /* of freed ones */
    uint32_t refs;       /* marks, and one of its entry */
    _Atomic uint32_t flags;
    struct entry *_Atomic entry; /* whose object or fill it is; NULL: dropped; read without the
                                    lock (hot.h) */
    uint64_t hash[2];            /* of the key it is filled for */
    uint64_t born;               /* root.clock when its fill began */
    struct body *body;
    void *head; /* what meta points into */
    uint32_t head_bytes;
    struct store_meta meta;
};

/* ---- The index. ---- */

struct link {
    struct entry *newer, *older;
};

enum queue_id { QUEUE_NONE, QUEUE_SMALL, QUEUE_MAIN };

/* Where an entry stands in one tier's queues, and how often it was used lately. */
struct place {
    struct link link;
    uint64_t bytes;
    uint8_t queue, uses;
};

enum tier { TIER_MEMORY, TIER_DISK, TIERS };

enum entry_flag {
    ENTRY_STALE = 1u << 0,    /* softly purged */
    ENTRY_GUESSED = 1u << 1,  /* a snapshot says so; its file was not seen so far */
    ENTRY_DIRTY = 1u << 2,    /* its head is newer than its file's */
    ENTRY_SOFTENED = 1u << 4, /* its file does not say yet that it is stale */
    ENTRY_WRITING = 1u << 3   /* somebody writes its file; `file` is the number it will have */
};

struct entry {
    struct entry *next; /* in its bucket; first */
    uint64_t hash[2];
    struct object *object; /* whole, in memory: its head at least */
    struct object *fill;   /* somebody fetches it */
    struct place place[TIERS];
    uint64_t file;      /* the file's number; 0: not on disk */
    uint64_t file_size; /* bytes */
    uint64_t born;      /* root.clock when it was stored */
    uint32_t used_s;    /* last use, in seconds of weir_now */
    uint32_t uses;
    uint32_t flags;
    uint32_t key_len;
    uint32_t n_tags;
    uint32_t writer, writer_turn; /* who writes: slot, and its turn */
    uint64_t *tags;
    char key[];
};

/* ---- Workers. ---- */

enum mark_kind { MARK_FREE, MARK_OBJECT, MARK_READER, MARK_FILLER, MARK_BLOCK };

/* Something a worker holds. */
struct mark {
    struct mark *next;   /* free ones of a slot */
    void *what;          /* object or block */
    struct body *body;   /* the block's */
    _Atomic uint64_t at; /* of a reader: all before it was taken */
    uint32_t kind;
};

enum { MARKS_A_PAGE = 100 };

struct marks {
    struct marks *next;
    struct mark at[MARKS_A_PAGE];
};

struct slot {
    pthread_mutex_t alive; /* held by the worker's loop as long as it lives */
    bool used;
    pid_t pid;
    uint32_t turn;             /* counts the workers that had it */
    _Atomic uint64_t hot_hits; /* finds without the lock; its worker alone counts them */
    struct mark *free;
    struct marks *pages;
};

/* ---- All of it. ---- */

struct queue {
    struct entry *newest, *oldest;
    uint64_t bytes, count;
};

struct ban {
    uint64_t clock; /* concerns what was born before; 0: none */
    uint64_t tag;
    uint64_t cursor; /* buckets that were walked */
    uint64_t entries, bytes;
    uint32_t slot;
    uint32_t text_len;
    bool all, soft;
    bool again; /* the index was being loaded during the walk: it is walked once more */
    char *text; /* in the zone */
};

struct tag_purge {
    uint64_t clock, tag;
    bool soft;
};

struct note {
    void *at;
    uint64_t before;
    uint32_t size; /* 0: memory that was allocated */
};

struct ghost {
    uint32_t print, when;
};

struct root {
    uint64_t secret[2];
    uint8_t name[SHARED_NAME];
    bool has_secret, broken, loaded, loading;
    uint32_t n_buckets, n_ghosts;
    uint64_t clock;
    uint64_t memory_bytes; /* of objects that are in memory */
    uint64_t index_bytes;  /* of entries, about */
    uint64_t disk_bytes;
    bool disk_off; /* there is no disk tier */
    bool disk_free_known;
    uint64_t disk_free;        /* of the file system, as last asked */
    uint64_t disk_rests_until; /* weir_now of when to write again after an error */
    struct entry **buckets;
    struct ghost *ghosts;
    uint32_t ghost_clock;
    struct queue queue[TIERS][2];
    struct ban bans[SHARED_BANS];
    _Atomic uint32_t n_bans;                        /* read without the lock (hot.h) */
    struct tag_purge tag_purges[SHARED_TAG_PURGES]; /* a ring */
    uint64_t n_tag_purges;                          /* of all there ever were */
    pthread_mutex_t duty; /* held by the worker that loads, evicts, saves */
    struct slot slots[SHARED_SLOTS];
    struct store_stats stats;
    struct doomed *doomed, *doomed_last; /* files to be unlinked; the oldest first */
    uint64_t doomed_count;               /* of all there ever were */
    bool strays;                         /* there may be files that the index does not know */
    bool behind;                         /* a writer had too much to do: look for what is left */
    uint64_t n_softened;                 /* entries with ENTRY_SOFTENED */
    uint64_t journal;       /* the number of the file that purges are written down in (journal.h) */
    uint64_t journal_until; /* doomed_count when the files before it were closed */
    bool journal_used, journal_closed; /* it may have records; there are files before it */
    bool recovered;                    /* what the journal had is done, or is in bans */
    void *dead;                        /* freed, by their first word */
    uint32_t n_notes;
    bool torn; /* more was changed than fits */
    struct note notes[SHARED_NOTES];
};

/* ---- A store in this process. ---- */

struct watch;
struct hot;
struct opened_kept;
enum { STORE_LATER = 64 };

struct store {
    struct store_options o;
    weir_zone *zone;
    struct root *root;
    uint64_t object_max; /* of bodies kept in memory */
    uint64_t index_max;  /* bytes of entries */
    bool started, stopping;
    uint32_t me; /* slot; SHARED_SLOTS: none */
    struct slot *slot;
    bool on_duty;
    int wake_fd;
    bool posted;
    uint64_t round; /* of those who wait, looking */
    struct watch *watching, *watching_last;
    struct mark *later[STORE_LATER]; /* to be given back with the next lock */
    uint32_t n_later;
    struct hot **hot; /* by hot_place */
    struct opened_kept *kept;
    struct deaths *deaths;
    struct jobs *jobs;
    struct opening *openings;
    uint32_t n_writing;
    bool unlinking, saving;
    struct loader *loader;
    bool stalled; /* a job found no place: who waits is to look again */
    struct manager *manager;
    struct journal *journal;
};

/* Take the lock: false when the store is no use any more. What this worker has to give back is
 * given back. */
bool shared_lock(struct store *s);
void shared_unlock(struct store *s);

/* The section so far cannot be taken back any more: for long ones, when all is consistent. */
void shared_commit(struct store *s);

/* Zeroed memory; NULL: the zone is full. Under the lock. */
void *shared_alloc(struct store *s, size_t size);
/* Memory whose first word is a pointer that nobody needs any more. Under the lock. */
void shared_free(struct store *s, void *p);
/* The same for a list linked by the first word, ending with last. */
void shared_free_list(struct store *s, void *first, void *last);

/* What the compiler may not move across: a process that dies has done a prefix of its stores. */
static inline void
shared_in_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* Write down what is at `at`, size bytes (8 at most), before it is changed. Inline because the size
 * is known where it is called: a note is a handful of stores, and a fill makes some seventy. */
static inline void
shared_note(struct root *r, void *at, uint32_t size)
{
    struct note *n = &r->notes[r->n_notes];

    if (r->n_notes == SHARED_NOTES) {
        r->torn = true;
        return;
    }
    n->at = at;
    n->size = size;
    memcpy(&n->before, at, size);
    shared_in_order();
    r->n_notes++;
    shared_in_order();
}

#define CHANGE(s, what, value)                                                                     \
    do {                                                                                           \
        shared_note((s)->root, (void *)(uintptr_t) & (what), sizeof(what));                        \
        (what) = (value);                                                                          \
    } while (0)

/* The zone's beginning, for weir_zone_claim; data is the store. */
void *shared_fresh(void *data, weir_zone *z);

#endif
