/* cache/secret.c - the file "secret": a mark, 16 random bytes, their checksum. Readable by its
 * owner alone. */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "crc.h"
#include "little.h"
#include "path.h"
#include "sys.h"

enum { MARK = 8, KEY = 16, SIZE = MARK + KEY + 4 };

static const char mark[MARK + 1] = "weirkey1";

static void
put_crc(uint8_t bytes[SIZE])
{
    little_put(bytes + MARK + KEY, crc_add(0, bytes, MARK + KEY), 4);
}

/* 0, or -errno; -EBADMSG: it is not whole. */
static int
read_it(const char *path, uint64_t key[2])
{
    uint8_t bytes[SIZE], good[SIZE];
    int fd = sys->open(path, O_RDONLY, 0);
    int rc;

    if (fd < 0) {
        return fd;
    }
    rc = sys_read_all(fd, bytes, SIZE, 0);
    (void)sys->close(fd);
    if (rc != 0) {
        return rc;
    }
    memcpy(good, bytes, SIZE);
    put_crc(good);
    if (memcmp(bytes, mark, MARK) != 0 || memcmp(good, bytes, SIZE) != 0) {
        return -EBADMSG;
    }
    memcpy(key, bytes + MARK, KEY);
    return 0;
}

static int
write_it(const struct store_options *o, const char *path)
{
    uint8_t bytes[SIZE];
    char temp[PATH_SIZE], name[40];
    uint64_t number;
    int fd, rc;

    weir_random(&number, sizeof(number));
    (void)snprintf(name, sizeof(name), "secret.%016llx", (unsigned long long)number);
    if (!path_in(temp, o, name)) {
        return -ENAMETOOLONG;
    }
    memcpy(bytes, mark, MARK);
    weir_random(bytes + MARK, KEY);
    put_crc(bytes);
    fd = sys->open(temp, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0) {
        return fd;
    }
    rc = sys_write_all(fd, bytes, SIZE, 0);
    (void)sys->close(fd);
    rc = rc == 0 ? sys->rename(temp, path) : rc;
    if (rc != 0) {
        (void)sys->unlink(temp);
    }
    return rc;
}

void
secret_settle(struct store *s)
{
    struct root *r = s->root;
    char path[PATH_SIZE];
    int rc = -ENAMETOOLONG;

    if (r->has_secret) {
        return;
    }
    if (path_in(path, &s->o, "secret")) {
        rc = read_it(path, r->secret);
        if (rc != 0) {
            rc = write_it(&s->o, path);
            rc = rc == 0 ? read_it(path, r->secret) : rc;
        }
    }
    if (rc != 0) {
        r->disk_off = true;
        weir_say(weir_main_log(), ERROR, "cache \"%.*s\": cannot write: %s; it is in memory alone",
                 WEIR_FMT(s->o.path), strerror(-rc));
    }
    r->has_secret = true;
}
