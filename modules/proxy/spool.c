/* proxy/spool.c - the temporary file of a reply: written at its end, handed out from its beginning.
 */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct spool {
    int fd;
    uint64_t written, read;
};

static void
spool_close(void *data)
{
    struct spool *s = data;

    (void)close(s->fd);
}

/* A name of chance below the folder; the folders of its levels, named by its last digits, are made. */
static weir_str
new_name(weir_pool *pool, const struct temp_folder *t)
{
    weir_str folder = t->path, name;
    uint64_t nonce;

    weir_random(&nonce, sizeof(nonce));
    name = weir_print(pool, "%016llx", (unsigned long long)nonce);
    for (size_t i = 0, end = name.len; i < 3 && t->levels[i] != 0; i++) {
        end -= t->levels[i];
        folder = weir_print(pool, "%.*s/%.*s", WEIR_FMT(folder), (int)t->levels[i],
                            name.data + end);
        (void)mkdir(folder.data, 0700); /* if it cannot be made, opening the file says why */
    }
    return weir_print(pool, "%.*s/%.*s", WEIR_FMT(folder), WEIR_FMT(name));
}

/* Without a name where the system can; else the name goes at once. */
static int
open_file(weir_pool *pool, const struct temp_folder *t)
{
    int fd = open(t->path.data, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    weir_str name;

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) {
        return fd;
    }
    name = new_name(pool, t);
    fd = open(name.data, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)unlink(name.data);
    }
    return fd;
}

struct spool *
spool_open(weir_request *r, const struct temp_folder *t)
{
    struct spool *s = weir_zalloc(r->pool, sizeof(*s));

    s->fd = open_file(r->pool, t);
    if (s->fd < 0) {
        weir_say(r->log, ERROR, "no temporary file in \"%.*s\" (%d: %s)", WEIR_FMT(t->path), errno,
                 strerror(errno));
        return NULL;
    }
    weir_on_end(r->pool, spool_close, s);
    return s;
}

static bool
write_all(struct spool *s, const uint8_t *data, size_t len)
{
    while (len != 0) {
        ssize_t n = pwrite(s->fd, data, len, (off_t)s->written);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return false;
        }
        data += n;
        len -= (size_t)n;
        s->written += (uint64_t)n;
    }
    return true;
}

bool
spool_write(struct spool *s, weir_request *r, weir_chain *c)
{
    weir_buf *b;

    while ((b = weir_chain_pop(c)) != NULL) {
        bool ok = write_all(s, b->data, b->len);
        weir_buf_drop(b);
        if (!ok) {
            weir_say(r->log, ERROR, "writing a reply to a temporary file failed (%d: %s)", errno,
                     strerror(errno));
            return false;
        }
    }
    return true;
}

uint64_t
spool_written(const struct spool *s)
{
    return s != NULL ? s->written : 0;
}

uint64_t
spool_waiting(const struct spool *s)
{
    return s != NULL ? s->written - s->read : 0;
}

weir_buf *
spool_read(struct spool *s, weir_pool *pool)
{
    weir_buf *b =
        weir_buf_file(pool, s->fd, (int64_t)s->read, (size_t)(s->written - s->read), false);

    s->read = s->written;
    return b;
}
