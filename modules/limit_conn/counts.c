/* limit_conn/counts.c - seats, and entries of one count a seat. Entries change under their map's
 * lock; seats under their zone's, and are read without it: a turn changes only when its worker is
 * gone. */
#include "counts.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { EMPTY_MS = 1000, OVERFLOW_SEAT = 0 };

struct seats {
    struct {
        pid_t pid; /* 0: free */
        _Atomic uint16_t turn;
    } at[COUNTS_SEATS];
};

struct entry {
    struct {
        uint16_t turn, count;
    } at[COUNTS_SEATS];
};

/* Where this worker sits: state of the process, not of a configuration. */
static struct seats *seats;
static uint32_t mine = OVERFLOW_SEAT;

static void *
fresh(void *data, weir_zone *zone)
{
    (void)data;
    return weir_zone_alloc(zone, sizeof(struct seats));
}

weir_zone *
counts_seats_claim(weir_conf *cf)
{
    weir_zone *zone = weir_zone_find(cf, WEIR_STR("limit_conn_seats:32k"));

    return zone != NULL && weir_zone_claim(cf, zone, "limit_conn.seats/1", fresh, NULL) == WEIR_OK
               ? zone
               : NULL;
}

weir_map *
counts_claim(weir_conf *cf, weir_zone *zone)
{
    return weir_map_claim(cf, zone, "limit_conn/1", sizeof(struct entry));
}

static bool
is_gone(pid_t pid)
{
    return pid == 0 || pid == getpid() || (kill(pid, 0) != 0 && errno == ESRCH);
}

void
counts_sit_down(const weir_zone *zone)
{
    weir_zone *z = (weir_zone *)(uintptr_t)zone;

    seats = weir_zone_root(zone);
    mine = OVERFLOW_SEAT;
    (void)weir_zone_lock(
        z); /* whoever died holding it left a pid at most, which is found to be gone */
    for (uint32_t i = OVERFLOW_SEAT + 1; i < COUNTS_SEATS && mine == OVERFLOW_SEAT; i++) {
        if (is_gone(seats->at[i].pid)) {
            seats->at[i].pid = getpid();
            atomic_fetch_add(&seats->at[i].turn, 1);
            mine = i;
        }
    }
    weir_zone_unlock(z);
}

static uint32_t
total(const struct entry *e)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < COUNTS_SEATS; i++) {
        n += e->at[i].turn == atomic_load(&seats->at[i].turn) ? e->at[i].count : 0;
    }
    return n;
}

static int
add(void *data, void *value, bool is_new)
{
    const uint32_t *limit = data;
    struct entry *e = value;
    uint16_t turn = atomic_load(&seats->at[mine].turn);

    (void)is_new;
    if (total(e) >= *limit) {
        return WEIR_LIMIT;
    }
    if (e->at[mine].turn != turn) {
        e->at[mine].turn = turn;
        e->at[mine].count = 0;
    }
    if (e->at[mine].count == UINT16_MAX) {
        return WEIR_LIMIT;
    }
    e->at[mine].count++;
    return WEIR_OK;
}

int
counts_add(weir_map *counts, weir_str key, uint32_t limit)
{
    return weir_map_update(counts, key, 0, add, &limit) == WEIR_OK ? WEIR_OK : WEIR_LIMIT;
}

/* An entry that was pushed out and made anew may know less than was added. */
static int
take(void *data, void *value, bool is_new)
{
    bool *is_empty = data;
    struct entry *e = value;

    if (is_new) {
        return WEIR_ABSENT;
    }
    if (e->at[mine].turn == atomic_load(&seats->at[mine].turn) && e->at[mine].count != 0) {
        e->at[mine].count--;
    }
    *is_empty = total(e) == 0;
    return WEIR_OK;
}

static int
keep(void *data, void *value, bool is_new)
{
    (void)data;
    return is_new || total(value) != 0 ? WEIR_ABSENT : WEIR_OK;
}

void
counts_remove(weir_map *counts, weir_str key)
{
    bool is_empty = false;

    if (weir_map_update(counts, key, 0, take, &is_empty) == WEIR_OK && is_empty) {
        (void)weir_map_update(counts, key, EMPTY_MS, keep, NULL); /* it may go soon */
    }
}
