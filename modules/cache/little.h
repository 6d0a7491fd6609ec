/* cache/little.h - numbers in files, the least byte first. */
#ifndef CACHE_LITTLE_H
#define CACHE_LITTLE_H

#include <stdint.h>

/* The low `bytes` bytes of v, at most 8. */
static inline void
little_put(uint8_t *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        p[i] = (uint8_t)(v >> 8 * i);
    }
}

static inline uint64_t
little_get(const uint8_t *p, int bytes)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++) {
        v |= (uint64_t)p[i] << 8 * i;
    }
    return v;
}

#endif
