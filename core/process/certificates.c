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
#include "tls/bank.h"

enum {
    LOOK_MS = 3000,
    BYTES_MAX = WR_TLS_FILE_BYTES_MAX
};

/* Those of g that are looked at; NULL: none. */
static struct wr_tls_bank *
bank_of(const struct wr_generation *g)
{
    const struct wr_http *http = g->home.http;

    return http->scope != NULL && wr_ssl_conf(http->scope->conf)->reload ? g->cf.tls : NULL;
}

/* ---- Looking. ---- */

/* Number `index` in memory that can be handed over. A descriptor or -errno. */
static int
to_memory(const struct wr_tls_bank *bank, uint32_t index)
{
    char *text;
    size_t len;
    int fd, rc;

    if (!wr_tls_bank_print(bank, index, &text, &len)) {
        return -EINVAL;
    }
    fd = memfd_create("certificate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    rc = fd >= 0 ? wr_file_write_all(fd, text, len) : -errno;
    OPENSSL_clear_free(text, len);
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
changed(void *data, uint32_t index, weir_str path)
{
    struct wr_certificates *c = data;
    const struct wr_generation *g = *c->current;
    int fd;

    wr_say(wr_log_process(), NOTICE, "\"%.*s\" has changed and is used from now on", WEIR_FMT(path));
    wr_ssl_renew(g->home.http);
    if (c->hand_over == NULL) {
        return;
    }
    fd = to_memory(g->cf.tls, index);
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
               wr_tls_bank_take(bank, index, (weir_str){ text, (size_t)st.st_size }, &err);
        OPENSSL_cleanse(text, (size_t)st.st_size);
        free(text);
    }
    if (good) {
        wr_ssl_renew(g->home.http);
    } else {
        wr_say(wr_log_process(), ERROR, "a certificate was handed over in vain: %s", err.text);
    }
    (void)close(fd);
}
