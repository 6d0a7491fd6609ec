/* cookies/seal.h - values that nobody but the server can read (sealed: AES-256-GCM) or make
 * (signed: HMAC-SHA256), each bound to its cookie's name; and the keys, of which the first makes
 * and all open.
 */
#ifndef COOKIES_SEAL_H
#define COOKIES_SEAL_H

#include <weir/base.h>

enum {
    COOKIE_KEYS_MAX = 16,
    COOKIE_KEY_MIN = 32, /* bytes that a key is made from */
    COOKIE_KEY_MAX = 4096
};

struct cookie_keys; /* made at load, constant */

/* No keys yet, in pool; they are wiped when it ends. */
struct cookie_keys *cookie_keys_create(weir_pool *pool);

/* One more, made from COOKIE_KEY_MIN bytes or more. False: there are COOKIE_KEYS_MAX, or the
 * library failed. */
bool cookie_keys_add(struct cookie_keys *keys, weir_str material);

/* value sealed for the cookie `name`, as text. Absent: the library failed. */
weir_str cookie_seal(weir_pool *pool, const struct cookie_keys *keys, weir_str name,
                     weir_str value);

/* value with its signature behind it. Absent: the library failed. */
weir_str cookie_sign(weir_pool *pool, const struct cookie_keys *keys, weir_str name,
                     weir_str value);

/* The value that was sealed or signed for `name` with one of the keys. False: text is nothing of
 * the kind. */
bool cookie_unseal(weir_pool *pool, const struct cookie_keys *keys, weir_str name, weir_str text,
                   weir_str *value);
bool cookie_verify(weir_pool *pool, const struct cookie_keys *keys, weir_str name, weir_str text,
                   weir_str *value);

#endif
