/* http/core_ssl.c - core.ssl: the ssl_* directives.
 *
 * nginx's names and forms; defaults are Mozilla's intermediate set, less what needs DHE. Paths are relative to the folder of the
 * main configuration file, as nginx has it for these.
 */
#include <weir/log.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/str.h"
#include "http/core.h"
#include "http/core_ssl.h"

enum {
    WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER,
    BUILTIN_SESSIONS = 20480, /* of a worker, as OpenSSL's own number */
    RECORD_MIN = 512
};

#define CIPHERS                                                                                    \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"     \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

typedef struct wr_ssl_conf conf;

/* ---- Setters. ---- */

/* Where a certificate or key is; zero-terminated. */
static weir_str
place_of(weir_conf *cf, weir_str text)
{
    return wr_tls_pair_is_file(text) ? weir_conf_file(cf, text) : weir_dup(cf->pool, text);
}

static void
append(weir_conf *cf, weir_strs *list, weir_str text)
{
    weir_str *at = wr_pool_array(cf->pool, weir_str, list->count + 1);

    if (list->count != 0) {
        memcpy(at, list->at, list->count * sizeof(*at));
    }
    at[list->count] = text;
    *list = (weir_strs){ at, list->count + 1 };
}

static int
set_path(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    *(weir_str *)field = weir_conf_arg(cf, 1).len != 0 ? place_of(cf, weir_conf_arg(cf, 1))
                                                       : (weir_str){ NULL, 0 };
    return WEIR_OK;
}

static int
add_path(weir_conf *cf, const weir_directive *d, void *field)
{
    if (weir_conf_arg(cf, 1).len == 0) {
        return weir_conf_error_at(cf, 1, "\"%s\" needs the name of a file", d->name);
    }
    append(cf, field, place_of(cf, weir_conf_arg(cf, 1)));
    return WEIR_OK;
}

static int
add_command(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    append(cf, field, weir_conf_arg(cf, 1));
    append(cf, field, weir_conf_arg(cf, 2));
    return WEIR_OK;
}

/* One word of ssl_session_cache. */
static int
take_cache_word(weir_conf *cf, uint32_t i, struct wr_ssl_cache_conf *c)
{
    weir_str word = weir_conf_arg(cf, i);
    uint64_t n;

    if (weir_str_eq(word, WEIR_STR("off"))) {
        c->kind = WR_SSL_CACHE_OFF;
    } else if (weir_str_eq(word, WEIR_STR("none"))) {
        c->kind = WR_SSL_CACHE_NONE;
    } else if (weir_str_eq(word, WEIR_STR("builtin"))) {
        c->builtin = BUILTIN_SESSIONS;
    } else if (weir_str_starts(word, WEIR_STR("builtin:")) &&
               weir_parse_number(weir_str_cut(word, 8, SIZE_MAX), 1 << 24, &n) && n != 0) {
        c->builtin = (uint32_t)n;
    } else if (weir_str_starts(word, WEIR_STR("shared:")) && word.len > 7) {
        c->kind = WR_SSL_CACHE_SHARED;
        return cf->make_zone(cf, weir_str_cut(word, 7, SIZE_MAX), &c->zone);
    } else {
        return weir_conf_error_at(cf, i, "invalid session cache \"%.*s\"", WEIR_FMT(word));
    }
    return WEIR_OK;
}

/* ssl_session_cache off | none | [builtin[:N]] [shared:NAME:SIZE]. A shared one takes the place of a worker's own. */
static int
set_session_cache(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_ssl_cache_conf c = { .kind = WR_SSL_CACHE_NONE };
    int rc = WEIR_OK;

    (void)d;
    for (uint32_t i = 1; i < weir_conf_argc(cf) && rc == WEIR_OK; i++) {
        rc = take_cache_word(cf, i, &c);
    }
    if (rc == WEIR_OK && c.kind == WR_SSL_CACHE_NONE && c.builtin != 0) {
        c.kind = WR_SSL_CACHE_BUILTIN;
    }
    *(struct wr_ssl_cache_conf *)field = c;
    return rc;
}

/* "name=value" of an option that is a time. */
static bool
named_time(weir_str word, weir_str name, uint64_t *ms)
{
    return weir_str_starts(word, name) &&
           weir_parse_msec(weir_str_cut(word, name.len, SIZE_MAX), ms) == WEIR_OK;
}

/* ssl_certificate_cache off | max=N [inactive=TIME] [valid=TIME]. */
static int
set_certificate_cache(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_ssl_certificate_cache c = { .on = true, .inactive_ms = 10000, .valid_ms = 60000 };

    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        uint64_t n = 0;
        bool good = true;
        if (weir_str_eq(word, WEIR_STR("off"))) {
            c.on = false;
        } else if (weir_str_starts(word, WEIR_STR("max="))) {
            good = weir_parse_number(weir_str_cut(word, 4, SIZE_MAX), 1 << 24, &n) && n != 0;
            c.max = (int64_t)n;
        } else {
            good = named_time(word, WEIR_STR("inactive="), &c.inactive_ms) ||
                   named_time(word, WEIR_STR("valid="), &c.valid_ms);
        }
        if (!good) {
            return weir_conf_invalid(cf, i, "parameter");
        }
    }
    if (c.on && c.max == 0) {
        return weir_conf_error(cf, "\"%s\" must have the \"max\" parameter", d->name);
    }
    *(struct wr_ssl_certificate_cache *)field = c;
    return WEIR_OK;
}

/* ---- After-checks. ---- */

static int
check_buffer_size(weir_conf *cf, const weir_directive *d, void *field)
{
    return *(uint64_t *)field >= RECORD_MIN
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "\"%s\" must be at least %d bytes", d->name, RECORD_MIN);
}

static int
check_depth(weir_conf *cf, const weir_directive *d, void *field)
{
    int64_t n = *(int64_t *)field;

    return n >= 0 && n <= 100 ? WEIR_OK
                              : weir_conf_error_at(cf, 1, "\"%s\" directive invalid value", d->name);
}

static int
warn_early_data(weir_conf *cf, const weir_directive *d, void *field)
{
    if (*(bool *)field) {
        weir_conf_warn(cf, "\"%s\" has no effect: what a client sends early can be sent again by "
                           "others, so it is not taken", d->name);
    }
    return WEIR_OK;
}

static int
warn_unsupported(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)field;
    weir_conf_warn(cf, "\"%s\" is not supported on this platform, ignored", d->name);
    return WEIR_OK;
}

/* ssl_ocsp_cache off | shared:NAME:SIZE. */
static int
set_ocsp_cache(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str word = weir_conf_arg(cf, 1);

    (void)d;
    *(weir_zone **)field = NULL;
    if (weir_str_eq(word, WEIR_STR("off"))) {
        return WEIR_OK;
    }
    if (!weir_str_starts(word, WEIR_STR("shared:"))) {
        return weir_conf_error_at(cf, 1, "invalid OCSP cache \"%.*s\"", WEIR_FMT(word));
    }
    return cf->make_zone(cf, weir_str_cut(word, 7, SIZE_MAX), field);
}

/* ---- Rows. ---- */

static const weir_name verify[] = { { "off", WR_TLS_VERIFY_OFF },
                                    { "on", WR_TLS_VERIFY_ON },
                                    { "optional", WR_TLS_VERIFY_OPTIONAL },
                                    { "optional_no_ca", WR_TLS_VERIFY_OPTIONAL_NO_CA },
                                    { NULL, 0 } };
static const weir_name ocsp[] = { { "off", WR_SSL_OCSP_OFF },
                                  { "on", WR_SSL_OCSP_ON },
                                  { "leaf", WR_SSL_OCSP_LEAF },
                                  { NULL, 0 } };

#define PATH(field_, name_, help_)                                                                 \
    WEIR_OPT_CUSTOM(conf, field_, name_, WHERE, 1, 1, 0, set_path, help_)

static const weir_directive rows[] = {
    WEIR_OPT_CUSTOM(conf, certificates, "ssl_certificate", WHERE, 1, 1, WEIR_D_MANY, add_path,
                    "file of the server's certificate and those that lead to it, in PEM; one a type of key"),
    WEIR_OPT_CUSTOM(conf, keys, "ssl_certificate_key", WHERE, 1, 1, WEIR_D_MANY, add_path,
                    "file of the certificate's key, in PEM"),
    WEIR_OPT_CUSTOM(conf, certificate_cache, "ssl_certificate_cache", WHERE, 1, 3, 0,
                    set_certificate_cache, "how many certificates of names with variables are kept"),
    WEIR_OPT_COMPAT(conf, reload, FLAG, "ssl_certificate_reload", WEIR_IN_HTTP, "on", "off",
                    "take up, without a reload, certificates, keys, passphrases, authorities, revocation "
                    "lists, parameters and stapled responses whose files change"),
    PATH(password_file, "ssl_password_file", "file of passphrases for keys, one a line"),
    WEIR_OPT_NAMES(conf, protocols, BITS, "ssl_protocols", WHERE, "TLSv1.2 TLSv1.3",
                   "versions of the protocol that are spoken", wr_tls_protocols),
    WEIR_OPT_COMPAT(conf, ciphers, STR, "ssl_ciphers", WHERE, CIPHERS, "HIGH:!aNULL:!MD5",
                    "ciphers of TLS 1.2 and older, as OpenSSL writes them"),
    WEIR_OPT_COMPAT(conf, curve, STR, "ssl_ecdh_curve", WHERE, "X25519:prime256v1:secp384r1", "auto",
                    "groups for the exchange of keys; auto: OpenSSL's"),
    PATH(dhparam, "ssl_dhparam", "file of parameters for DHE ciphers, which are off without it"),
    WEIR_OPT_COMPAT(conf, prefer_server_ciphers, FLAG, "ssl_prefer_server_ciphers", WHERE, "on", "off",
                    "choose ciphers in our order, not in the client's; but ChaCha20 for clients that put it first"),
    { .name = "ssl_buffer_size",
      .help = "most bytes of an answer that are encrypted in one piece",
      .preset = "16k",
      .where = WHERE,
      .type = WEIR_T_SIZE,
      WEIR_FIELD_(conf, buffer_size, SIZE),
      .set = check_buffer_size },
    WEIR_OPT_NAMES(conf, verify, ENUM, "ssl_verify_client", WHERE, "off",
                   "ask clients for a certificate, and refuse those without a good one", verify),
    { .name = "ssl_verify_depth",
      .help = "most certificates between a client's and its authority's",
      .preset = "1",
      .where = WHERE,
      .type = WEIR_T_INT,
      WEIR_FIELD_(conf, verify_depth, INT),
      .set = check_depth },
    PATH(client_certificate, "ssl_client_certificate",
         "file of authorities for clients' certificates, whose names clients are told"),
    PATH(trusted_certificate, "ssl_trusted_certificate", "the same, their names not told"),
    PATH(crl, "ssl_crl", "file of revoked certificates of clients"),
    WEIR_OPT_CUSTOM(conf, cache, "ssl_session_cache", WHERE, 1, 2, 0, set_session_cache,
                    "where sessions are kept that clients come back to by their id"),
    WEIR_OPT(conf, session_timeout_ms, MSEC, "ssl_session_timeout", WHERE, "5m",
             "how long a client may come back to a session"),
    WEIR_OPT(conf, tickets, FLAG, "ssl_session_tickets", WHERE, "on",
             "give clients their session to keep, encrypted; keys change every 12 hours"),
    WEIR_OPT_CUSTOM(conf, ticket_keys, "ssl_session_ticket_key", WHERE, 1, 1, WEIR_D_MANY, add_path,
                    "file of 48 or 80 bytes: the key of tickets in place of our own ones"),
    WEIR_OPT(conf, stapling, FLAG, "ssl_stapling", WHERE, "off",
             "show clients what the authority says of our certificate"),
    PATH(stapling_file, "ssl_stapling_file", "file of what it says, in DER"),
    WEIR_OPT(conf, stapling_responder, STR, "ssl_stapling_responder", WHERE, NULL,
             "where the authority is asked, in place of what the certificate says"),
    WEIR_OPT(conf, stapling_verify, FLAG, "ssl_stapling_verify", WHERE, "off",
             "believe who signed them by ssl_trusted_certificate alone, not by our chain"),
    WEIR_OPT_NAMES(conf, ocsp, ENUM, "ssl_ocsp", WHERE, "off",
                   "ask authorities whether clients' certificates are good: the whole chain, or the leaf alone",
                   ocsp),
    WEIR_OPT(conf, ocsp_responder, STR, "ssl_ocsp_responder", WHERE, NULL,
             "where ssl_ocsp asks, in place of what the certificate says"),
    WEIR_OPT_CUSTOM(conf, ocsp_cache, "ssl_ocsp_cache", WHERE, 1, 1, 0, set_ocsp_cache,
                    "off, or shared:NAME:SIZE: a zone where answers are kept as long as they hold"),
    { .name = "ssl_early_data",
      .help = "accepted; early data is not taken, since it can be replayed",
      .preset = "off",
      .where = WHERE,
      .type = WEIR_T_FLAG,
      WEIR_FIELD_(conf, early_data, FLAG),
      .set = warn_early_data },
    WEIR_OPT(conf, reject, FLAG, "ssl_reject_handshake", WHERE, "off",
             "refuse clients that ask for this server's name, or for none that is known"),
    WEIR_OPT_CUSTOM(conf, commands, "ssl_conf_command", WHERE, 2, 2, WEIR_D_MANY, add_command,
                    "a setting of OpenSSL's by its name"),
    { .name = "ssl_certificate_compression",
      .help = "accepted; needs OpenSSL 3.2",
      .where = WHERE,
      .type = WEIR_T_CUSTOM,
      .min = 1,
      .max = 1,
      .set = warn_unsupported },
    { .name = "ssl_ech_file",
      .help = "accepted; needs an OpenSSL with Encrypted Client Hello",
      .where = WHERE,
      .type = WEIR_T_CUSTOM,
      .flags = WEIR_D_MANY,
      .min = 1,
      .max = 1,
      .set = warn_unsupported },
};

/* ---- Counted. ---- */

static weir_metric *handshakes;
static const char *const results[] = { "full", "resumed", "failed" };

static const weir_metric_def metrics[] = {
    { .name = "tls_handshakes_total",
      .help = "handshakes with clients: new sessions, sessions that were come back to, and failures",
      .handle = &handshakes,
      .type = WEIR_COUNTER,
      .n = 3,
      .label = "result",
      .values = results },
};

void
wr_ssl_count(enum wr_ssl_result result)
{
    weir_count_at(handshakes, result, 1);
}

static weir_self self = WR_SELF;

const weir_module wr_core_ssl = {
    WR_BUILTIN(&self, "core.ssl"),
    .summary = "TLS to clients",
    .conf_size = sizeof(struct wr_ssl_conf),
    .directives = WEIR_ITEMS(rows),
    .metrics = WEIR_ITEMS(metrics),
};

const struct wr_ssl_conf *
wr_ssl_conf(const void *const *conf_of)
{
    return conf_of[self.slot];
}
