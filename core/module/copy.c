/* module/copy.c - from a file to sealed memory to the dynamic linker. */
#include "module/copy.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/num.h"

/* Kernels from 6.3 on want to be told that the memory is to be executed; older headers do not know the flag. */
enum { WANTS_EXEC = 0x10 };

static bool
write_all(int fd, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    while (len != 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* Copy from one descriptor to another, at most max bytes; the hash takes part. */
static bool
pour(int from, int to, size_t max, EVP_MD_CTX *hash, size_t *len, struct wr_err *err)
{
    uint8_t block[16384];
    size_t sum = 0;

    for (;;) {
        ssize_t n = read(from, block, sizeof(block));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return wr_err_set(err, "%s", strerror(errno));
        }
        if (n == 0) {
            break;
        }
        if ((size_t)n > max - sum) {
            return wr_err_set(err, "it is larger than %zu bytes", max);
        }
        if (!write_all(to, block, (size_t)n)) {
            return wr_err_set(err, "cannot copy it: %s", strerror(errno));
        }
        WR_ASSERT(EVP_DigestUpdate(hash, block, (size_t)n) == 1);
        sum += (size_t)n;
    }
    *len = sum;
    return sum != 0 || wr_err_set(err, "it is empty");
}

static int
open_memory(const char *name)
{
    char label[64];
    int fd;

    (void)snprintf(label, sizeof(label), "weir:%.40s", name);
    fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING | WANTS_EXEC);
    return fd >= 0 || errno != EINVAL ? fd
                                      : memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

static void
hash_text(EVP_MD_CTX *hash, char text[65])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    WR_ASSERT(EVP_DigestFinal_ex(hash, digest, &len) == 1 && len == 32);
    wr_num_format_bytes(text, digest, len);
    text[64] = '\0';
}

/* The rest of wr_copy_open, with a descriptor and a hash at hand. */
static bool
fill(int from, size_t max, EVP_MD_CTX *hash, struct wr_copy *c, struct wr_err *err)
{
    if (!pour(from, c->fd, max, hash, &c->len, err)) {
        return false;
    }
    hash_text(hash, c->sha256);
    (void)fcntl(c->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    c->bytes = mmap(NULL, c->len, PROT_READ, MAP_PRIVATE, c->fd, 0);
    return c->bytes != MAP_FAILED || wr_err_set(err, "cannot map it: %s", strerror(errno));
}

bool
wr_copy_open(int from, const char *name, size_t max, struct wr_copy *copy, struct wr_err *err)
{
    struct wr_copy c = { .fd = open_memory(name) };
    EVP_MD_CTX *hash;
    bool fine;

    if (c.fd < 0) {
        return wr_err_set(err, "cannot make a copy in memory: %s", strerror(errno));
    }
    hash = EVP_MD_CTX_new();
    WR_ASSERT(hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1);
    fine = fill(from, max, hash, &c, err);
    EVP_MD_CTX_free(hash);
    if (!fine) {
        (void)close(c.fd);
        return false;
    }
    *copy = c;
    return true;
}

/* ---- Opening it. ---- */

/* dlopen, with the linker's reason without the path that the user does not know. */
static void *
link_path(const char *path, struct wr_err *err)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *why;

    if (handle == NULL && (why = dlerror()) != NULL) {
        size_t len = strlen(path);
        if (strncmp(why, path, len) == 0 && why[len] == ':') {
            why += len + 1 + (why[len + 1] == ' ');
        }
        (void)wr_err_set(err, "%s", why);
    }
    return handle;
}

/* May the memory be executed, and can the linker find it by name? */
static bool
memory_will_do(const struct wr_copy *copy, const char *path)
{
    void *page = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, copy->fd, 0);

    if (page == MAP_FAILED) {
        return false;
    }
    (void)munmap(page, 1);
    return access(path, R_OK) == 0;
}

void *
wr_copy_link_file(const struct wr_copy *copy, struct wr_err *err)
{
    char folder[] = "/tmp/weir-module-XXXXXX";
    char path[sizeof(folder) + 16];
    void *handle = NULL;
    int fd;

    if (mkdtemp(folder) == NULL) {
        (void)wr_err_set(err, "cannot make a folder for a copy in /tmp: %s", strerror(errno));
        return NULL;
    }
    (void)snprintf(path, sizeof(path), "%s/module.so", folder);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || !write_all(fd, copy->bytes, copy->len)) {
        (void)wr_err_set(err, "cannot write a copy to %s: %s", path, strerror(errno));
    } else {
        handle = link_path(path, err);
    }
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(path);
    }
    (void)rmdir(folder);
    return handle;
}

void *
wr_copy_link(const struct wr_copy *copy, struct wr_err *err)
{
    char path[32];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", copy->fd);
    return memory_will_do(copy, path) ? link_path(path, err) : wr_copy_link_file(copy, err);
}

void
wr_copy_unmap(struct wr_copy *copy)
{
    if (copy->bytes != NULL) {
        (void)munmap(copy->bytes, copy->len);
        copy->bytes = NULL;
    }
}

void
wr_copy_close(struct wr_copy *copy)
{
    wr_copy_unmap(copy);
    (void)close(copy->fd);
    copy->fd = -1;
}
