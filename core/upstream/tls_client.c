/* upstream/tls_client.c - weir_tls_client of the ABI: a module's options as settings of TLS. */
#include "upstream/tls_client.h"

#include <weir/upstream.h>

#include "base/assert.h"
#include "base/pool.h"
#include "base/str.h"
#include "conf/bind.h"
#include "tls/bank.h"
#include "tls/client.h"
#include "tls/door.h"
#include "tls/pair_cache.h"
#include "tls/stream.h"

enum { DEPTH = 1, INACTIVE_MS = 10 * 1000, VALID_MS = 60 * 1000, CACHE_MOST = 1 << 24 };

/* What the ABI calls weir_tls_client. */
struct weir_tls_client {
    struct wr_tls_client *client;
    size_t n; /* certificates whose names hold variables */
    weir_value **certificates, **keys;
    struct wr_tls_pair_cache *cache; /* NULL: n is 0 */
};

struct wr_tls_client *
wr_upstream_tls(const weir_tls_client *t)
{
    return t != NULL ? t->client : NULL;
}

/* ---- Certificates whose names hold variables. ----
 *
 * An identity is a list of names, each with its length in front: it tells connections apart, and says what is to be read. */

static char *
put(char *at, weir_str s)
{
    memcpy(at, &s.len, sizeof(s.len));
    if (s.len != 0) {
        memcpy(at + sizeof(s.len), s.data, s.len);
    }
    return at + sizeof(s.len) + s.len;
}

static weir_str
next(weir_str *list)
{
    weir_str s = { list->data + sizeof(s.len), 0 };

    memcpy(&s.len, list->data, sizeof(s.len));
    *list = weir_str_cut(*list, sizeof(s.len) + s.len, SIZE_MAX);
    return s;
}

weir_str
wr_upstream_tls_identity(const weir_tls_client *t, weir_request *r, weir_pool *pool)
{
    weir_str *names;
    size_t len = 0;
    char *text, *at;

    if (t->n == 0 || r == NULL) {
        return (weir_str){ NULL, 0 };
    }
    names = wr_pool_array(pool, weir_str, 2 * t->n);
    for (size_t i = 0; i < t->n; i++) {
        names[2 * i] = weir_value_get(r, t->certificates[i]);
        names[2 * i + 1] = weir_value_get(r, t->keys[i]);
        len += names[2 * i].len + names[2 * i + 1].len + 2 * sizeof(len);
    }
    at = text = wr_pool_alloc(pool, len);
    for (size_t i = 0; i < t->n; i++) {
        if (names[2 * i].len != 0) {
            at = put(put(at, names[2 * i]), names[2 * i + 1]);
        }
    }
    return (weir_str){ text, (size_t)(at - text) };
}

bool
wr_upstream_tls_begin(const weir_tls_client *t, struct wr_conn *c, weir_str name, weir_str peer,
                      weir_str identity, struct wr_err *err)
{
    if (!wr_tls_client_begin(t->client, c, name, peer, identity, err)) {
        return false;
    }
    while (identity.len != 0) {
        weir_str certificate = next(&identity), key = next(&identity);
        const struct wr_tls_pair *p = wr_tls_pair_cache_get(t->cache, certificate, key, err);
        if (p == NULL) {
            return false;
        }
        if (!wr_tls_stream_show(wr_tls_stream_of(c), p)) {
            return wr_err_set(err, "certificate \"%.*s\" cannot be used", WEIR_FMT(certificate));
        }
    }
    return true;
}

static bool
varies(weir_str name)
{
    return weir_str_find(name, '$') != name.len;
}

/* Note pair i of the options, whose names hold variables. */
static bool
add_varying(weir_conf *cf, weir_tls_client *t, weir_str certificate, weir_str key)
{
    t->certificates[t->n] = weir_value_compile(cf, certificate);
    t->keys[t->n] = weir_value_compile(cf, key);
    return t->certificates[t->n] != NULL && t->keys[t->n++] != NULL;
}

static void
make_cache(weir_conf *cf, const weir_tls_client_options *o, weir_tls_client *t,
           struct wr_tls_passwords passwords)
{
    const struct wr_tls_pair_keeping keeping = {
        .max = (size_t)WR_MIN(o->cache_max, (uint64_t)CACHE_MOST),
        .inactive_ms = o->cache_inactive_ms != 0 ? o->cache_inactive_ms : INACTIVE_MS,
        .valid_ms = o->cache_valid_ms != 0 ? o->cache_valid_ms : VALID_MS
    };

    if (t->n != 0) {
        t->cache = wr_tls_pair_cache_create(weir_conf_pool(cf), &keeping, passwords);
    }
}

/* ---- Options. ---- */

/* "TLSv1.2 TLSv1.3" to bits; 0 for a word that is none. */
static uint32_t
parse_protocols(weir_str text)
{
    uint32_t bits = 0;

    if (text.len == 0) {
        return WR_TLS_1_2 | WR_TLS_1_3;
    }
    while (text.len != 0) {
        size_t end = weir_str_find(text, ' ');
        uint32_t bit = wr_tls_protocol(weir_str_cut(text, 0, end));
        if (end != 0 && bit == 0) {
            return 0;
        }
        bits |= bit;
        text = weir_str_cut(text, end + 1, SIZE_MAX);
    }
    return bits;
}

static weir_str
path_of(weir_conf *cf, weir_str path)
{
    return path.len == 0               ? (weir_str){ NULL, 0 }
           : wr_tls_pair_is_file(path) ? weir_conf_file(cf, path)
                                       : weir_dup(weir_conf_pool(cf), path);
}

static weir_str
text_of(weir_conf *cf, weir_str text)
{
    return text.len != 0 ? weir_dup(weir_conf_pool(cf), text) : (weir_str){ NULL, 0 };
}

static bool
load_pairs(weir_conf *cf, const weir_tls_client_options *o, struct wr_tls_settings *set,
           weir_tls_client *t, struct wr_err *err)
{
    weir_pool *pool = weir_conf_pool(cf);
    struct wr_tls_pair **pairs = wr_pool_array(pool, struct wr_tls_pair *, o->certificate.count);
    weir_str passwords_path = path_of(cf, o->password_file);
    struct wr_tls_passwords passwords = { 0 };

    if (passwords_path.data != NULL &&
        !wr_tls_passwords_load(pool, passwords_path, &passwords, err)) {
        return false;
    }
    t->certificates = wr_pool_array(pool, weir_value *, o->certificate.count);
    t->keys = wr_pool_array(pool, weir_value *, o->certificate.count);
    for (size_t i = 0; i < o->certificate.count && i < o->key.count; i++) {
        weir_str certificate = path_of(cf, o->certificate.at[i]), key = path_of(cf, o->key.at[i]);
        if (varies(certificate) || varies(key)) {
            if (!add_varying(cf, t, certificate, key)) {
                return wr_err_set(err, "a certificate's name cannot be worked out");
            }
            continue;
        }
        pairs[set->n_pairs] = wr_tls_bank_pair(cf->tls, certificate, key, passwords, err);
        if (pairs[set->n_pairs] == NULL) {
            return false;
        }
        set->n_pairs++;
    }
    set->pairs = pairs;
    make_cache(cf, o, t, passwords);
    return true;
}

/* A copy of the commands, whose words live as long as the module's. */
static weir_strs
commands_of(weir_conf *cf, weir_strs words)
{
    weir_str *copy = wr_pool_array(weir_conf_pool(cf), weir_str, words.count);

    for (size_t i = 0; i < words.count; i++) {
        copy[i] = weir_dup(weir_conf_pool(cf), words.at[i]);
    }
    return (weir_strs){ copy, words.count };
}

weir_tls_client *
weir_tls_client_make(weir_conf *cf, const weir_tls_client_options *given)
{
    weir_tls_client_options o = { .size = 0 };
    struct wr_tls_settings set = { .client = true, .tickets = true, .strict = !cf->compat_nginx };
    struct wr_tls_context *context;
    weir_tls_client *t;
    struct wr_err err;

    WR_ASSERT(given->size >= sizeof(given->size));
    memcpy(&o, given, WR_MIN(given->size, sizeof(o)));
    set.protocols = parse_protocols(o.protocols);
    set.verify = o.verify ? WR_TLS_VERIFY_ON : WR_TLS_VERIFY_OFF;
    set.verify_depth = o.depth != 0 ? o.depth : DEPTH;
    set.ciphers = text_of(cf, o.ciphers);
    set.commands = commands_of(cf, o.conf_commands);
    if (o.verify) {
        set.authorities = path_of(cf, o.trusted);
        set.crl = path_of(cf, o.crl);
        set.system_authorities = set.authorities.data == NULL;
    }
    if (set.protocols == 0) {
        weir_conf_error(cf, "\"%.*s\" are no versions of TLS", WEIR_FMT(o.protocols));
        return NULL;
    }
    t = wr_pool_zalloc(weir_conf_pool(cf), sizeof(*t));
    context = load_pairs(cf, &o, &set, t, &err) ? wr_tls_bank_context(cf->tls, &set, &err) : NULL;
    if (context == NULL) {
        weir_conf_error(cf, "%s", err.text);
        return NULL;
    }
    t->client = wr_tls_client_create(weir_conf_pool(cf), context, o.sni, o.session_reuse);
    return t;
}
