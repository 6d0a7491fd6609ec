/* tls/authorities.c - stores of authorities. */
#include "tls/authorities.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/assert.h"
#include "base/pool.h"
#include "tls/fault.h"

struct wr_tls_authorities {
    uint8_t digest[32]; /* of all that is in store */
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

/* Each object's digest, in the store's order, which is the same for the same files. */
static void
make_digest(struct wr_tls_authorities *a)
{
    const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(a->store);
    EVP_MD_CTX *all = EVP_MD_CTX_new();
    unsigned char one[EVP_MAX_MD_SIZE];
    unsigned int len;

    WR_ASSERT(all != NULL && EVP_DigestInit_ex(all, EVP_sha256(), NULL) == 1);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509_OBJECT *o = sk_X509_OBJECT_value(objects, i);
        X509 *certificate = X509_OBJECT_get0_X509(o);
        X509_CRL *crl = X509_OBJECT_get0_X509_CRL(o);
        len = 0;
        if (certificate != NULL) {
            (void)X509_digest(certificate, EVP_sha256(), one, &len);
        } else if (crl != NULL) {
            (void)X509_CRL_digest(crl, EVP_sha256(), one, &len);
        }
        (void)EVP_DigestUpdate(all, one, len);
    }
    WR_ASSERT(EVP_DigestFinal_ex(all, a->digest, NULL) == 1);
    EVP_MD_CTX_free(all);
}

X509_STORE *
wr_tls_authorities_store(const struct wr_tls_authorities *a)
{
    return a != NULL ? a->store : NULL;
}

void
wr_tls_authorities_digest(const struct wr_tls_authorities *a, uint8_t digest[32])
{
    if (a != NULL) {
        memcpy(digest, a->digest, sizeof(a->digest));
    } else {
        memset(digest, 0, sizeof(a->digest));
    }
}

bool
wr_tls_authorities_find(struct wr_tls_bank *b, const struct wr_tls_settings *set,
                        struct wr_tls_authorities **found, struct wr_err *err)
{
    struct weir_pool scratch;
    struct wr_tls_authorities *a;
    weir_str name;
    bool good = true;

    *found = NULL;
    if (set->client_authorities.data == NULL && set->authorities.data == NULL &&
        set->crl.data == NULL && !set->system_authorities) {
        return true;
    }
    wr_pool_init(&scratch, "tls names", NULL);
    name = weir_print(&scratch, "%d%d\n%.*s\n%.*s\n%.*s", set->client, set->system_authorities,
                      WEIR_FMT(set->client_authorities), WEIR_FMT(set->authorities),
                      WEIR_FMT(set->crl));
    *found = wr_map_find(&b->authorities, name);
    if (*found == NULL) {
        a = wr_pool_zalloc(b->pool, sizeof(*a));
        a->store = X509_STORE_new();
        WR_ASSERT(a->store != NULL);
        ERR_clear_error();
        good = load(a, set, err);
        if (good) {
            make_digest(a);
            (void)wr_map_add(&b->authorities, weir_dup(b->pool, name), a);
            *found = a;
        } else {
            wr_tls_authorities_free(a);
        }
        ERR_clear_error();
    }
    wr_pool_fini(&scratch);
    return good;
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

STACK_OF(X509) *
wr_tls_authorities_chain(const struct wr_tls_authorities *a, X509 *leaf, STACK_OF(X509) *more)
{
    X509_STORE_CTX *look = X509_STORE_CTX_new();
    STACK_OF(X509) *chain = NULL;

    if (a != NULL && look != NULL && X509_STORE_CTX_init(look, a->store, leaf, more) == 1 &&
        X509_STORE_CTX_set_default(look, "ssl_client") == 1 && X509_verify_cert(look) == 1) {
        chain = X509_STORE_CTX_get1_chain(look);
    }
    X509_STORE_CTX_free(look);
    ERR_clear_error();
    return chain;
}
