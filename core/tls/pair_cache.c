/* tls/pair_cache.c - a table of pairs, each with texts of its own. */
#include "tls/pair_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/str.h"

struct kept {
    struct wr_tls_pair pair; /* its texts are this entry's */
    uint64_t used_ms, checked_ms;
};

struct wr_tls_pair_cache {
    struct wr_tls_pair_keeping how;
    struct wr_tls_passwords passwords;
    struct kept *last;    /* when nothing is kept: the newest one */
    struct kept **places; /* how.max of them; NULL: nothing is kept */
};

static void
drop(struct kept **k)
{
    if (*k != NULL) {
        wr_tls_pair_clear(&(*k)->pair);
        free((void *)(uintptr_t)(*k)->pair.certificate.data);
        free((void *)(uintptr_t)(*k)->pair.key.data);
        free(*k);
        *k = NULL;
    }
}

static void
end(void *data)
{
    struct wr_tls_pair_cache *c = data;

    drop(&c->last);
    for (size_t i = 0; c->places != NULL && i < c->how.max; i++) {
        drop(&c->places[i]);
    }
}

struct wr_tls_pair_cache *
wr_tls_pair_cache_create(weir_pool *pool, const struct wr_tls_pair_keeping *k,
                         struct wr_tls_passwords passwords)
{
    struct wr_tls_pair_cache *c = wr_pool_zalloc(pool, sizeof(*c));

    c->how = *k;
    c->passwords = passwords;
    if (k->max != 0) {
        c->places = wr_pool_array(pool, struct kept *, k->max);
    }
    weir_on_end(pool, end, c);
    return c;
}

static weir_str
copy(weir_str s)
{
    weir_str c = { strndup(s.data, s.len), s.len };

    WR_ASSERT(c.data != NULL);
    return c;
}

static struct kept *
read_pair(const struct wr_tls_pair_cache *c, weir_str certificate, weir_str key, struct wr_err *err)
{
    struct kept *k;

    if (memchr(certificate.data, '\0', certificate.len) != NULL ||
        memchr(key.data, '\0', key.len) != NULL) {
        (void)wr_err_set(err, "the name of a certificate or its key holds a zero byte");
        return NULL;
    }
    k = calloc(1, sizeof(*k));
    WR_ASSERT(k != NULL);
    k->pair.certificate = copy(certificate);
    k->pair.key = copy(key);
    k->pair.passwords = c->passwords;
    k->checked_ms = wr_clock.now_ms;
    if (!wr_tls_pair_load(&k->pair, err)) {
        drop(&k);
    }
    return k;
}

/* Is what is kept still right? */
static bool
holds(const struct wr_tls_pair_cache *c, struct kept *k, weir_str certificate, weir_str key)
{
    if (k == NULL || !weir_str_eq(k->pair.certificate, certificate) ||
        !weir_str_eq(k->pair.key, key) || wr_clock.now_ms - k->used_ms > c->how.inactive_ms) {
        return false;
    }
    if (wr_clock.now_ms - k->checked_ms > c->how.valid_ms) {
        if (wr_tls_pair_stale(&k->pair)) {
            return false;
        }
        k->checked_ms = wr_clock.now_ms;
    }
    return true;
}

const struct wr_tls_pair *
wr_tls_pair_cache_get(struct wr_tls_pair_cache *c, weir_str certificate, weir_str key,
                      struct wr_err *err)
{
    uint64_t number = wr_str_hash(certificate) ^ (wr_str_hash(key) << 1);
    struct kept **place = c->places != NULL ? &c->places[number % c->how.max] : &c->last;

    if (c->places == NULL || !holds(c, *place, certificate, key)) {
        drop(place);
        *place = read_pair(c, certificate, key, err);
    }
    if (*place != NULL) {
        (*place)->used_ms = wr_clock.now_ms;
    }
    return *place != NULL ? &(*place)->pair : NULL;
}
