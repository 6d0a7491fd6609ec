/* cache/sip.c - SipHash-2-4-128 [Aumasson, Bernstein: SipHash, a fast short-input PRF]. */
#include "sip.h"

#include <endian.h>
#include <string.h>

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t
turn(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static inline void
rounds(struct state *s, int n)
{
    for (int i = 0; i < n; i++) {
        s->v0 += s->v1;
        s->v1 = turn(s->v1, 13) ^ s->v0;
        s->v0 = turn(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = turn(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = turn(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = turn(s->v1, 17) ^ s->v2;
        s->v2 = turn(s->v2, 32);
    }
}

/* n bytes, least significant first. */
static inline uint64_t
load(const uint8_t *p, size_t n)
{
    uint64_t x = 0;

    if (n == sizeof(x)) {
        memcpy(&x, p, sizeof(x));
        return le64toh(x);
    }
    for (size_t i = 0; i < n; i++) {
        x |= (uint64_t)p[i] << 8 * i;
    }
    return x;
}

static inline void
take(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    rounds(s, 2);
    s->v0 ^= word;
}

void
sip_hash(const uint64_t key[2], const void *bytes, size_t len, uint64_t hash[2])
{
    struct state s = { key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                       key[0] ^ UINT64_C(0x6c7967656e657261),
                       key[1] ^ UINT64_C(0x7465646279746573) };
    const uint8_t *p = bytes;
    size_t left = len;

    s.v1 ^= 0xee;
    for (; left >= 8; left -= 8, p += 8) {
        take(&s, load(p, 8));
    }
    take(&s, load(p, left) | (uint64_t)len << 56);
    s.v2 ^= 0xee;
    rounds(&s, 4);
    hash[0] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    s.v1 ^= 0xdd;
    rounds(&s, 4);
    hash[1] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
