/* tls/authorities.c - stores of authorities. */
#include "tls/authorities.h"

#include <openssl/err.h>

#include "base/assert.h"
#include "base/pool.h"
#include "tls/fault.h"

struct wr_tls_authorities {
    X509_STORE *store;
    STACK_OF(X509_NAME) *names; /* for clients; NULL: none */
};

static bool
load_file(X509_STORE *store, weir_str path, struct wr_err *err)
{
    return path.data == NULL || X509_STORE_load_file(store, path.data) == 1 ||
           wr_tls_fault(err, "SSL_CTX_load_verify_locations(\"%.*s\") failed", WEIR_FMT(path));
}

static bool
load_crl(X509_STORE *store, weir_str path, struct wr_err *err)
{
    X509_LOOKUP *lookup;

    if (path.data == NULL) {
        return true;
    }
    lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (lookup == NULL || X509_load_crl_file(lookup, path.data, X509_FILETYPE_PEM) < 1) {
        return wr_tls_fault(err, "X509_load_crl_file(\"%.*s\") failed", WEIR_FMT(path));
    }
    return X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1;
}

static bool
load(struct wr_tls_authorities *a, const struct wr_tls_settings *set, struct wr_err *err)
{
    if (set->client_authorities.data != NULL && !set->client) {
        a->names = SSL_load_client_CA_file(set->client_authorities.data);
        if (a->names == NULL) {
            return wr_tls_fault(err, "SSL_load_client_CA_file(\"%.*s\") failed",
                                WEIR_FMT(set->client_authorities));
        }
    }
    if (set->system_authorities && X509_STORE_set_default_paths(a->store) != 1) {
        return wr_tls_fault(err, "the system's authorities cannot be had");
    }
    return load_file(a->store, set->client_authorities, err) &&
           load_file(a->store, set->authorities, err) && load_crl(a->store, set->crl, err);
}

bool
wr_tls_authorities_find(struct wr_tls_bank *b, const struct wr_tls_settings *set,
                        struct wr_tls_authorities **found, struct wr_err *err)
{
    struct wr_tls_authorities *a;
    weir_str name;

    *found = NULL;
    if (set->client_authorities.data == NULL && set->authorities.data == NULL &&
        set->crl.data == NULL && !set->system_authorities) {
        return true;
    }
    name = weir_print(b->pool, "%d%d\n%.*s\n%.*s\n%.*s", set->client, set->system_authorities,
                      WEIR_FMT(set->client_authorities), WEIR_FMT(set->authorities),
                      WEIR_FMT(set->crl));
    a = wr_map_find(&b->authorities, name);
    if (a == NULL) {
        a = wr_pool_zalloc(b->pool, sizeof(*a));
        a->store = X509_STORE_new();
        WR_ASSERT(a->store != NULL);
        ERR_clear_error();
        if (!load(a, set, err)) {
            wr_tls_authorities_free(a);
            return false;
        }
        ERR_clear_error();
        (void)wr_map_add(&b->authorities, name, a);
    }
    *found = a;
    return true;
}

void
wr_tls_authorities_use(const struct wr_tls_authorities *a, SSL_CTX *c)
{
    SSL_CTX_set1_cert_store(c, a->store);
    if (a->names != NULL) {
        SSL_CTX_set_client_CA_list(c, SSL_dup_CA_list(a->names));
    }
}

void
wr_tls_authorities_free(struct wr_tls_authorities *a)
{
    X509_STORE_free(a->store);
    sk_X509_NAME_pop_free(a->names, X509_NAME_free);
    a->store = NULL;
    a->names = NULL;
}

X509 *
wr_tls_authorities_issuer(const struct wr_tls_authorities *a, X509 *leaf)
{
    X509_STORE_CTX *look = X509_STORE_CTX_new();
    X509 *issuer = NULL;

    if (a == NULL || look == NULL || X509_STORE_CTX_init(look, a->store, NULL, NULL) != 1 ||
        X509_STORE_CTX_get1_issuer(&issuer, look, leaf) != 1) {
        issuer = NULL;
    }
    X509_STORE_CTX_free(look);
    ERR_clear_error();
    return issuer;
}
