/* tls/bank.h - what one configuration has of TLS: pairs and other files by path, and contexts by their settings.
 *
 * The files are read while the configuration is, all mistakes are found then. Who may read them looks at them from time to time
 * and tells the other processes what they are now.
 */
#ifndef WR_TLS_BANK_H
#define WR_TLS_BANK_H

#include "base/map.h"
#include "tls/context.h"
#include "tls/file.h"
#include "tls/pair.h"

struct wr_tls_bank {
    weir_pool *pool;
    struct wr_map pairs;       /* "certificate\0key" to struct wr_tls_pair */
    struct wr_map files;       /* path to struct wr_tls_file */
    struct wr_map authorities; /* to struct wr_tls_authorities */
    struct wr_map dhparams;    /* path to struct wr_tls_dhparam */
    struct wr_map contexts;    /* to struct wr_tls_context */
    struct wr_map tried;       /* settings without pairs, of which an SSL_CTX has been made */
    uint32_t version;          /* counts up with everything that is exchanged */
};

/* An empty one, which ends with pool. */
struct wr_tls_bank *wr_tls_bank_create(weir_pool *pool);

/* The pair of two places: read now, or the one that was read before. NULL with err. */
struct wr_tls_pair *wr_tls_bank_pair(struct wr_tls_bank *b, weir_str certificate, weir_str key,
                                     struct wr_tls_passwords passwords, struct wr_err *err);

/* The file at path: read now, or the one that was read before. NULL with err, in the words of `function`. */
struct wr_tls_file *wr_tls_bank_file(struct wr_tls_bank *b, weir_str path, const char *function,
                                     struct wr_err *err);

/* The context of these settings, whose texts live as long as the bank. NULL with err. */
struct wr_tls_context *wr_tls_bank_context(struct wr_tls_bank *b, const struct wr_tls_settings *set,
                                           struct wr_err *err);

/*
 * Pairs and files are numbered alike in all processes of a configuration. Read those anew that have changed, and tell of each that
 * is another one now. What cannot be used is logged once, and what was stays.
 */
void wr_tls_bank_look(struct wr_tls_bank *b,
                      void (*changed)(void *data, uint32_t index, weir_str path), void *data);

/* What number `index` is now, for another process, in memory that is the caller's to give to OPENSSL_clear_free. */
bool wr_tls_bank_print(const struct wr_tls_bank *b, uint32_t index, char **text, size_t *len);

/* What another process printed takes the place of number `index`. False with err, and nothing changed. */
bool wr_tls_bank_take(struct wr_tls_bank *b, uint32_t index, weir_str text, struct wr_err *err);

#endif
