/* upstream/peer.c - what happens to a peer: taken, given back, failing, well again. */
#include "upstream/peer.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "upstream/share.h"

enum { AVERAGE_PART = 8 }; /* a sample moves an average by this part of the difference */

#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define STORE(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)

/* ---- Life. ---- */

static uint64_t
mix(uint64_t h, const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        h = (h ^ (uint8_t)at[i]) * 0x100000001b3; /* FNV-1a */
    }
    return h;
}

/* What weir_peer.id is for such a peer. */
static uint64_t
id_of(weir_str name, weir_str text, uint32_t nth)
{
    uint64_t h = mix(0xcbf29ce484222325, name.data, name.len);

    h = mix(h, "", 1);
    h = mix(h, text.data, text.len);
    h = mix(h, "", 1) ^ nth;
    h = (h ^ h >> 33) * 0xff51afd7ed558ccd; /* FNV's high bits alone are not well mixed */
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
    return h ^ h >> 33;
}

void
wr_peer_set(const struct wr_group_peer *p, struct wr_peer_state *state)
{
    const struct wr_group_server *s = p->server;
    uint32_t ours = WEIR_PEER_DOWN | WEIR_PEER_DRAIN | WEIR_PEER_BACKUP;
    uint32_t flags = (s->down ? WEIR_PEER_DOWN : 0u) | (s->drain ? WEIR_PEER_DRAIN : 0u) |
                     (p->backup ? WEIR_PEER_BACKUP : 0u);

    STORE(state->pub.weight, p->weight);
    STORE(state->pub.max_conns, s->max_conns);
    __atomic_and_fetch(&state->pub.flags, ~ours, __ATOMIC_RELAXED);
    __atomic_or_fetch(&state->pub.flags, flags, __ATOMIC_RELAXED);
}

struct wr_group_peer *
wr_peer_create(const struct wr_group_server *server, const struct wr_addr *addr, uint32_t weight,
               bool backup, uint32_t nth)
{
    char room[WR_ADDR_TEXT];
    struct wr_strbuf text = wr_strbuf_over(room, sizeof(room));
    struct wr_group_peer *p;
    char *copy;

    wr_addr_format(addr, false, &text);
    p = calloc(1, sizeof(*p) + text.len + 1);
    WR_ASSERT(p != NULL);
    copy = (char *)(p + 1);
    memcpy(copy, room, text.len);
    wr_list_init(&p->joined);
    p->addr = *addr;
    p->name = server->name;
    p->text = (weir_str){ copy, text.len };
    p->server = server;
    p->weight = weight;
    p->backup = backup;
    p->nth = nth;
    p->effective = weight;
    p->index = WR_PEER_OUT;
    p->state = &p->own;
    p->active_here = &p->own_active;
    p->own.pub.name = p->name;
    p->own.pub.addr = p->text;
    p->own.pub.route = server->route;
    p->own.pub.id = id_of(p->name, p->text, nth);
    p->own.pub.share = WR_PEER_SHARE_FULL;
    wr_peer_set(p, &p->own);
    return p;
}

static void
end(struct wr_group_peer *p)
{
    if (p->share != NULL) {
        wr_share_leave_peer(p);
    }
    free(p);
}

void
wr_peer_release(struct wr_group_peer *p)
{
    WR_ASSERT(p->holds != 0);
    if (--p->holds == 0 && p->index == WR_PEER_OUT) {
        end(p);
    }
}

void
wr_peer_retire(struct wr_group_peer *p)
{
    p->index = WR_PEER_OUT;
    if (p->holds == 0) {
        end(p);
    }
}

/* ---- Exchanges under way. ----
 * The worker's own part is counted first and given back last, so that what a worker leaves behind
 * when it dies is never more in the sum than in its part. */

bool
wr_peer_take(struct wr_group_peer *p)
{
    weir_peer *pub = &p->state->pub;
    uint32_t limit = LOAD(pub->max_conns);

    STORE(*p->active_here, *p->active_here + 1);
    if (__atomic_fetch_add(&pub->active, 1, __ATOMIC_RELAXED) >= limit && limit != 0) {
        wr_peer_give_back(p);
        return false;
    }
    return true;
}

void
wr_peer_give_back(struct wr_group_peer *p)
{
    WR_ASSERT(*p->active_here != 0);
    __atomic_fetch_sub(&p->state->pub.active, 1, __ATOMIC_RELAXED);
    STORE(*p->active_here, *p->active_here - 1);
}

/* ---- Failing. ---- */

bool
wr_peer_left_out(const struct wr_group_peer *p)
{
    const struct wr_peer_state *s = p->state;

    return p->server->max_fails != 0 && LOAD(s->pub.fails) >= p->server->max_fails &&
           wr_clock.now_ms - LOAD(s->checked_ms) <= p->server->fail_timeout_ms;
}

void
wr_peer_tried(struct wr_group_peer *p)
{
    struct wr_peer_state *s = p->state;

    if (wr_clock.now_ms - LOAD(s->checked_ms) > p->server->fail_timeout_ms) {
        STORE(s->checked_ms, wr_clock.now_ms);
    }
}

bool
wr_peer_failed(struct wr_group_peer *p, bool alone)
{
    struct wr_peer_state *s = p->state;
    uint32_t max = alone ? 0 : p->server->max_fails;
    uint32_t fails = __atomic_add_fetch(&s->pub.fails, 1, __ATOMIC_RELAXED);

    wr_peer_count(&wr_peer_counts(p)->fails);
    STORE(s->failed_ms, wr_clock.now_ms);
    STORE(s->checked_ms, wr_clock.now_ms);
    if (max == 0) {
        return false;
    }
    p->effective = WR_MAX(p->effective - (int64_t)(p->weight / max), 0);
    if (fails < max) {
        return false;
    }
    if ((wr_peer_flags(p) & WEIR_PEER_FAILED) == 0) {
        wr_peer_count(&wr_peer_counts(p)->unavail);
        wr_peer_flag(p, WEIR_PEER_FAILED, true);
    }
    return true;
}

void
wr_peer_worked(struct wr_group_peer *p)
{
    struct wr_peer_state *s = p->state;

    if (LOAD(s->pub.fails) == 0 || LOAD(s->failed_ms) >= LOAD(s->checked_ms)) {
        return; /* failures within fail_timeout add up */
    }
    STORE(s->pub.fails, 0);
    if ((wr_peer_flags(p) & WEIR_PEER_FAILED) != 0) {
        wr_peer_flag(p, WEIR_PEER_FAILED, false);
        wr_peer_start_slowly(p);
    }
}

/* ---- Starting. ---- */

void
wr_peer_start_slowly(struct wr_group_peer *p)
{
    if (p->server->slow_start_ms != 0) {
        STORE(p->state->start_ms, wr_clock.now_ms);
        (void)wr_peer_share(p);
    }
}

uint32_t
wr_peer_share(struct wr_group_peer *p)
{
    struct wr_peer_state *s = p->state;
    uint64_t start = LOAD(s->start_ms), gone;
    uint32_t share;

    if (WR_LIKELY(start == 0)) {
        return WR_PEER_SHARE_FULL;
    }
    gone = wr_clock.now_ms > start ? wr_clock.now_ms - start : 0;
    share = gone < p->server->slow_start_ms
                ? (uint32_t)(gone * WR_PEER_SHARE_FULL / p->server->slow_start_ms)
                : WR_PEER_SHARE_FULL;
    if (share == WR_PEER_SHARE_FULL) {
        STORE(s->start_ms, 0);
    }
    share = WR_MAX(share, 1u);
    STORE(s->pub.share, share);
    return share;
}

/* ---- Small things. ---- */

uint32_t
wr_peer_flags(const struct wr_group_peer *p)
{
    return LOAD(p->state->pub.flags);
}

void
wr_peer_flag(struct wr_group_peer *p, uint32_t flags, bool set)
{
    if (set) {
        __atomic_or_fetch(&p->state->pub.flags, flags, __ATOMIC_RELAXED);
    } else {
        __atomic_and_fetch(&p->state->pub.flags, ~flags, __ATOMIC_RELAXED);
    }
}

void
wr_peer_average(uint32_t *average_us, uint64_t us)
{
    int64_t old = LOAD(*average_us), sample = (int64_t)WR_MIN(us, (uint64_t)UINT32_MAX);

    if (old == 0) {
        old = sample;
    }
    STORE(*average_us, (uint32_t)WR_MAX(old + (sample - old) / AVERAGE_PART, 1));
}
