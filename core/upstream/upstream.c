/* upstream/upstream.c - what modules may ask and change about a group and its peers: weir_upstream
 * and weir_peer of the ABI. */
#include <weir/upstream.h>

#include "base/assert.h"
#include "upstream/group.h"

weir_str
weir_upstream_name(const weir_upstream *u)
{
    WR_CHECK(u, WR_GROUP_TAG);
    return u->name;
}

uint32_t
weir_upstream_count(const weir_upstream *u)
{
    WR_CHECK(u, WR_GROUP_TAG);
    return wr_group_count(u);
}

const weir_peer *
weir_upstream_peer(const weir_upstream *u, uint32_t i)
{
    return &wr_group_peer(u, i)->state->pub;
}

uint64_t
weir_upstream_generation(const weir_upstream *u)
{
    WR_CHECK(u, WR_GROUP_TAG);
    return u->generation;
}

static int
change(weir_upstream *u, uint64_t id, uint32_t flag, bool set)
{
    struct wr_group_peer *p;

    WR_CHECK(u, WR_GROUP_TAG);
    p = wr_group_find(u, id);
    if (p == NULL) {
        return WEIR_ABSENT;
    }
    if ((wr_peer_flags(p) & flag) != 0 && !set && flag != WEIR_PEER_DRAIN) {
        wr_peer_start_slowly(p);
    }
    wr_peer_flag(p, flag, set);
    return WEIR_OK;
}

int
weir_peer_set_down(weir_upstream *u, uint64_t id, bool down)
{
    return change(u, id, WEIR_PEER_DOWN, down);
}

int
weir_peer_set_drain(weir_upstream *u, uint64_t id, bool drain)
{
    return change(u, id, WEIR_PEER_DRAIN, drain);
}

int
weir_peer_set_health(weir_upstream *u, uint64_t id, bool healthy)
{
    return change(u, id, WEIR_PEER_UNHEALTHY, !healthy);
}
