/* cookies/seal.c - sealing, signing and their undoing, with OpenSSL.
 *
 * A sealed value is base64url of: 12 bytes of nonce, drawn anew for each, the text coded, 16 bytes
 * of tag; the name is associated data. A signed one is the value, a dot, and base64url of the HMAC
 * over "name=value". The two never use the same key.
 */
#include "seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <weir/text.h>

enum { KEY = 32, NONCE = 12, TAG = 16, MAC = 32, MAC_TEXT = 43, TEXT_MAX = 16 * 1024 };

struct cookie_keys {
    uint32_t n;
    struct {
        uint8_t seal[KEY], sign[KEY];
    } at[COOKIE_KEYS_MAX];
};

/* ---- Keys. ---- */

static void
wipe(void *keys)
{
    OPENSSL_cleanse(keys, sizeof(struct cookie_keys));
}

struct cookie_keys *
cookie_keys_create(weir_pool *pool)
{
    struct cookie_keys *keys = weir_zalloc(pool, sizeof(*keys));

    weir_on_end(pool, wipe, keys);
    return keys;
}

static bool
derive(weir_str material, const char *use, uint8_t to[KEY])
{
    unsigned len = 0;

    return HMAC(EVP_sha256(), material.data, (int)material.len, (const uint8_t *)use, strlen(use),
                to, &len) != NULL &&
           len == KEY;
}

bool
cookie_keys_add(struct cookie_keys *keys, weir_str material)
{
    if (keys->n == COOKIE_KEYS_MAX || material.len < COOKIE_KEY_MIN ||
        material.len > COOKIE_KEY_MAX ||
        !derive(material, "weir cookie seal 1", keys->at[keys->n].seal) ||
        !derive(material, "weir cookie sign 1", keys->at[keys->n].sign)) {
        return false;
    }
    keys->n++;
    return true;
}

/* ---- Sealing. ---- */

static bool
gcm_encrypt(EVP_CIPHER_CTX *c, const uint8_t *key, weir_str name, weir_str value, uint8_t *to)
{
    int n = 0, rest = 0;

    return c != NULL && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, to) == 1 &&
           EVP_EncryptUpdate(c, NULL, &n, (const uint8_t *)name.data, (int)name.len) == 1 &&
           EVP_EncryptUpdate(c, to + NONCE, &n, (const uint8_t *)value.data, (int)value.len) == 1 &&
           (size_t)n == value.len && EVP_EncryptFinal_ex(c, to + NONCE + n, &rest) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, to + NONCE + value.len) == 1;
}

static bool
gcm_decrypt(EVP_CIPHER_CTX *c, const uint8_t *key, weir_str name, const uint8_t *in, size_t len,
            uint8_t *to)
{
    size_t text = len - NONCE - TAG;
    int n = 0, rest = 0;

    return c != NULL && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, in) == 1 &&
           EVP_DecryptUpdate(c, NULL, &n, (const uint8_t *)name.data, (int)name.len) == 1 &&
           EVP_DecryptUpdate(c, to, &n, in + NONCE, (int)text) == 1 && (size_t)n == text &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG,
                               (void *)(uintptr_t)(in + NONCE + text)) == 1 &&
           EVP_DecryptFinal_ex(c, to + n, &rest) == 1;
}

weir_str
cookie_seal(weir_pool *pool, const struct cookie_keys *keys, weir_str name, weir_str value)
{
    weir_str none = { NULL, 0 };
    size_t len = NONCE + value.len + TAG;
    EVP_CIPHER_CTX *c;
    weir_text text;
    uint8_t *raw;
    bool good;

    if (value.len > TEXT_MAX || name.len > TEXT_MAX) {
        return none;
    }
    raw = weir_alloc(pool, len);
    weir_random(raw, NONCE);
    c = EVP_CIPHER_CTX_new();
    good = gcm_encrypt(c, keys->at[0].seal, name, value, raw);
    EVP_CIPHER_CTX_free(c);
    if (!good) {
        return none;
    }
    text = weir_text_begin(pool, len / 3 * 4 + 4, 2 * len + 4);
    weir_base64url_encode(&text, (weir_str){ (const char *)raw, len });
    return weir_text_view(&text);
}

bool
cookie_unseal(weir_pool *pool, const struct cookie_keys *keys, weir_str name, weir_str text,
              weir_str *value)
{
    weir_text raw;
    uint8_t *to;
    bool good = false;

    if (text.len > TEXT_MAX || name.len > TEXT_MAX) {
        return false;
    }
    raw = weir_text_begin(pool, text.len, TEXT_MAX);
    if (!weir_base64url_decode(&raw, text) || raw.len < NONCE + TAG) {
        return false;
    }
    to = weir_alloc(pool, raw.len);
    for (uint32_t i = 0; i < keys->n && !good; i++) {
        EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        good = gcm_decrypt(c, keys->at[i].seal, name, (const uint8_t *)raw.data, raw.len, to);
        EVP_CIPHER_CTX_free(c);
    }
    if (good) {
        *value = (weir_str){ (const char *)to, raw.len - NONCE - TAG };
    }
    return good;
}

/* ---- Signing. ---- */

/* The MAC of "name=value": a name holds no '=', so that no other pair reads the same. */
static bool
mac(const uint8_t *key, weir_str pair, uint8_t to[MAC])
{
    unsigned len = 0;

    return HMAC(EVP_sha256(), key, KEY, (const uint8_t *)pair.data, pair.len, to, &len) != NULL &&
           len == MAC;
}

weir_str
cookie_sign(weir_pool *pool, const struct cookie_keys *keys, weir_str name, weir_str value)
{
    uint8_t sum[MAC];
    weir_text text;

    if (value.len > TEXT_MAX || name.len > TEXT_MAX ||
        !mac(keys->at[0].sign, weir_print(pool, "%.*s=%.*s", WEIR_FMT(name), WEIR_FMT(value)),
             sum)) {
        return (weir_str){ NULL, 0 };
    }
    text = weir_text_begin(pool, value.len + 1 + MAC_TEXT, value.len + 1 + MAC_TEXT);
    weir_text_add(&text, value);
    weir_text_add(&text, WEIR_STR("."));
    weir_base64url_encode(&text, (weir_str){ (const char *)sum, MAC });
    return weir_text_view(&text);
}

bool
cookie_verify(weir_pool *pool, const struct cookie_keys *keys, weir_str name, weir_str text,
              weir_str *value)
{
    uint8_t given[MAC], sum[MAC];
    weir_text g = weir_text_over(given, MAC);
    weir_str bare = { text.data, text.len - MAC_TEXT - 1 }, pair;

    if (text.len < MAC_TEXT + 1 || text.len > TEXT_MAX || name.len > TEXT_MAX ||
        text.data[bare.len] != '.' ||
        !weir_base64url_decode(&g, weir_str_cut(text, bare.len + 1, MAC_TEXT)) || g.len != MAC) {
        return false;
    }
    pair = weir_print(pool, "%.*s=%.*s", WEIR_FMT(name), WEIR_FMT(bare));
    for (uint32_t i = 0; i < keys->n; i++) {
        if (mac(keys->at[i].sign, pair, sum) && CRYPTO_memcmp(sum, given, MAC) == 0) {
            *value = bare;
            return true;
        }
    }
    return false;
}
