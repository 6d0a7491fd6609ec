/* http/core_ssl_certificate.c - names with variables are worked out for a request that is made for the handshake and asks for
 * nothing; what they name is read, and kept as ssl_certificate_cache says.
 *
 * The cache has as many places as it may have certificates; a pair has one of them, by its names.
 */
#include "http/core_ssl_certificate.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "http/request.h"

/* One pair that was read for a handshake. */
struct kept {
    struct wr_tls_pair pair; /* its texts are this entry's */
    uint64_t used_ms, checked_ms;
};

struct wr_ssl_certificates {
    const struct wr_ssl_conf *conf;
    weir_strs passwords;
    size_t n;
    weir_value **certificates, **keys; /* n of each */
    struct kept *last;                 /* read for the handshake under way, when nothing is kept */
    struct kept **places;              /* NULL: nothing is kept */
};

bool
wr_ssl_certificate_varies(const struct wr_ssl_conf *c, size_t i)
{
    return wr_str_find(c->certificates.at[i], '$') != c->certificates.at[i].len ||
           wr_str_find(c->keys.at[i], '$') != c->keys.at[i].len;
}

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
    struct wr_ssl_certificates *all = data;

    drop(&all->last);
    for (int64_t i = 0; all->places != NULL && i < all->conf->certificate_cache.max; i++) {
        drop(&all->places[i]);
    }
}

bool
wr_ssl_certificates_create(weir_conf *cf, const struct wr_ssl_conf *c, weir_strs passwords,
                           struct wr_ssl_certificates **made)
{
    struct wr_ssl_certificates *all;
    bool varies = false;

    *made = NULL;
    for (size_t i = 0; i < c->certificates.count; i++) {
        varies = varies || wr_ssl_certificate_varies(c, i);
    }
    if (!varies) {
        return true;
    }
    all = wr_pool_zalloc(weir_conf_pool(cf), sizeof(*all));
    all->conf = c;
    all->passwords = passwords;
    all->n = c->certificates.count;
    all->certificates = wr_pool_array(weir_conf_pool(cf), weir_value *, all->n);
    all->keys = wr_pool_array(weir_conf_pool(cf), weir_value *, all->n);
    for (size_t i = 0; i < all->n; i++) {
        all->certificates[i] = weir_value_compile(cf, c->certificates.at[i]);
        all->keys[i] = weir_value_compile(cf, c->keys.at[i]);
        if (all->certificates[i] == NULL || all->keys[i] == NULL) {
            return false;
        }
    }
    if (c->certificate_cache.on) {
        all->places = wr_pool_array(weir_conf_pool(cf), struct kept *,
                                    (size_t)c->certificate_cache.max);
    }
    weir_on_end(weir_conf_pool(cf), end, all);
    *made = all;
    return true;
}

/* ---- Finding. ---- */

static weir_str
copy(weir_str s)
{
    weir_str c = { strndup(s.data, s.len), s.len };

    WR_ASSERT(c.data != NULL);
    return c;
}

/* Read it. NULL after a log line. */
static struct kept *
read_pair(const struct wr_ssl_certificates *all, weir_str certificate, weir_str key,
          const struct wr_tls_stream *s)
{
    struct kept *k = calloc(1, sizeof(*k));
    struct wr_err err;

    WR_ASSERT(k != NULL);
    k->pair.certificate = copy(certificate);
    k->pair.key = copy(key);
    k->pair.passwords = all->passwords;
    k->checked_ms = wr_clock.now_ms;
    if (!wr_tls_pair_load(&k->pair, &err)) {
        wr_say(wr_log_process(), ERROR, "*%llu %s", (unsigned long long)s->conn->number, err.text);
        drop(&k);
    }
    return k;
}

/* Is what is kept still right? */
static bool
holds(const struct wr_ssl_certificates *all, struct kept *k, weir_str certificate, weir_str key)
{
    const struct wr_ssl_certificate_cache *c = &all->conf->certificate_cache;

    if (k == NULL || !weir_str_eq(k->pair.certificate, certificate) ||
        !weir_str_eq(k->pair.key, key) || wr_clock.now_ms - k->used_ms > c->inactive_ms) {
        return false;
    }
    if (wr_clock.now_ms - k->checked_ms > c->valid_ms) {
        if (wr_tls_pair_stale(&k->pair)) {
            return false;
        }
        k->checked_ms = wr_clock.now_ms;
    }
    return true;
}

static struct wr_tls_pair *
pair_of(struct wr_ssl_certificates *all, weir_str certificate, weir_str key,
        const struct wr_tls_stream *s)
{
    struct kept **place = &all->last;
    uint64_t number = wr_str_hash(certificate) ^ (wr_str_hash(key) << 1);

    if (all->places != NULL) {
        place = &all->places[number % (uint64_t)all->conf->certificate_cache.max];
    }
    if (all->places == NULL || !holds(all, *place, certificate, key)) {
        drop(place);
        *place = read_pair(all, certificate, key, s);
    }
    if (*place != NULL) {
        (*place)->used_ms = wr_clock.now_ms;
    }
    return *place != NULL ? &(*place)->pair : NULL;
}

bool
wr_ssl_certificates_show(struct wr_ssl_certificates *all, const struct wr_ssl_site *site,
                         struct wr_tls_stream *s)
{
    struct weir_pool pool;
    struct wr_request *r;
    bool good = true;

    wr_pool_init(&pool, "handshake", NULL);
    r = wr_request_create(&pool, s->conn, NULL, NULL, site->server->http, site->server);
    for (size_t i = 0; good && i < all->n; i++) {
        weir_str certificate = weir_value_get(&r->pub, all->certificates[i]);
        weir_str key = weir_value_get(&r->pub, all->keys[i]);
        const struct wr_tls_pair *p = pair_of(all, certificate, key, s);
        good = p != NULL && wr_tls_stream_show(s, p);
    }
    wr_request_free(r);
    wr_pool_fini(&pool);
    return good;
}
