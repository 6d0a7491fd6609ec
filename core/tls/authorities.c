/* tls/authorities.c - stores of authorities. */
#include "tls/authorities.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/assert.h"
#include "base/pool.h"
#include "tls/fault.h"

enum { CLIENTS, TRUSTED, REVOKED, FILES };

struct wr_tls_authorities {
    uint8_t digest[32]; /* of all that is in store */
    bool client, system; /* as in the settings */
    struct wr_tls_file *files[FILES]; /* NULL: not given */
    struct wr_tls_file_user users[FILES];
    X509_STORE *store;
    STACK_OF(X509_NAME) *names; /* for clients; NULL: none */
    uint32_t version;
};

/* ---- Reading. ---- */

/* Certificates and lists of f, or lists alone, to store. False with err when there is none. */
static bool
load_file(X509_STORE *store, const struct wr_tls_file *f, bool lists_only, const char *function,
          struct wr_err *err)
{
    BIO *in = wr_tls_file_open(f);
    STACK_OF(X509_INFO) *all = PEM_X509_INFO_read_bio(in, NULL, NULL, NULL);
    bool good = all != NULL;
    int n = 0;

    for (int i = 0; good && i < sk_X509_INFO_num(all); i++) {
        const X509_INFO *one = sk_X509_INFO_value(all, i);
        if (one->x509 != NULL && !lists_only) {
            good = X509_STORE_add_cert(store, one->x509) == 1;
            n++;
        }
        if (good && one->crl != NULL) {
            good = X509_STORE_add_crl(store, one->crl) == 1;
            n++;
        }
    }
    sk_X509_INFO_pop_free(all, X509_INFO_free);
    BIO_free(in);
    return (good && n != 0) ||
           wr_tls_fault(err, "%s(\"%.*s\") failed", function, WEIR_FMT(f->path));
}

/* The subjects of f's certificates, each once. NULL: there is none. */
static STACK_OF(X509_NAME) *
load_names(const struct wr_tls_file *f)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    BIO *in = wr_tls_file_open(f);
    X509 *c;

    while ((c = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        bool known = false;
        for (int i = 0; i < sk_X509_NAME_num(names); i++) {
            known = known || X509_NAME_cmp(sk_X509_NAME_value(names, i), X509_get_subject_name(c)) == 0;
        }
        if (!known) {
            X509_NAME *name = X509_NAME_dup(X509_get_subject_name(c));
            WR_ASSERT(name != NULL && sk_X509_NAME_push(names, name) != 0);
        }
        X509_free(c);
    }
    ERR_clear_error();
    BIO_free(in);
    if (sk_X509_NAME_num(names) <= 0) {
        sk_X509_NAME_free(names);
        return NULL;
    }
    return names;
}

static bool
fill(X509_STORE *store, const struct wr_tls_authorities *a, struct wr_err *err)
{
    static const char locations[] = "SSL_CTX_load_verify_locations", crl[] = "X509_load_crl_file";

    if (a->system && X509_STORE_set_default_paths(store) != 1) {
        return wr_tls_fault(err, "the system's authorities cannot be had");
    }
    if ((a->files[CLIENTS] != NULL && !load_file(store, a->files[CLIENTS], false, locations, err)) ||
        (a->files[TRUSTED] != NULL && !load_file(store, a->files[TRUSTED], false, locations, err))) {
        return false;
    }
    return a->files[REVOKED] == NULL ||
           (load_file(store, a->files[REVOKED], true, crl, err) &&
            X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1);
}

/* Each object's digest, in the store's order, which is the same for the same files. */
static void
make_digest(X509_STORE *store, uint8_t digest[32])
{
    const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
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
    WR_ASSERT(EVP_DigestFinal_ex(all, digest, NULL) == 1);
    EVP_MD_CTX_free(all);
}

/* Make store, names and digest of the files as they are. False with err, and nothing changed. */
static bool
renew(void *owner, struct wr_err *err)
{
    struct wr_tls_authorities *a = owner;
    X509_STORE *store = X509_STORE_new();

    WR_ASSERT(store != NULL);
    ERR_clear_error();
    if (!fill(store, a, err)) {
        X509_STORE_free(store);
        return false;
    }
    wr_tls_authorities_free(a);
    a->store = store;
    a->names = a->files[CLIENTS] != NULL && !a->client ? load_names(a->files[CLIENTS]) : NULL;
    make_digest(store, a->digest);
    a->version++;
    ERR_clear_error();
    return true;
}

/* ---- Of a bank. ---- */

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

/* The files that the settings name. */
static bool
open_files(struct wr_tls_authorities *a, struct wr_tls_bank *b, const struct wr_tls_settings *set,
           struct wr_err *err)
{
    const weir_str paths[FILES] = { set->client_authorities, set->authorities, set->crl };

    for (int i = 0; i < FILES; i++) {
        if (paths[i].data != NULL) {
            a->files[i] = wr_tls_bank_file(b, paths[i], i == REVOKED ? "X509_load_crl_file"
                                                                     : "SSL_CTX_load_verify_locations",
                                           err);
            if (a->files[i] == NULL) {
                return false;
            }
        }
    }
    return true;
}

static struct wr_tls_authorities *
create(struct wr_tls_bank *b, const struct wr_tls_settings *set, struct wr_err *err)
{
    struct wr_tls_authorities *a = wr_pool_zalloc(b->pool, sizeof(*a));

    a->client = set->client;
    a->system = set->system_authorities;
    if (!open_files(a, b, set, err) || !renew(a, err)) {
        return NULL;
    }
    for (int i = 0; i < FILES; i++) {
        if (a->files[i] != NULL) {
            wr_tls_file_use(a->files[i], &a->users[i], renew, a);
        }
    }
    return a;
}

bool
wr_tls_authorities_find(struct wr_tls_bank *b, const struct wr_tls_settings *set,
                        struct wr_tls_authorities **found, struct wr_err *err)
{
    struct weir_pool scratch;
    weir_str name;

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
    if (*found == NULL && (*found = create(b, set, err)) != NULL) {
        (void)wr_map_add(&b->authorities, weir_dup(b->pool, name), *found);
    }
    wr_pool_fini(&scratch);
    return *found != NULL;
}

uint32_t
wr_tls_authorities_version(const struct wr_tls_authorities *a)
{
    return a != NULL ? a->version : 0;
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
