/* tls/staple.c - stapled OCSP responses. */
#include "tls/staple.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/tls1.h>
#include <string.h>

#include "base/assert.h"
#include "base/file.h"
#include "base/pool.h"
#include "tls/fault.h"
#include "tls/stream.h"

enum { RESPONSE_BYTES_MAX = 64 * 1024 };

struct wr_tls_staple {
    weir_str response; /* DER; empty: none */
};

/* Is it a response at all, and a successful one? */
static bool
is_response(weir_str der, struct wr_err *err, weir_str path)
{
    const unsigned char *at = (const unsigned char *)der.data;
    OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);

    if (r == NULL) {
        return wr_tls_fault(err, "d2i_OCSP_RESPONSE_bio(\"%.*s\") failed", WEIR_FMT(path));
    }
    OCSP_RESPONSE_free(r);
    return true;
}

struct wr_tls_staple *
wr_tls_staple_load(weir_pool *pool, weir_str path, struct wr_err *err)
{
    struct wr_tls_staple *staple = wr_pool_zalloc(pool, sizeof(*staple));
    int rc = wr_file_read(AT_FDCWD, path.data, pool, RESPONSE_BYTES_MAX, &staple->response);

    if (rc != 0) {
        (void)wr_err_set(err, "BIO_new_file(\"%.*s\") failed (%d: %s)", WEIR_FMT(path), -rc,
                         strerror(-rc));
        return NULL;
    }
    ERR_clear_error();
    return is_response(staple->response, err, path) ? staple : NULL;
}

static int
asked(SSL *ssl, void *data)
{
    const struct wr_tls_site *site = wr_tls_stream_of_ssl(ssl)->site;
    const struct wr_tls_staple *staple = site != NULL ? site->staple : NULL;
    unsigned char *copy;

    (void)data;
    if (staple == NULL || staple->response.len == 0) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    copy = OPENSSL_memdup(staple->response.data, staple->response.len);
    if (copy == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    (void)SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)staple->response.len);
    return SSL_TLSEXT_ERR_OK;
}

void
wr_tls_staple_equip(SSL_CTX *c)
{
    (void)SSL_CTX_set_tlsext_status_cb(c, asked);
}
