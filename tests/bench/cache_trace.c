/*
 * cache_trace - hit ratios of the cache's eviction on made traces, beside LRU and W-TinyLFU.
 *
 *     cache_trace [REQUESTS]
 *
 * A trace draws keys of a catalogue by Zipf's law; in some, scans of keys that are asked for once
 * come in between (a crawler, a backup). S3-FIFO is the store itself, in memory alone; the others
 * are models here, exact in what they know of frequencies. Prints a row a trace. Deterministic.
 */
#include "unit/cache/worker.h"

#include <math.h>

enum { CATALOGUE = 200000, SCAN = 20000, SCAN_EVERY = 100000, KEYS_MAX = 4000000 };

struct trace {
    const char *name;
    double skew;
    bool scans;
    bool drifts; /* what is popular changes as time goes by */
};

static const struct trace traces[] = {
    { "Zipf 0.7", 0.7, false, false },        { "Zipf 0.9", 0.9, false, false },
    { "Zipf 1.1", 1.1, false, false },        { "Zipf 0.7, scans", 0.7, true, false },
    { "Zipf 0.9, scans", 0.9, true, false },  { "Zipf 1.1, scans", 1.1, true, false },
    { "Zipf 0.9, drifts", 0.9, false, true },
};

static double *sums; /* of the weights up to a rank */
static uint64_t seed;

static double
chance(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(seed >> 11) / 9007199254740992.0;
}

static uint32_t
draw(void)
{
    double at = chance() * sums[CATALOGUE - 1];
    uint32_t low = 0, high = CATALOGUE - 1;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (sums[middle] < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The keys of a trace. */
static void
make(const struct trace *t, uint32_t *keys, uint32_t n)
{
    uint32_t once = CATALOGUE;
    double sum = 0;

    seed = 42;
    for (uint32_t i = 0; i < CATALOGUE; i++) {
        sum += 1 / pow(i + 1, t->skew);
        sums[i] = sum;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (t->scans && i % SCAN_EVERY < SCAN && once < KEYS_MAX) {
            keys[i] = once++;
        } else {
            keys[i] = (draw() + (t->drifts ? i / 1000 * 7 : 0)) % CATALOGUE;
        }
    }
}

/* ---- Lists of keys, for the models. ---- */

struct list {
    uint32_t newest, oldest, count; /* keys + 1; 0: none */
};

static uint32_t *newer, *older;
static uint8_t *where; /* 0: nowhere; else the list */
static uint8_t *often;

static void
push(struct list *l, uint32_t key, uint8_t id)
{
    newer[key] = 0;
    older[key] = l->newest;
    if (l->newest != 0) {
        newer[l->newest - 1] = key + 1;
    } else {
        l->oldest = key + 1;
    }
    l->newest = key + 1;
    l->count++;
    where[key] = id;
}

static void
take(struct list *l, uint32_t key)
{
    if (newer[key] != 0) {
        older[newer[key] - 1] = older[key];
    } else {
        l->newest = older[key];
    }
    if (older[key] != 0) {
        newer[older[key] - 1] = newer[key];
    } else {
        l->oldest = newer[key];
    }
    l->count--;
    where[key] = 0;
}

static void
forget_all(void)
{
    memset(where, 0, KEYS_MAX);
    memset(often, 0, KEYS_MAX);
}

static uint32_t
run_lru(const uint32_t *keys, uint32_t n, uint32_t room)
{
    struct list l = { 0 };
    uint32_t hits = 0;

    forget_all();
    for (uint32_t i = 0; i < n; i++) {
        if (where[keys[i]] != 0) {
            hits++;
            take(&l, keys[i]);
        } else if (l.count == room) {
            take(&l, l.oldest - 1);
        }
        push(&l, keys[i], 1);
    }
    return hits;
}

/* A window of 1 %, and behind it probation and protected; frequencies of four bits, halved now and
 * then. */
static uint32_t
run_tinylfu(const uint32_t *keys, uint32_t n, uint32_t room)
{
    struct list l[4] = { { 0 } }; /* 1 window, 2 probation, 3 protected */
    uint32_t window = room / 100, kept = (room - window) * 8 / 10, hits = 0;

    forget_all();
    for (uint32_t i = 0; i < n; i++) {
        uint32_t key = keys[i], was = where[key];
        often[key] += often[key] < 15;
        if (i % (10 * room) == 10 * room - 1) {
            for (uint32_t k = 0; k < KEYS_MAX; k++) {
                often[k] /= 2;
            }
        }
        if (was != 0) {
            hits++;
            take(&l[was], key);
            push(&l[was == 1 ? 1 : 3], key, was == 1 ? 1 : 3);
            if (l[3].count > kept) {
                uint32_t down = l[3].oldest - 1;
                take(&l[3], down);
                push(&l[2], down, 2);
            }
            continue;
        }
        push(&l[1], key, 1);
        if (l[1].count > window) {
            uint32_t comes = l[1].oldest - 1;
            take(&l[1], comes);
            if (l[2].count + l[3].count == room - window) {
                uint32_t goes = l[2].oldest - 1;
                if (often[comes] <= often[goes]) {
                    continue;
                }
                take(&l[2], goes);
            }
            push(&l[2], comes, 2);
        }
    }
    return hits;
}

/* ---- The store. ---- */

static uint32_t
run_store(const uint32_t *keys, uint32_t n, uint32_t room)
{
    struct store_options o = worker_options();
    struct store_stats st;
    struct worker w;
    uint32_t hits = 0;
    char key[16];
    uint64_t one;

    wr_zone_list_init(&regions);
    o.path = WEIR_STR("/nowhere/at/all"); /* memory alone */
    o.memory = 4 << 20;
    worker_load(&w, &o, "1m");
    worker_start(&w);
    put(&w, "/00000000", "x");
    store_stats(w.store, &st);
    one = st.memory_bytes;
    worker_end(&w);
    o.memory = one * room;
    worker_load(&w, &o, "256m");
    worker_start(&w);
    for (uint32_t i = 0; i < n; i++) {
        (void)snprintf(key, sizeof(key), "/%08u", keys[i]);
        if (look_up(&w, key, NULL) == STORE_HELD) {
            hits++;
        } else {
            put(&w, key, "x");
        }
    }
    worker_end(&w);
    return hits;
}

int
main(int argc, char **argv)
{
    uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 2000000;
    uint32_t *keys = malloc(n * sizeof(*keys));
    static const uint32_t rooms[] = { CATALOGUE / 100, CATALOGUE / 10 };

    process_start();
    sums = malloc(CATALOGUE * sizeof(*sums));
    newer = malloc(KEYS_MAX * sizeof(*newer));
    older = malloc(KEYS_MAX * sizeof(*older));
    where = malloc(KEYS_MAX);
    often = malloc(KEYS_MAX);
    printf("%-18s %8s %8s %10s %8s\n", "trace", "room", "LRU", "W-TinyLFU", "S3-FIFO");
    for (size_t t = 0; t < sizeof(traces) / sizeof(traces[0]); t++) {
        make(&traces[t], keys, n);
        for (size_t r = 0; r < 2; r++) {
            printf("%-18s %7u%% %7.2f%% %9.2f%% %7.2f%%\n", traces[t].name,
                   rooms[r] * 100 / CATALOGUE, 100.0 * run_lru(keys, n, rooms[r]) / n,
                   100.0 * run_tinylfu(keys, n, rooms[r]) / n,
                   100.0 * run_store(keys, n, rooms[r]) / n);
            (void)fflush(stdout);
        }
    }
    process_end();
    return 0;
}
