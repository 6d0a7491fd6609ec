/* upstream/tls_client.c - weir_tls_client of the ABI: a module's options as settings of TLS. */
#include "upstream/tls_client.h"

#include <weir/upstream.h>

#include "base/assert.h"
#include "base/pool.h"
#include "base/str.h"
#include "conf/bind.h"
#include "tls/client.h"

enum { DEPTH = 1 };

/* What the ABI calls weir_tls_client. */
struct weir_tls_client {
    struct wr_tls_client *client;
};

struct wr_tls_client *
wr_upstream_tls(const weir_tls_client *t)
{
    return t != NULL ? t->client : NULL;
}

/* "TLSv1.2 TLSv1.3" to bits; 0 for a word that is none. */
static uint32_t
parse_protocols(weir_str text)
{
    uint32_t bits = 0;

    if (text.len == 0) {
        return WR_TLS_1_2 | WR_TLS_1_3;
    }
    while (text.len != 0) {
        size_t end = wr_str_find(text, ' ');
        uint32_t bit = wr_tls_protocol(wr_str_cut(text, 0, end));
        if (end != 0 && bit == 0) {
            return 0;
        }
        bits |= bit;
        text = wr_str_cut(text, end + 1, SIZE_MAX);
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
           struct wr_err *err)
{
    struct wr_tls_pair **pairs = wr_pool_array(weir_conf_pool(cf), struct wr_tls_pair *,
                                               o->certificate.count);
    weir_str passwords_path = path_of(cf, o->password_file);
    weir_strs passwords = { NULL, 0 };

    if (passwords_path.data != NULL &&
        !wr_tls_passwords_load(weir_conf_pool(cf), passwords_path.data, &passwords, err)) {
        return false;
    }
    for (size_t i = 0; i < o->certificate.count && i < o->key.count; i++) {
        pairs[i] = wr_tls_bank_pair(cf->tls, path_of(cf, o->certificate.at[i]),
                                    path_of(cf, o->key.at[i]), passwords, err);
        if (pairs[i] == NULL) {
            return false;
        }
        set->n_pairs++;
    }
    set->pairs = pairs;
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
    context = load_pairs(cf, &o, &set, &err) ? wr_tls_bank_context(cf->tls, &set, &err)
                                             : NULL;
    if (context == NULL) {
        weir_conf_error(cf, "%s", err.text);
        return NULL;
    }
    t = wr_pool_zalloc(weir_conf_pool(cf), sizeof(*t));
    t->client = wr_tls_client_create(weir_conf_pool(cf), context, o.sni, o.session_reuse);
    return t;
}
