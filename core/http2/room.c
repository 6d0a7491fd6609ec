/* http2/room.c - places of equal size in one range of addresses, which is reserved when the first is needed; they go back to the
 * system when they are freed. What is smaller or larger, or does not fit any more, comes from the heap. */
#include "http2/room.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "net/conn.h"

enum {
    LEAST = 16 * 1024, /* bytes that make a buffer large */
    PLACE = 20 * 1024, /* whole pages, for nghttp2's largest */
    MOST = 64 * 1024   /* places */
};

/* This worker's. */
static struct {
    char *at; /* NULL: not reserved */
    bool tried;
    uint32_t room, used; /* places, and those that were ever given out */
    uint32_t *returned, n_returned;
} all;

static void
reserve(void)
{
    uint32_t n = wr_conn_counts.limit != 0 ? WR_MIN(wr_conn_counts.limit, (uint32_t)MOST) : MOST;
    void *at = mmap(NULL, (size_t)n * PLACE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    all.tried = true;
    if (at != MAP_FAILED) {
        (void)madvise(at, (size_t)n * PLACE, MADV_NOHUGEPAGE); /* one would make all its places resident */
        all.returned = malloc(n * sizeof(*all.returned));
        WR_ASSERT(all.returned != NULL);
        all.at = at;
        all.room = n;
    }
}

static bool
is_place(const void *p)
{
    return all.at != NULL && (uintptr_t)p >= (uintptr_t)all.at &&
           (uintptr_t)p < (uintptr_t)all.at + (size_t)all.room * PLACE;
}

static void *
take(size_t size, void *data)
{
    (void)data;
    if (size < LEAST || size > PLACE) {
        return malloc(size);
    }
    if (!all.tried) {
        reserve();
    }
    if (all.n_returned != 0) {
        return all.at + (size_t)all.returned[--all.n_returned] * PLACE;
    }
    return all.used < all.room ? all.at + (size_t)all.used++ * PLACE : malloc(size);
}

static void
give(void *p, void *data)
{
    (void)data;
    if (!is_place(p)) {
        free(p);
        return;
    }
    (void)madvise(p, PLACE, MADV_DONTNEED);
    all.returned[all.n_returned++] = (uint32_t)((size_t)((char *)p - all.at) / PLACE);
}

static void *
take_zeroed(size_t n, size_t size, void *data)
{
    (void)data;
    return calloc(n, size);
}

static void *
change(void *p, size_t size, void *data)
{
    void *to;

    if (p == NULL) { /* as nghttp2 makes its buffers */
        return take(size, data);
    }
    if (!is_place(p)) {
        return realloc(p, size);
    }
    if (size <= PLACE) {
        return p;
    }
    to = malloc(size);
    if (to != NULL) {
        memcpy(to, p, PLACE);
        give(p, data);
    }
    return to;
}

nghttp2_mem *
wr_room_memory(void)
{
    static nghttp2_mem memory = { NULL, take, give, take_zeroed, change };

    return &memory;
}
