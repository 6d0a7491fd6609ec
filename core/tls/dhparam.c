/* tls/dhparam.c - parameters for DHE. */
#include "tls/dhparam.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/pool.h"
#include "tls/fault.h"

struct wr_tls_dhparam {
    struct wr_tls_file *file;
    struct wr_tls_file_user user;
    EVP_PKEY *parameters;
    uint32_t version;
};

static bool
parse(void *owner, struct wr_err *err)
{
    struct wr_tls_dhparam *d = owner;
    BIO *in = wr_tls_file_open(d->file);
    EVP_PKEY *fresh;

    ERR_clear_error();
    fresh = PEM_read_bio_Parameters(in, NULL);
    BIO_free(in);
    if (fresh == NULL) {
        return wr_tls_fault(err, "PEM_read_bio_Parameters(\"%.*s\") failed",
                            WEIR_FMT(d->file->path));
    }
    EVP_PKEY_free(d->parameters);
    d->parameters = fresh;
    d->version++;
    return true;
}

struct wr_tls_dhparam *
wr_tls_dhparam_find(struct wr_tls_bank *b, weir_str path, struct wr_err *err)
{
    struct wr_tls_dhparam *d = wr_map_find(&b->dhparams, path);

    if (d != NULL) {
        return d;
    }
    d = wr_pool_zalloc(b->pool, sizeof(*d));
    d->file = wr_tls_bank_file(b, path, "BIO_new_file", err);
    if (d->file == NULL || !parse(d, err)) {
        return NULL;
    }
    wr_tls_file_use(d->file, &d->user, parse, d);
    (void)wr_map_add(&b->dhparams, d->file->path, d);
    return d;
}

bool
wr_tls_dhparam_use(const struct wr_tls_dhparam *d, SSL_CTX *c, struct wr_err *err)
{
    if (EVP_PKEY_up_ref(d->parameters) == 1 && SSL_CTX_set0_tmp_dh_pkey(c, d->parameters) == 1) {
        return true;
    }
    EVP_PKEY_free(d->parameters);
    return wr_tls_fault(err, "SSL_CTX_set0_tmp_dh_pkey(\"%.*s\") failed", WEIR_FMT(d->file->path));
}

uint32_t
wr_tls_dhparam_version(const struct wr_tls_dhparam *d)
{
    return d != NULL ? d->version : 0;
}

void
wr_tls_dhparam_free(struct wr_tls_dhparam *d)
{
    EVP_PKEY_free(d->parameters);
    d->parameters = NULL;
}
