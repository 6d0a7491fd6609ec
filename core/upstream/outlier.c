/* upstream/outlier.c - errors in a row, and the time without a peer that they cost it. */
#include "upstream/outlier.h"

#include "base/clock.h"
#include "upstream/tally.h"

#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define STORE(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)

/* May one more be left out? */
static bool
has_room(const weir_upstream *u)
{
    uint32_t out = 0;

    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        out += (wr_peer_flags(wr_group_peer(u, i)) & WEIR_PEER_EJECTED) != 0;
    }
    return (uint64_t)(out + 1) * 100 <= (uint64_t)wr_group_count(u) * u->outlier.max_percent;
}

static void
eject(const weir_upstream *u, struct wr_group_peer *p, const weir_log *log)
{
    STORE(p->state->ejected_ms, wr_clock.now_ms + u->outlier.time_ms);
    wr_peer_flag(p, WEIR_PEER_EJECTED, true);
    WR_TALLY(u->tally, ejections);
    weir_say(log, WARN,
             "upstream server left out for %llu ms after %u errors in a row, upstream: \"%.*s\"",
             (unsigned long long)u->outlier.time_ms, u->outlier.errors, WEIR_FMT(p->text));
}

void
wr_outlier_note(weir_upstream *u, struct wr_group_peer *p, bool error, const weir_log *log)
{
    struct wr_peer_state *s = p->state;
    uint32_t streak;

    if (u->outlier.errors == 0) {
        return;
    }
    if (!error) {
        if (LOAD(s->streak) != 0) {
            STORE(s->streak, 0);
        }
        return;
    }
    if (LOAD(s->streak) == 0 || wr_clock.now_ms - LOAD(s->streak_ms) > u->outlier.window_ms) {
        STORE(s->streak, 0);
        STORE(s->streak_ms, wr_clock.now_ms);
    }
    streak = __atomic_add_fetch(&s->streak, 1, __ATOMIC_RELAXED);
    if (streak >= u->outlier.errors && (wr_peer_flags(p) & WEIR_PEER_EJECTED) == 0 && has_room(u)) {
        STORE(s->streak, 0);
        eject(u, p, log);
    }
}

bool
wr_outlier_out(struct wr_group_peer *p)
{
    if (wr_clock.now_ms < LOAD(p->state->ejected_ms)) {
        return true;
    }
    wr_peer_flag(p, WEIR_PEER_EJECTED, false);
    wr_peer_start_slowly(p);
    return false;
}
