/* password.c - the kinds of hashes that password files hold.
 *
 * Sums in braces are quick, and checked where they stand; crypt(3) and apr1 are slow on purpose. Comparisons take the same
 * time whatever differs, and what was computed is wiped.
 */
#include "password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "apr1.h"

enum { SUM_SALT_MAX = 256 };

struct scheme {
    const char *name;
    const EVP_MD *(*md)(void); /* NULL: the text itself */
    bool salted;
};

static const struct scheme schemes[] = {
    { "{PLAIN}", NULL, false },         { "{SHA}", EVP_sha1, false },
    { "{SSHA}", EVP_sha1, true },       { "{SHA256}", EVP_sha256, false },
    { "{SSHA256}", EVP_sha256, true },  { "{SHA512}", EVP_sha512, false },
    { "{SSHA512}", EVP_sha512, true },
};

static const struct scheme *
scheme_of(weir_str hash)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        weir_str name = weir_str_c(schemes[i].name);
        if (hash.len >= name.len &&
            weir_str_ieq((weir_str){ hash.data, name.len }, name)) {
            return &schemes[i];
        }
    }
    return NULL;
}

bool
password_is_slow(weir_str hash)
{
    return scheme_of(hash) == NULL;
}

/* Are they the same? Their lengths are no secret. */
static enum verdict
compare(weir_str a, weir_str b)
{
    return a.len == b.len && CRYPTO_memcmp(a.data, b.data, a.len) == 0 ? PASSWORD_RIGHT
                                                                       : PASSWORD_WRONG;
}

/* Of what length a base64 text decodes to in `to`, with or without its padding; 0: it is none, or has no room. */
static size_t
decode(weir_str text, uint8_t *to, size_t room)
{
    uint8_t padded[(EVP_MAX_MD_SIZE + SUM_SALT_MAX) * 2];
    size_t pad;
    int len;

    while (text.len != 0 && text.data[text.len - 1] == '=') {
        text.len--;
    }
    pad = (4 - text.len % 4) % 4;
    if (pad == 3 || (text.len + pad) / 4 * 3 > room || text.len + pad > sizeof(padded)) {
        return 0;
    }
    memcpy(padded, text.data, text.len);
    memset(padded + text.len, '=', pad);
    len = EVP_DecodeBlock(to, padded, (int)(text.len + pad));
    return len > (int)pad ? (size_t)len - pad : 0;
}

static enum verdict
check_sum(const struct scheme *s, weir_str text, weir_str password)
{
    uint8_t stored[EVP_MAX_MD_SIZE + SUM_SALT_MAX], sum[EVP_MAX_MD_SIZE];
    size_t len = decode(text, stored, sizeof(stored)), sum_len = (size_t)EVP_MD_get_size(s->md());
    EVP_MD_CTX *ctx;
    enum verdict v;

    if (len < sum_len || (!s->salted && len != sum_len)) {
        return PASSWORD_UNUSABLE;
    }
    ctx = EVP_MD_CTX_new();
    v = ctx != NULL && EVP_DigestInit_ex(ctx, s->md(), NULL) == 1 &&
                EVP_DigestUpdate(ctx, password.data, password.len) == 1 &&
                EVP_DigestUpdate(ctx, stored + sum_len, len - sum_len) == 1 &&
                EVP_DigestFinal_ex(ctx, sum, NULL) == 1
            ? compare((weir_str){ (const char *)sum, sum_len },
                      (weir_str){ (const char *)stored, sum_len })
            : PASSWORD_UNUSABLE;
    EVP_MD_CTX_free(ctx);
    OPENSSL_cleanse(sum, sizeof(sum));
    return v;
}

static enum verdict
check_crypt(weir_str hash, weir_str password)
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    enum verdict v = PASSWORD_UNUSABLE;
    const char *made;

    if (data == NULL) {
        return v;
    }
    /* NULL: that is no hash. Not crypt_r: ASan has one of its own, in which a module's libcrypt is missing. */
    made = crypt_rn(password.data, hash.data, data, sizeof(*data));
    if (made != NULL && strlen(made) == hash.len) {
        v = compare(weir_str_c(made), hash);
    }
    OPENSSL_cleanse(data, sizeof(*data));
    free(data);
    return v;
}

enum verdict
password_check(weir_str hash, weir_str password)
{
    const struct scheme *s = scheme_of(hash);
    char made[APR1_ROOM];
    enum verdict v;

    if (password.len != strlen(password.data)) { /* no hash has a zero in it: crypt(3) would end there */
        return PASSWORD_WRONG;
    }
    if (s != NULL) {
        weir_str text = { hash.data + strlen(s->name), hash.len - strlen(s->name) };
        return s->md == NULL ? compare(text, password) : check_sum(s, text, password);
    }
    if (!apr1_hash(password, hash, made)) {
        return check_crypt(hash, password);
    }
    v = compare(weir_str_c(made), hash);
    OPENSSL_cleanse(made, sizeof(made));
    return v;
}
