/*
 * ring.c - where the points lie: the sums are nginx's, so that keys stay with their servers when one
 * takes the other's place.
 *
 * A point is the CRC-32 of the server's host, a zero byte, its port, and the point before it (four
 * bytes, the lowest first; zeros for the first point).
 */
#include "ring.h"

#include <stdlib.h>
#include <zlib.h>

enum { POINTS = 160 }; /* for a weight of 1 */

/* "host", "host:port", "unix:/path" to its host and port as they are summed. */
static void
split(weir_str name, weir_str *host, weir_str *port)
{
    *host = name;
    *port = WEIR_STR("");
    if (weir_str_after(name, WEIR_STR("unix:"), host)) {
        return;
    }
    for (size_t i = name.len; i-- != 0;) {
        if (name.data[i] == ':') {
            *host = (weir_str){ name.data, i };
            *port = (weir_str){ name.data + i + 1, name.len - i - 1 };
            return;
        }
    }
}

static uint32_t
sum(uint32_t before, weir_str bytes)
{
    return (uint32_t)crc32(before, (const Bytef *)bytes.data, (uInt)bytes.len);
}

/* The points of one server, behind those there are. */
static void
add_points(struct ring *ring, const weir_peer *p, uint32_t peer)
{
    uint8_t before[4] = { 0, 0, 0, 0 };
    weir_str host, port;
    uint32_t base;

    split(p->name, &host, &port);
    base = sum(sum(sum(0, host), (weir_str){ "", 1 }), port);
    for (uint64_t i = 0; i < (uint64_t)p->weight * POINTS; i++) {
        uint32_t hash = sum(base, (weir_str){ (const char *)before, sizeof(before) });
        ring->points[ring->n++] = (struct point){ hash, peer };
        for (int k = 0; k < 4; k++) {
            before[k] = (uint8_t)(hash >> 8 * k);
        }
    }
}

static int
compare(const void *a, const void *b)
{
    const struct point *p = a, *q = b;

    if (p->hash != q->hash) {
        return p->hash < q->hash ? -1 : 1;
    }
    return p->peer < q->peer ? -1 : p->peer > q->peer;
}

static bool
takes_part(const weir_peer *p, bool backups)
{
    return ((p->flags & WEIR_PEER_BACKUP) != 0) == backups;
}

/* Points of peers; a server that has several addresses has them once for each, at the same places. */
static size_t
count_points(const weir_upstream *u, bool backups)
{
    size_t n = 0;

    for (uint32_t i = 0; i < weir_upstream_count(u); i++) {
        const weir_peer *p = weir_upstream_peer(u, i);
        n += takes_part(p, backups) ? (size_t)p->weight * POINTS : 0;
    }
    return n;
}

void
ring_make(struct ring *ring, const weir_upstream *u, bool backups)
{
    size_t kept = 0;

    ring->generation = weir_upstream_generation(u);
    ring->n = 0;
    ring->points = weir_alloc(ring->pool, (count_points(u, backups) + 1) * sizeof(struct point));
    for (uint32_t i = 0; i < weir_upstream_count(u); i++) {
        if (takes_part(weir_upstream_peer(u, i), backups)) {
            add_points(ring, weir_upstream_peer(u, i), i);
        }
    }
    qsort(ring->points, ring->n, sizeof(struct point), compare);
    for (size_t i = 0; i < ring->n; i++) {
        if (kept == 0 || ring->points[kept - 1].hash != ring->points[i].hash) {
            ring->points[kept++] = ring->points[i];
        }
    }
    ring->n = kept;
}

size_t
ring_find(const struct ring *ring, weir_str key)
{
    uint32_t hash = sum(0, key);
    size_t from = 0, to = ring->n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (ring->points[middle].hash < hash) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}
