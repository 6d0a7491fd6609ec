/* cache/little.h - numbers in files, the least byte first. */
#ifndef CACHE_LITTLE_H
#define CACHE_LITTLE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* The low `bytes` bytes of v, at most 8. */
static inline void
little_put(uint8_t *p, uint64_t v, int bytes)
{
    v = htole64(v);
    memcpy(p, &v, (size_t)bytes);
}

static inline uint64_t
little_get(const uint8_t *p, int bytes)
{
    uint64_t v = 0;

    memcpy(&v, p, (size_t)bytes);
    return le64toh(v);
}

#endif
