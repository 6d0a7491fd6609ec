/* upstream/tally.c - rows of counters: workers are spread over a few of them, so that they seldom write to the same line of
 * memory; who reads adds them up.
 */
#include "upstream/tally.h"

#include <string.h>

#include "base/pool.h"
#include "base/shm.h"
#include "upstream/group.h"

enum { ROWS = 8 };

/* A place is a group's or a server's: both are as large as the larger. */
union place {
    struct wr_group_tally group;
    struct wr_peer_counts server;
};

struct wr_tallies {
    struct wr_shm shm;
    size_t n;      /* places of a row */
    size_t *first; /* by group: its place; its servers' come behind it */
};

static void
end(void *data)
{
    struct wr_tallies *all = data;

    wr_shm_close(&all->shm);
}

bool
wr_tallies_create(struct weir_conf *cf, struct wr_upstream_conf *top, struct wr_err *err)
{
    size_t groups = wr_upstream_count(top);
    struct wr_tallies *all = wr_pool_zalloc(cf->pool, sizeof(*all));
    int rc;

    if (groups == 0) {
        return true;
    }
    all->first = wr_pool_array(cf->pool, size_t, groups);
    for (size_t i = 0; i < groups; i++) {
        const weir_upstream *u = wr_upstream_group(top, i);
        all->first[i] = all->n;
        all->n += u->defined != NULL ? 1 + u->servers.count : 0;
    }
    if (all->n == 0) {
        return true;
    }
    rc = wr_shm_open(&all->shm, ROWS * all->n * sizeof(union place));
    if (rc != 0) {
        return wr_err_set(err, "cannot get memory for counters of upstreams: %s", strerror(-rc));
    }
    weir_on_end(cf->pool, end, all);
    top->tallies = all;
    return true;
}

static union place *
place_at(const struct wr_tallies *all, size_t row, size_t i, size_t within)
{
    return (union place *)all->shm.at + row * all->n + all->first[i] + within;
}

void
wr_tallies_join(struct wr_upstream_conf *top)
{
    const struct wr_tallies *all = top->tallies;
    size_t row = weir_worker_index() % ROWS;

    for (size_t i = 0; all != NULL && i < wr_upstream_count(top); i++) {
        weir_upstream *u = wr_upstream_group(top, i);
        size_t within = 1;
        if (u->defined == NULL) {
            continue;
        }
        u->tally = &place_at(all, row, i, 0)->group;
        WR_VEC_EACH (struct wr_group_server *, s, &u->servers) {
            (*s)->counts = &place_at(all, row, i, within++)->server;
        }
    }
}

/* The sum of a place over all rows. Both kinds of places are nothing but counters. */
static union place
sum(const struct wr_tallies *all, size_t i, size_t within)
{
    uint64_t total[sizeof(union place) / sizeof(uint64_t)] = { 0 };
    union place to;

    for (size_t row = 0; row < ROWS; row++) {
        const uint64_t *at = (const uint64_t *)(const void *)place_at(all, row, i, within);
        for (size_t k = 0; k < WR_COUNT(total); k++) {
            total[k] += __atomic_load_n(&at[k], __ATOMIC_RELAXED);
        }
    }
    memcpy(&to, total, sizeof(to));
    return to;
}

struct wr_group_tally
wr_tally_of_group(const struct wr_upstream_conf *top, size_t i)
{
    return sum(top->tallies, i, 0).group;
}

struct wr_peer_counts
wr_tally_of_server(const struct wr_upstream_conf *top, size_t i, size_t k)
{
    return sum(top->tallies, i, k + 1).server;
}

static void
add(uint64_t *to, uint64_t n)
{
    __atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

void
wr_tally_try(struct wr_group_tally *tally, const struct wr_try *t)
{
    if (tally == NULL) {
        return;
    }
    add(&tally->tries, 1);
    add(&tally->sent, t->sent);
    add(&tally->received, t->received);
    add(&tally->response_ms, (uint64_t)t->response_ms);
    if (t->connect_ms >= 0) {
        add(&tally->connections, 1);
        add(&tally->connect_ms, (uint64_t)t->connect_ms);
    }
    if (t->head_ms >= 0 && t->status >= 100 && t->status <= 599) {
        add(&tally->responses[t->status / 100 - 1], 1);
        add(&tally->header_ms, (uint64_t)t->head_ms);
    }
}
