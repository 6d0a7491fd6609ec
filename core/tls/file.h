/* tls/file.h - files that are read for TLS besides certificates and keys, and looked at while the server runs.
 *
 * Their bytes stay in memory: what is made of them can be made again by a process that may not read the file.
 */
#ifndef WR_TLS_FILE_H
#define WR_TLS_FILE_H

#include <openssl/bio.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/err.h"

enum { WR_TLS_FILE_BYTES_MAX = 16 << 20 };

/* Which content of a file was read. */
struct wr_tls_file_id {
    uint64_t device, inode, size;
    int64_t changed_ns;
};

/* Somebody who has made something of a file. */
struct wr_tls_file_user {
    /* The file has other bytes: make it again. False with err, and nothing changed, when they are no good for that. */
    bool (*renew)(void *owner, struct wr_err *err);
    void *owner;
    struct wr_tls_file_user *next;
};

struct wr_tls_file {
    weir_str path; /* zero-terminated */
    struct wr_tls_file_id id;
    weir_str bytes; /* on the heap */
    struct wr_tls_file_user *users;
};

/* What is at path now; all zero when there is nothing. */
void wr_tls_file_look(const char *path, struct wr_tls_file_id *id);

/* Is there another content at path than id's? None is no other. */
bool wr_tls_file_differs(const char *path, const struct wr_tls_file_id *id);

/* Read f->path into f, which has no bytes. False with err, in the words of `function`. */
bool wr_tls_file_load(struct wr_tls_file *f, const char *function, struct wr_err *err);

/* Its bytes, to be read by OpenSSL. Never NULL. */
BIO *wr_tls_file_open(const struct wr_tls_file *f);

/* f has these bytes now, which are taken; all users make theirs anew. False with err: one could not, and all is as it was. */
bool wr_tls_file_exchange(struct wr_tls_file *f, weir_str bytes, struct wr_err *err);

/* From now on u, which stays as long as f, is told. */
void wr_tls_file_use(struct wr_tls_file *f, struct wr_tls_file_user *u,
                     bool (*renew)(void *owner, struct wr_err *err), void *owner);

/* Give its bytes back. */
void wr_tls_file_clear(struct wr_tls_file *f);

#endif
