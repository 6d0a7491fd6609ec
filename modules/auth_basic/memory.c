/* memory.c - a table of keyed sums, in sets of a few places each. */
#include "memory.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { WAYS = 4, SETS = MEMORY_PLACES / WAYS };

struct place {
    uint8_t mark[MARK_SIZE];
    uint64_t until; /* 0: free */
};

struct memory {
    uint8_t key[MARK_SIZE];
    struct place at[SETS][WAYS];
};

struct memory *
memory_create(weir_pool *pool)
{
    struct memory *m = weir_zalloc(pool, sizeof(*m));

    weir_random(m->key, sizeof(m->key));
    return m;
}

/* The sum of the three parts' sums: no part can run into the next. */
bool
memory_mark(const struct memory *m, weir_str hash, weir_str user, weir_str password,
            uint8_t mark[MARK_SIZE])
{
    const weir_str parts[] = { hash, user, password };
    uint8_t sums[3][MARK_SIZE];
    unsigned len = MARK_SIZE;
    bool good = true;

    for (size_t i = 0; i < 3; i++) {
        good = good && HMAC(EVP_sha256(), m->key, MARK_SIZE, (const uint8_t *)parts[i].data,
                            parts[i].len, sums[i], &len) != NULL;
    }
    good = good && HMAC(EVP_sha256(), m->key, MARK_SIZE, sums[0], sizeof(sums), mark, &len) != NULL;
    OPENSSL_cleanse(sums, sizeof(sums));
    return good;
}

static uint32_t
set_of(const uint8_t mark[MARK_SIZE])
{
    return (mark[0] | (uint32_t)mark[1] << 8) % SETS;
}

bool
memory_has(const struct memory *m, const uint8_t mark[MARK_SIZE], uint64_t now)
{
    const struct place *set = m->at[set_of(mark)];

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].until > now && CRYPTO_memcmp(set[i].mark, mark, MARK_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

void
memory_add(struct memory *m, const uint8_t mark[MARK_SIZE], uint64_t until)
{
    struct place *set = m->at[set_of(mark)], *to = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (memcmp(set[i].mark, mark, MARK_SIZE) == 0) {
            to = &set[i];
            break;
        }
        to = set[i].until < to->until ? &set[i] : to;
    }
    memcpy(to->mark, mark, MARK_SIZE);
    to->until = until;
}
