/* base/str.c - comparing and hashing slices, and going through their parts. */
#include "base/str.h"

#include <string.h>

#include "base/assert.h"

/* Where two words of 8 bytes differ other than by the case of letters: 0 when they do not. */
static inline uint64_t
differ_fold(uint64_t a, uint64_t b)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t differ = a ^ b;

    if (differ == 0 || (differ & ~(each * 0x20)) != 0) {
        return differ;
    }
    /* Only bit 20 differs: that is the case of a letter where there is one. A sum per byte reaches
     * bit 80 from 'a' on, the other one behind 'z'. */
    uint64_t lower = a | each * 0x20;
    uint64_t from_a = (lower & each * 0x7f) + each * (0x80 - 'a');
    uint64_t behind_z = (lower & each * 0x7f) + each * (0x7f - 'z');
    uint64_t letters = from_a & ~behind_z & ~lower & each * 0x80;
    return differ & ~(letters >> 2);
}

static inline uint64_t
load_8(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint64_t
load_4(const char *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

bool
weir_str_ieq(weir_str a, weir_str b)
{
    size_t len = a.len;

    if (len != b.len) {
        return false;
    }
    if (len >= 8) { /* the last word overlaps the one before it */
        for (size_t i = 0; i < len - 8; i += 8) {
            if (differ_fold(load_8(a.data + i), load_8(b.data + i)) != 0) {
                return false;
            }
        }
        return differ_fold(load_8(a.data + len - 8), load_8(b.data + len - 8)) == 0;
    }
    if (len >= 4) {
        return differ_fold(load_4(a.data) | load_4(a.data + len - 4) << 32,
                           load_4(b.data) | load_4(b.data + len - 4) << 32) == 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (weir_lower((uint8_t)a.data[i]) != weir_lower((uint8_t)b.data[i])) {
            return false;
        }
    }
    return true;
}

int
wr_str_cmp(weir_str a, weir_str b)
{
    size_t n = WR_MIN(a.len, b.len);
    int order = n != 0 ? memcmp(a.data, b.data, n) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool
weir_str_next(weir_str *rest, char divider, weir_str *part)
{
    while (rest->len != 0) {
        weir_str one = weir_str_trim(weir_str_split(rest, divider));
        if (one.len != 0) {
            *part = one;
            return true;
        }
    }
    return false;
}

/* ---- SipHash-1-3: Aumasson and Bernstein's construction, one round a word, three to finish. ----
 */

static uint64_t hash_key[2];

static void
hash_key_draw(void)
{
    if (hash_key[0] == 0 && hash_key[1] == 0) {
        weir_random(hash_key, sizeof(hash_key));
    }
}

struct sip {
    uint64_t a, b, c, d;
};

static inline uint64_t
rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline void
sip_round(struct sip *v)
{
    v->a += v->b;
    v->b = rotate(v->b, 13) ^ v->a;
    v->a = rotate(v->a, 32);
    v->c += v->d;
    v->d = rotate(v->d, 16) ^ v->c;
    v->a += v->d;
    v->d = rotate(v->d, 21) ^ v->a;
    v->c += v->b;
    v->b = rotate(v->b, 17) ^ v->c;
    v->c = rotate(v->c, 32);
}

static inline uint64_t
word_at(const char *p, size_t len, bool fold)
{
    uint64_t w = 0;

    if (len == 8 && !fold) {
        memcpy(&w, p, 8);
        return w;
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)p[i];
        w |= (uint64_t)(fold ? weir_lower(c) : c) << (8 * i);
    }
    return w;
}

static uint64_t
sip(weir_str s, bool fold)
{
    size_t whole = s.len & ~(size_t)7;
    struct sip v;

    hash_key_draw();
    v.a = hash_key[0] ^ 0x736f6d6570736575u;
    v.b = hash_key[1] ^ 0x646f72616e646f6du;
    v.c = hash_key[0] ^ 0x6c7967656e657261u;
    v.d = hash_key[1] ^ 0x7465646279746573u;
    for (size_t i = 0; i <= whole; i += 8) {
        uint64_t w = i < whole ? word_at(s.data + i, 8, fold)
                               : word_at(s.data + i, s.len & 7, fold) | (uint64_t)s.len << 56;
        v.d ^= w;
        sip_round(&v);
        v.a ^= w;
    }
    v.c ^= 0xff;
    sip_round(&v);
    sip_round(&v);
    sip_round(&v);
    return v.a ^ v.b ^ v.c ^ v.d;
}

/* Both halves of the whole product: every bit of either factor reaches every bit of the result. */
static inline uint64_t
mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 whole;
    whole product = (whole)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The last eight bytes are one word, whatever of them was in the one before: with the length, they say what a rest would. */
uint64_t
wr_str_hash_quick(weir_str s)
{
    uint64_t h, odd;

    hash_key_draw();
    h = hash_key[0] ^ s.len;
    odd = hash_key[1] | 1;
    if (s.len < 8) {
        return mix(h ^ word_at(s.data, s.len, false), odd);
    }
    for (size_t at = 0; at + 8 < s.len; at += 8) {
        h = mix(h ^ word_at(s.data + at, 8, false), odd);
    }
    return mix(h ^ word_at(s.data + s.len - 8, 8, false), odd);
}

uint64_t
wr_str_hash(weir_str s)
{
    return sip(s, false);
}

uint64_t
wr_str_hash_fold(weir_str s)
{
    return sip(s, true);
}
