/* apr1.c - the password hash that Apache's htpasswd makes unless it is told otherwise.
 *
 * It is the MD5 hash of old Unix systems under another name, so that its rounds are as odd as they are. crypt(3) does not
 * know it.
 */
#include "apr1.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { ROUNDS = 1000, SALT_MAX = 8, MARK_LEN = 6, SUM = 16 };

static const char mark[] = "$apr1$";

struct hash {
    EVP_MD_CTX *ctx;
    bool good;
};

static void
begin(struct hash *h)
{
    h->good = h->good && EVP_DigestInit_ex(h->ctx, EVP_md5(), NULL) == 1;
}

static void
add(struct hash *h, const void *data, size_t len)
{
    h->good = h->good && EVP_DigestUpdate(h->ctx, data, len) == 1;
}

static void
end(struct hash *h, uint8_t sum[SUM])
{
    h->good = h->good && EVP_DigestFinal_ex(h->ctx, sum, NULL) == 1;
}

static void
first_round(struct hash *h, weir_str password, weir_str salt, uint8_t sum[SUM])
{
    begin(h);
    add(h, password.data, password.len);
    add(h, salt.data, salt.len);
    add(h, password.data, password.len);
    end(h, sum);
    begin(h);
    add(h, password.data, password.len);
    add(h, mark, MARK_LEN);
    add(h, salt.data, salt.len);
    for (size_t left = password.len; left != 0; left -= left < SUM ? left : SUM) {
        add(h, sum, left < SUM ? left : SUM);
    }
    for (size_t n = password.len; n != 0; n >>= 1) {
        add(h, n & 1 ? "" : password.data, 1);
    }
    end(h, sum);
}

static void
further_round(struct hash *h, int i, weir_str password, weir_str salt, uint8_t sum[SUM])
{
    begin(h);
    add(h, i & 1 ? (const void *)password.data : sum, i & 1 ? password.len : SUM);
    if (i % 3 != 0) {
        add(h, salt.data, salt.len);
    }
    if (i % 7 != 0) {
        add(h, password.data, password.len);
    }
    add(h, i & 1 ? sum : (const void *)password.data, i & 1 ? SUM : password.len);
    end(h, sum);
}

/* n letters of six bits, the lowest first. */
static char *
put_letters(char *to, uint32_t bits, int n)
{
    static const char letters[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    while (n-- > 0) {
        *to++ = letters[bits & 0x3f];
        bits >>= 6;
    }
    return to;
}

static void
put_hash(char *to, weir_str salt, const uint8_t sum[SUM])
{
    static const uint8_t order[5][3] = {
        { 0, 6, 12 }, { 1, 7, 13 }, { 2, 8, 14 }, { 3, 9, 15 }, { 4, 10, 5 },
    };

    memcpy(to, mark, MARK_LEN);
    to += MARK_LEN;
    memcpy(to, salt.data, salt.len);
    to += salt.len;
    *to++ = '$';
    for (size_t i = 0; i < 5; i++) {
        to = put_letters(to,
                         (uint32_t)sum[order[i][0]] << 16 | (uint32_t)sum[order[i][1]] << 8 |
                             sum[order[i][2]],
                         4);
    }
    to = put_letters(to, sum[11], 2);
    *to = '\0';
}

bool
apr1_hash(weir_str password, weir_str setting, char out[APR1_ROOM])
{
    struct hash h = { .ctx = NULL, .good = true };
    weir_str salt;
    uint8_t sum[SUM];

    if (setting.len < MARK_LEN || memcmp(setting.data, mark, MARK_LEN) != 0) {
        return false;
    }
    salt = (weir_str){ setting.data + MARK_LEN, 0 };
    while (salt.len < SALT_MAX && MARK_LEN + salt.len < setting.len &&
           salt.data[salt.len] != '$') {
        salt.len++;
    }
    h.ctx = EVP_MD_CTX_new();
    h.good = h.ctx != NULL;
    first_round(&h, password, salt, sum);
    for (int i = 0; i < ROUNDS; i++) {
        further_round(&h, i, password, salt, sum);
    }
    EVP_MD_CTX_free(h.ctx);
    if (h.good) {
        put_hash(out, salt, sum);
    }
    OPENSSL_cleanse(sum, sizeof(sum));
    return h.good;
}
