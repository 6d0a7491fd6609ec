/* tls/pair.h - a certificate with its chain, and its key: read from files or from text, checked against each other.
 *
 * A pair is shared by all contexts that name the same two places. Its objects may be exchanged while the server runs
 * (wr_tls_pair_exchange): `version` then counts up, and contexts make themselves anew. Keys are read while the process may
 * read them: workers get what the master has read.
 */
#ifndef WR_TLS_PAIR_H
#define WR_TLS_PAIR_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/conf.h>

#include "base/err.h"
#include "tls/file.h"

/* Passphrases, and the file that they are from (absent: none). */
struct wr_tls_passwords {
    weir_str path; /* zero-terminated */
    weir_strs all;
};

struct wr_tls_pair {
    weir_str certificate, key; /* paths, or "data:" and PEM; zero-terminated */
    struct wr_tls_passwords passwords; /* for the key */
    X509 *leaf;
    STACK_OF(X509) *chain;     /* without the leaf, may be empty */
    EVP_PKEY *private_key;
    struct wr_tls_file_id certificate_id, key_id, passwords_id;
    uint32_t version;          /* how often the objects were exchanged */
};

/*
 * Read both. certificate, key and passwords are set; the rest is zero, and stays so on failure.
 *
 * True, or false with the reason in nginx's words.
 */
bool wr_tls_pair_load(struct wr_tls_pair *p, struct wr_err *err);

/* Is text the name of a file? Not "data:PEM", a variable's, nor what an engine or a store has. */
bool wr_tls_pair_is_file(weir_str text);

/* Give its objects back. */
void wr_tls_pair_clear(struct wr_tls_pair *p);

/* Does a file of it have another content than what was read? A file that is missing has not. */
bool wr_tls_pair_stale(const struct wr_tls_pair *p);

/* Put the objects of `fresh`, which is empty afterwards, into p, and count the version up. */
void wr_tls_pair_exchange(struct wr_tls_pair *p, struct wr_tls_pair *fresh);

/* Read the files of p once more, passphrases too, into fresh, of which nothing is set. False with err, and fresh has their ids. */
bool wr_tls_pair_read_again(const struct wr_tls_pair *p, struct wr_tls_pair *fresh, struct wr_err *err);

/* Read PEM of a chain and a key from memory into p, as one that is handed over by another process. */
bool wr_tls_pair_parse(struct wr_tls_pair *p, weir_str pem, struct wr_err *err);

/* p's objects as such PEM, in memory that is the caller's to give to OPENSSL_clear_free. */
bool wr_tls_pair_print(const struct wr_tls_pair *p, char **pem, size_t *len);

/* The passphrases of a file, one a line, in pool; they are wiped when it ends. False with err. */
bool wr_tls_passwords_load(weir_pool *pool, weir_str path, struct wr_tls_passwords *passwords,
                           struct wr_err *err);

#endif
