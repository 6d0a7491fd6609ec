/* tls/pair.c - reading certificates and keys. Files are read by OpenSSL itself, so that its words about them are nginx's. */
#include "tls/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/assert.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/str.h"
#include "tls/fault.h"

enum { PASSWORDS_BYTES_MAX = 1 << 20 };

#define DATA WEIR_STR("data:")

bool
wr_tls_pair_is_file(weir_str text)
{
    return text.len != 0 && text.data[0] != '$' && !weir_str_starts(text, DATA) &&
           !weir_str_starts(text, WEIR_STR("engine:")) &&
           !weir_str_starts(text, WEIR_STR("store:"));
}

/* ---- Files. ---- */

bool
wr_tls_pair_stale(const struct wr_tls_pair *p)
{
    return wr_tls_file_differs(p->certificate.data, &p->certificate_id) ||
           wr_tls_file_differs(p->key.data, &p->key_id) ||
           (p->passwords.path.data != NULL &&
            wr_tls_file_differs(p->passwords.path.data, &p->passwords_id));
}

/* What text names, for reading: a file, or the PEM behind "data:". */
static BIO *
open_text(weir_str text, const char **function)
{
    if (weir_str_starts(text, DATA)) {
        *function = "BIO_new_mem_buf()";
        return BIO_new_mem_buf(text.data + DATA.len, (int)(text.len - DATA.len));
    }
    *function = "BIO_new_file()";
    return BIO_new_file(text.data, "r");
}

/* ---- Certificates. ---- */

/* The leaf, then the rest of the chain, up to the end of the text. */
static bool
read_chain(BIO *in, struct wr_tls_pair *p)
{
    X509 *next;
    unsigned long code;

    p->leaf = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL);
    p->chain = sk_X509_new_null();
    if (p->leaf == NULL || p->chain == NULL) {
        return false;
    }
    while ((next = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_push(p->chain, next) == 0) {
            X509_free(next);
            return false;
        }
    }
    code = ERR_peek_last_error();
    if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE) {
        return false;
    }
    ERR_clear_error();
    return true;
}

static bool
load_certificate(struct wr_tls_pair *p, struct wr_err *err)
{
    const char *function;
    BIO *in = open_text(p->certificate, &function);
    bool good = in != NULL && read_chain(in, p);

    if (in != NULL && !good) {
        function = "PEM_read_bio_X509_AUX()";
    }
    BIO_free(in);
    return good || wr_tls_fault(err, "cannot load certificate \"%.*s\": %s failed",
                                WEIR_FMT(p->certificate), function);
}

/* ---- Keys. ---- */

static int
give_password(char *to, int room, int for_writing, void *data)
{
    const weir_str *password = data;

    (void)for_writing;
    if (password == NULL || password->len > (size_t)room) {
        return -1; /* never ask at a terminal */
    }
    memcpy(to, password->data, password->len);
    return (int)password->len;
}

/* A key that has no passphrase. What OpenSSL decodes with takes it four times as long to make as to use, so one is kept: it
 * counts where thousands of sites have keys of their own. NULL: it is no such key. */
static EVP_PKEY *
read_open_key(BIO *in)
{
    static OSSL_DECODER_CTX *decoder;
    static EVP_PKEY *found; /* where decoder puts what it decoded */

    if (decoder == NULL) {
        decoder = OSSL_DECODER_CTX_new_for_pkey(&found, "PEM", NULL, NULL, EVP_PKEY_KEYPAIR, NULL,
                                                NULL);
        WR_ASSERT(decoder != NULL &&
                  OSSL_DECODER_CTX_set_pem_password_cb(decoder, give_password, NULL) == 1);
    }
    found = NULL;
    if (OSSL_DECODER_from_bio(decoder, in) != 1) {
        EVP_PKEY_free(found);
        return NULL;
    }
    return found;
}

/* Without a password, then with one after the other. Of a key that cannot be read, OpenSSL's usual function says why. */
static EVP_PKEY *
read_key(BIO *in, weir_strs passwords)
{
    EVP_PKEY *key = read_open_key(in);

    if (key != NULL) {
        return key;
    }
    ERR_clear_error();
    (void)BIO_reset(in);
    key = PEM_read_bio_PrivateKey(in, NULL, give_password, NULL);
    for (size_t i = 0; key == NULL && i < passwords.count; i++) {
        weir_str password = passwords.at[i];
        ERR_clear_error();
        (void)BIO_reset(in);
        key = PEM_read_bio_PrivateKey(in, NULL, give_password, &password);
    }
    return key;
}

static bool
load_key(struct wr_tls_pair *p, struct wr_err *err)
{
    const char *function;
    BIO *in;

    if (weir_str_starts(p->key, WEIR_STR("engine:")) ||
        weir_str_starts(p->key, WEIR_STR("store:"))) {
        return wr_err_set(err, "cannot load certificate key \"%.*s\": keys come from files",
                          WEIR_FMT(p->key));
    }
    in = open_text(p->key, &function);
    p->private_key = in != NULL ? read_key(in, p->passwords.all) : NULL;
    BIO_free(in);
    if (p->private_key == NULL) {
        return wr_tls_fault(err, "cannot load certificate key \"%.*s\": %s failed",
                            WEIR_FMT(p->key),
                            in != NULL ? "PEM_read_bio_PrivateKey()" : function);
    }
    return X509_check_private_key(p->leaf, p->private_key) == 1 ||
           wr_tls_fault(err, "SSL_CTX_use_PrivateKey(\"%.*s\") failed", WEIR_FMT(p->key));
}

/* ---- Pairs. ---- */

bool
wr_tls_pair_load(struct wr_tls_pair *p, struct wr_err *err)
{
    ERR_clear_error();
    wr_tls_file_look(p->certificate.data, &p->certificate_id);
    wr_tls_file_look(p->key.data, &p->key_id);
    if (p->passwords.path.data != NULL) {
        wr_tls_file_look(p->passwords.path.data, &p->passwords_id);
    }
    if (!load_certificate(p, err) || !load_key(p, err)) {
        wr_tls_pair_clear(p);
        return false;
    }
    return true;
}

bool
wr_tls_pair_read_again(const struct wr_tls_pair *p, struct wr_tls_pair *fresh, struct wr_err *err)
{
    weir_pool *scratch = wr_pool_create("passwords", NULL);
    bool good;

    *fresh = (struct wr_tls_pair){ .certificate = p->certificate, .key = p->key };
    good = p->passwords.path.data == NULL ||
           wr_tls_passwords_load(scratch, p->passwords.path, &fresh->passwords, err);
    fresh->passwords.path = p->passwords.path;
    good = wr_tls_pair_load(fresh, good ? err : NULL) && good;
    if (!good) {
        wr_tls_pair_clear(fresh);
    }
    fresh->passwords = (struct wr_tls_passwords){ 0 };
    wr_pool_destroy(&scratch);
    return good;
}

void
wr_tls_pair_clear(struct wr_tls_pair *p)
{
    X509_free(p->leaf);
    sk_X509_pop_free(p->chain, X509_free);
    EVP_PKEY_free(p->private_key);
    p->leaf = NULL;
    p->chain = NULL;
    p->private_key = NULL;
}

void
wr_tls_pair_exchange(struct wr_tls_pair *p, struct wr_tls_pair *fresh)
{
    wr_tls_pair_clear(p);
    p->leaf = fresh->leaf;
    p->chain = fresh->chain;
    p->private_key = fresh->private_key;
    p->certificate_id = fresh->certificate_id;
    p->key_id = fresh->key_id;
    p->passwords_id = fresh->passwords_id;
    p->version++;
    fresh->leaf = NULL;
    fresh->chain = NULL;
    fresh->private_key = NULL;
}

/* ---- From process to process. ---- */

bool
wr_tls_pair_parse(struct wr_tls_pair *p, weir_str pem, struct wr_err *err)
{
    BIO *in = BIO_new_mem_buf(pem.data, (int)pem.len);
    bool good;

    ERR_clear_error();
    p->private_key = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, give_password, NULL) : NULL;
    good = p->private_key != NULL && read_chain(in, p);
    BIO_free(in);
    if (!good) {
        wr_tls_pair_clear(p);
    }
    return good || wr_tls_fault(err, "a certificate that was handed over cannot be read");
}

static bool
print_to(BIO *out, const struct wr_tls_pair *p)
{
    bool good = PEM_write_bio_PrivateKey(out, p->private_key, NULL, NULL, 0, NULL, NULL) == 1 &&
                PEM_write_bio_X509_AUX(out, p->leaf) == 1;

    for (int i = 0; good && i < sk_X509_num(p->chain); i++) {
        good = PEM_write_bio_X509(out, sk_X509_value(p->chain, i)) == 1;
    }
    return good;
}

bool
wr_tls_pair_print(const struct wr_tls_pair *p, char **pem, size_t *len)
{
    BIO *out = BIO_new(BIO_s_secmem());
    bool good = out != NULL && print_to(out, p);
    char *data = NULL;
    long n = good ? BIO_get_mem_data(out, &data) : 0;

    good = n > 0 && (*pem = OPENSSL_memdup(data, (size_t)n)) != NULL;
    if (good) {
        *len = (size_t)n;
    }
    BIO_free(out);
    ERR_clear_error();
    return good;
}

/* ---- Passwords. ---- */

static void
wipe(void *data)
{
    weir_str *text = data;

    OPENSSL_cleanse((void *)(uintptr_t)text->data, text->len);
}

bool
wr_tls_passwords_load(weir_pool *pool, weir_str path, struct wr_tls_passwords *passwords,
                      struct wr_err *err)
{
    weir_str *text = wr_pool_zalloc(pool, sizeof(*text));
    weir_str *lines;
    size_t n = 0;
    int rc = wr_file_read(AT_FDCWD, path.data, pool, PASSWORDS_BYTES_MAX, text);

    if (rc != 0) {
        return wr_err_set(err, "open() \"%.*s\" failed (%d: %s)", WEIR_FMT(path), -rc,
                          strerror(-rc));
    }
    weir_on_end(pool, wipe, text);
    for (size_t i = 0; i < text->len; i++) {
        n += text->data[i] == '\n';
    }
    lines = wr_pool_array(pool, weir_str, n + 1);
    n = 0;
    for (weir_str rest = *text; rest.len != 0;) {
        size_t end = weir_str_find(rest, '\n');
        weir_str line = weir_str_cut(rest, 0, end);
        if (line.len != 0 && line.data[line.len - 1] == '\r') {
            line.len--;
        }
        if (line.len != 0) {
            lines[n++] = line;
        }
        rest = weir_str_cut(rest, end + 1, SIZE_MAX);
    }
    *passwords = (struct wr_tls_passwords){ path, { lines, n } };
    return true;
}
