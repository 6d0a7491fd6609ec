/* tls/file.c - reading files, and telling who uses them. OpenSSL opens them, so that its words about failures are nginx's. */
#include "tls/file.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "tls/fault.h"

enum { PIECE = 16 * 1024 };

void
wr_tls_file_look(const char *path, struct wr_tls_file_id *id)
{
    struct stat st;

    *id = (struct wr_tls_file_id){ 0 };
    if (strncmp(path, "data:", 5) != 0 && stat(path, &st) == 0) {
        *id = (struct wr_tls_file_id){
            .device = st.st_dev,
            .inode = st.st_ino,
            .size = (uint64_t)st.st_size,
            .changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
        };
    }
}

bool
wr_tls_file_differs(const char *path, const struct wr_tls_file_id *id)
{
    struct wr_tls_file_id now;

    wr_tls_file_look(path, &now);
    return now.inode != 0 && memcmp(&now, id, sizeof(now)) != 0;
}

/* All of it, onto the heap. False: there is too much. */
static bool
read_all(BIO *in, weir_str *bytes)
{
    char *to = NULL;
    size_t len = 0, n;

    do {
        to = realloc(to, len + PIECE);
        WR_ASSERT(to != NULL);
        n = 0;
        (void)BIO_read_ex(in, to + len, PIECE, &n);
        len += n;
    } while (n != 0 && len <= WR_TLS_FILE_BYTES_MAX);
    *bytes = (weir_str){ to, len };
    return len <= WR_TLS_FILE_BYTES_MAX;
}

bool
wr_tls_file_load(struct wr_tls_file *f, const char *function, struct wr_err *err)
{
    BIO *in;
    bool good;

    ERR_clear_error();
    wr_tls_file_look(f->path.data, &f->id);
    in = BIO_new_file(f->path.data, "r");
    good = in != NULL && read_all(in, &f->bytes);
    BIO_free(in);
    if (!good) {
        wr_tls_file_clear(f);
    }
    return good || wr_tls_fault(err, "%s(\"%.*s\") failed", function, WEIR_FMT(f->path));
}

BIO *
wr_tls_file_open(const struct wr_tls_file *f)
{
    BIO *in = BIO_new_mem_buf(f->bytes.data, (int)f->bytes.len);

    WR_ASSERT(in != NULL);
    return in;
}

bool
wr_tls_file_exchange(struct wr_tls_file *f, weir_str bytes, struct wr_err *err)
{
    struct wr_tls_file_user *u = f->users;
    weir_str before = f->bytes;
    struct wr_err ignored;

    f->bytes = bytes;
    while (u != NULL && u->renew(u->owner, err)) {
        u = u->next;
    }
    if (u == NULL) {
        free((void *)(uintptr_t)before.data);
        return true;
    }
    f->bytes = before; /* of which all have made theirs once */
    for (struct wr_tls_file_user *v = f->users; v != u; v = v->next) {
        (void)v->renew(v->owner, &ignored);
    }
    free((void *)(uintptr_t)bytes.data);
    return false;
}

void
wr_tls_file_use(struct wr_tls_file *f, struct wr_tls_file_user *u,
                bool (*renew)(void *owner, struct wr_err *err), void *owner)
{
    *u = (struct wr_tls_file_user){ renew, owner, f->users };
    f->users = u;
}

void
wr_tls_file_clear(struct wr_tls_file *f)
{
    free((void *)(uintptr_t)f->bytes.data);
    f->bytes = (weir_str){ NULL, 0 };
}
