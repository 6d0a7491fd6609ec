/* http/core_ssl_certificate.c - names with variables are worked out for a request that is made for the handshake and asks for
 * nothing; what they name is read, and kept as ssl_certificate_cache says.
 */
#include "http/core_ssl_certificate.h"

#include "base/log.h"
#include "base/str.h"
#include "http/request.h"
#include "tls/pair_cache.h"

struct wr_ssl_certificates {
    size_t n;
    weir_value **certificates, **keys; /* n of each */
    struct wr_tls_pair_cache *cache;
};

bool
wr_ssl_certificate_varies(const struct wr_ssl_conf *c, size_t i)
{
    return weir_str_find(c->certificates.at[i], '$') != c->certificates.at[i].len ||
           weir_str_find(c->keys.at[i], '$') != c->keys.at[i].len;
}

bool
wr_ssl_certificates_create(weir_conf *cf, const struct wr_ssl_conf *c, struct wr_tls_passwords passwords,
                           struct wr_ssl_certificates **made)
{
    const struct wr_tls_pair_keeping keeping = {
        .max = c->certificate_cache.on ? (size_t)c->certificate_cache.max : 0,
        .inactive_ms = c->certificate_cache.inactive_ms,
        .valid_ms = c->certificate_cache.valid_ms
    };
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
    all->cache = wr_tls_pair_cache_create(weir_conf_pool(cf), &keeping, passwords);
    *made = all;
    return true;
}

/* The pair of these names. NULL after a log line. */
static const struct wr_tls_pair *
find(const struct wr_ssl_certificates *all, weir_str certificate, weir_str key,
     const struct wr_tls_stream *s)
{
    struct wr_err err;
    const struct wr_tls_pair *p = wr_tls_pair_cache_get(all->cache, certificate, key, &err);

    if (p == NULL) {
        wr_conn_say(s->conn, ERROR, "%s while SSL handshaking", err.text);
    }
    return p;
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
        const struct wr_tls_pair *p = find(all, certificate, key, s);
        good = p != NULL && wr_tls_stream_show(s, p);
    }
    wr_request_free(r);
    wr_pool_fini(&pool);
    return good;
}
