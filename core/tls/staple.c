/* tls/staple.c - stapled OCSP responses. */
#include "tls/staple.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/tls1.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/pool.h"
#include "tls/fault.h"
#include "tls/stream.h"

/* What is shown with one pair. */
struct part {
    const struct wr_tls_pair *pair;
    uint32_t version; /* of the pair that it is about */
    int64_t until_s;
    char *der;        /* NULL: nothing */
    size_t len;
};

struct wr_tls_staple {
    struct wr_tls_file *file; /* NULL: of the authority */
    struct wr_tls_file_user user;
    uint32_t n;
    struct part *parts;
};

static void
end(void *data)
{
    struct wr_tls_staple *staple = data;

    for (uint32_t i = 0; i < staple->n; i++) {
        free(staple->parts[i].der);
        staple->parts[i].der = NULL;
    }
}

struct wr_tls_staple *
wr_tls_staple_create(weir_pool *pool, struct wr_tls_pair *const *pairs, uint32_t n)
{
    struct wr_tls_staple *staple = wr_pool_zalloc(pool, sizeof(*staple));

    staple->n = n;
    staple->parts = wr_pool_array(pool, struct part, n);
    for (uint32_t i = 0; i < n; i++) {
        staple->parts[i].pair = pairs[i];
    }
    weir_on_end(pool, end, staple);
    return staple;
}

/* Is it a response at all? */
static bool
is_response(void *owner, struct wr_err *err)
{
    const struct wr_tls_file *f = ((struct wr_tls_staple *)owner)->file;
    const unsigned char *at = (const unsigned char *)f->bytes.data;
    OCSP_RESPONSE *r = NULL;

    ERR_clear_error();
    if (f->bytes.len <= WR_TLS_STAPLE_BYTES_MAX) {
        r = d2i_OCSP_RESPONSE(NULL, &at, (long)f->bytes.len);
    }
    if (r == NULL) {
        return wr_tls_fault(err, "d2i_OCSP_RESPONSE_bio(\"%.*s\") failed", WEIR_FMT(f->path));
    }
    OCSP_RESPONSE_free(r);
    return true;
}

struct wr_tls_staple *
wr_tls_staple_load(weir_pool *pool, struct wr_tls_bank *bank, weir_str path, struct wr_err *err)
{
    struct wr_tls_staple *staple = wr_pool_zalloc(pool, sizeof(*staple));

    staple->file = wr_tls_bank_file(bank, path, "BIO_new_file", err);
    if (staple->file == NULL || !is_response(staple, err)) {
        return NULL;
    }
    wr_tls_file_use(staple->file, &staple->user, is_response, staple);
    return staple;
}

bool
wr_tls_staple_is_of_file(const struct wr_tls_staple *staple)
{
    return staple->file != NULL;
}

void
wr_tls_staple_put(struct wr_tls_staple *staple, uint32_t i, weir_str der, int64_t until_s)
{
    struct part *p = &staple->parts[i];

    WR_ASSERT(i < staple->n && der.len <= WR_TLS_STAPLE_BYTES_MAX);
    free(p->der);
    p->der = malloc(der.len);
    WR_ASSERT(p->der != NULL);
    memcpy(p->der, der.data, der.len);
    p->len = der.len;
    p->until_s = until_s;
    p->version = p->pair->version;
}

/* What is to be shown with leaf; absent: nothing. */
static weir_str
find(const struct wr_tls_staple *staple, const X509 *leaf)
{
    if (staple->file != NULL) {
        return staple->file->bytes;
    }
    for (uint32_t i = 0; i < staple->n; i++) {
        const struct part *p = &staple->parts[i];
        if (p->pair->leaf == leaf && p->der != NULL && p->version == p->pair->version &&
            p->until_s > wr_clock.wall_s) {
            return (weir_str){ p->der, p->len };
        }
    }
    return (weir_str){ NULL, 0 };
}

static int
asked(SSL *ssl, void *data)
{
    const struct wr_tls_site *site = wr_tls_stream_of_ssl(ssl)->site;
    weir_str der = { NULL, 0 };
    unsigned char *copy;

    (void)data;
    if (site != NULL && site->staple != NULL) {
        der = find(site->staple, SSL_get_certificate(ssl));
    }
    if (der.len == 0 || (copy = OPENSSL_memdup(der.data, der.len)) == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    (void)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)der.len);
    return SSL_TLSEXT_ERR_OK;
}

void
wr_tls_staple_equip(SSL_CTX *c)
{
    (void)SSL_CTX_set_tlsext_status_cb(c, asked);
}
