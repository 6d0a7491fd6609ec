/* limit_req/store_zone.c - buckets in shared memory. A bucket that has leaked empty is forgotten a
 * minute later; when there is no room, the one that was not used for longest is. */
#include "store.h"

enum { KEEP_MS = 60 * 1000 };

struct step {
    uint64_t rate, now_ms, most;
    uint64_t excess; /* out */
};

static uint64_t
look(void *data, weir_str key, uint64_t rate, uint64_t now_ms)
{
    struct bucket b = { 0, 0 };

    (void)weir_map_get(data, key, &b);
    return bucket_excess(&b, rate, now_ms);
}

static int
count_one(void *data, void *value, bool is_new)
{
    struct step *s = data;
    struct bucket *b = value;

    (void)is_new;
    s->excess = bucket_excess(b, s->rate, s->now_ms);
    if (s->excess > s->most) {
        return WEIR_LIMIT;
    }
    b->excess = s->excess;
    b->last_ms = s->now_ms != 0 ? s->now_ms : 1;
    return WEIR_OK;
}

static uint64_t
count(void *data, weir_str key, uint64_t rate, uint64_t now_ms, uint64_t most)
{
    struct step s = { .rate = rate, .now_ms = now_ms, .most = most };
    uint64_t ttl = KEEP_MS + bucket_wait_ms(most, 0, rate);

    (void)weir_map_update(data, key, ttl, count_one, &s);
    return s.excess;
}

const struct store store_zone = { look, count };

weir_map *
store_zone_claim(weir_conf *cf, weir_zone *zone)
{
    return weir_map_claim(cf, zone, "limit_req/1", sizeof(struct bucket));
}
