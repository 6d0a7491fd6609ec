/* process/certificates.c - looking at files, and the way of what was read from the master to its workers: a sealed piece of
 * memory that has no name. */
#include "process/certificates.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "http/core_ssl.h"
#include "tls/context.h"

enum {
    LOOK_MS = 3000,
    BYTES_MAX = 1 << 20 /* of a key and its certificates */
};

/* Those of g that are looked at; NULL: none. */
static struct wr_tls_bank *
bank_of(const struct wr_generation *g)
{
    const struct wr_http *http = g->home.http;

    return http->scope != NULL && wr_ssl_conf(http->scope->conf)->reload ? g->cf.tls : NULL;
}

/* ---- Looking. ---- */

/* The pair in memory that can be handed over. A descriptor or -errno. */
static int
to_memory(const struct wr_tls_pair *p)
{
    char *pem;
    size_t len;
    int fd, rc;

    if (!wr_tls_pair_print(p, &pem, &len)) {
        return -EINVAL;
    }
    fd = memfd_create("certificate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    rc = fd >= 0 ? wr_file_write_all(fd, pem, len) : -errno;
    OPENSSL_clear_free(pem, len);
    if (rc == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        rc = -errno;
    }
    if (rc != 0) {
        wr_file_close(&fd);
        return rc;
    }
    return fd;
}

static void
changed(void *data, uint32_t index, const struct wr_tls_pair *p)
{
    struct wr_certificates *c = data;
    int fd;

    wr_say(wr_log_process(), NOTICE, "certificate \"%.*s\" has changed and is used from now on",
           WEIR_FMT(p->certificate));
    if (c->hand_over == NULL) {
        return;
    }
    fd = to_memory(p);
    if (fd < 0) {
        wr_log_errno(wr_log_process(), WR_LOG_ERROR, -fd, "a certificate cannot be handed over");
        return;
    }
    c->hand_over(c->data, index, fd);
    (void)close(fd);
}

static void
look(struct wr_timer *t)
{
    struct wr_certificates *c = WR_CONTAINER(t, struct wr_certificates, timer);
    struct wr_tls_bank *bank = bank_of(*c->current);

    if (bank != NULL) {
        wr_tls_bank_look(bank, changed, c);
    }
    wr_timer_set(wr_loop_self(), &c->timer, LOOK_MS);
}

void
wr_certificates_watch(struct wr_certificates *c, struct wr_generation *const *current,
                      void (*hand_over)(void *data, uint32_t index, int fd), void *data)
{
    *c = (struct wr_certificates){ .timer.fire = look,
                                   .current = current,
                                   .hand_over = hand_over,
                                   .data = data };
    wr_timer_set(wr_loop_self(), &c->timer, LOOK_MS);
}

/* ---- In a worker. ---- */

static bool
take_text(struct wr_tls_bank *bank, uint32_t index, weir_str pem, struct wr_err *err)
{
    struct wr_tls_pair fresh = { .version = 0 };

    if (!wr_tls_pair_parse(&fresh, pem, err)) {
        return false;
    }
    wr_tls_bank_exchange(bank, index, &fresh);
    return true;
}

void
wr_certificates_take(struct wr_generation *g, uint32_t index, int fd)
{
    struct wr_tls_bank *bank = bank_of(g);
    struct wr_err err = { "it cannot be read" };
    struct stat st;
    char *text = NULL;
    bool good = false;

    if (bank != NULL && fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= BYTES_MAX &&
        (text = malloc((size_t)st.st_size)) != NULL) {
        good = pread(fd, text, (size_t)st.st_size, 0) == st.st_size &&
               take_text(bank, index, (weir_str){ text, (size_t)st.st_size }, &err);
        OPENSSL_cleanse(text, (size_t)st.st_size);
        free(text);
    }
    if (!good) {
        wr_say(wr_log_process(), ERROR, "a certificate was handed over in vain: %s", err.text);
    }
    (void)close(fd);
}
