/* cache/recover.c - reading the journal. Nobody waits yet, so it is done at once. */
#include "recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "journal.h"
#include "path.h"
#include "purge.h"
#include "sys.h"
#include "writer.h"

enum { NAME_DIGITS = 16, MATCHES = SHARED_BANS / 2 };

struct recovered {
    bool any; /* there was something */
    uint32_t n;
    struct store_match match[MATCHES]; /* prefixes are from malloc */
};

static void
forget(struct recovered *r)
{
    while (r->n != 0) {
        free((char *)(uintptr_t)r->match[--r->n].prefix.data);
    }
}

static void
add(struct recovered *to, const struct purge_record *r)
{
    struct store_match *m = &to->match[to->n];
    char *text;

    *m = (struct store_match){ .soft = r->soft, .all = r->what == PURGE_ALL };
    if (r->what == PURGE_TAG) {
        m->tag = r->tag;
    }
    if (r->what == PURGE_PREFIX) {
        text = malloc(r->prefix.len + 1);
        if (text == NULL) {
            m->all = true;
        } else {
            memcpy(text, r->prefix.data, r->prefix.len);
            m->prefix = (weir_str){ text, r->prefix.len };
        }
    }
    to->n++;
}

/* In place of all that cannot be known. */
static void
add_all(struct recovered *to)
{
    forget(to);
    add(to, &(struct purge_record){ .what = PURGE_ALL });
}

static bool
is_known(const struct recovered *to, const struct purge_record *r)
{
    for (uint32_t i = 0; i < to->n; i++) {
        const struct store_match *m = &to->match[i];
        if ((m->all && !m->soft) ||
            (m->soft == r->soft && (r->what == PURGE_TAG      ? m->tag == r->tag
                                    : r->what == PURGE_PREFIX ? weir_str_eq(m->prefix, r->prefix)
                                                              : m->all))) {
            return true;
        }
    }
    return false;
}

static void
do_again(struct recovered *to, const struct store_options *o, const struct purge_record *r)
{
    char path[PATH_SIZE];
    int rc;

    if (r->what != PURGE_KEY) {
        if (is_known(to, r)) {
            return;
        }
        if (to->n < MATCHES) {
            add(to, r);
        } else {
            add_all(to);
        }
        return;
    }
    if (r->soft) {
        rc = writer_make_stale(o, r->hash);
        if (rc == 0 || rc == -ENOENT) {
            return;
        }
    }
    rc = path_of(path, o, r->hash) ? sys->unlink(path) : 0;
    if (rc != 0 && rc != -ENOENT) {
        add_all(to); /* it is still there, and would be found */
    }
}

/* False: something in it cannot be read. */
static bool
read_file(struct recovered *to, const struct store_options *o, const char *path)
{
    int fd = sys->open(path, O_RDONLY, 0);
    int64_t size = fd >= 0 ? sys->size(fd) : fd;
    uint8_t *bytes = size >= 0 && size <= JOURNAL_MAX ? malloc((size_t)size + 1) : NULL;
    const uint8_t *p = bytes;
    struct purge_record r;
    size_t n = (size_t)size;
    bool fine = bytes != NULL && sys_read_all(fd, bytes, n, 0) == 0;

    while (fine && purge_record_read(&p, &n, &r)) {
        do_again(to, o, &r);
    }
    if (fd >= 0) {
        (void)sys->close(fd);
    }
    free(bytes);
    return fine && n == 0;
}

static void
read_folder(struct recovered *to, const struct store_options *o)
{
    char folder[PATH_SIZE], path[PATH_SIZE + 258];
    DIR *dir = path_in(folder, o, "purges") ? opendir(folder) : NULL;
    const struct dirent *d;

    if (dir == NULL) {
        if (errno != ENOENT) {
            add_all(to);
        }
        return;
    }
    while ((d = readdir(dir)) != NULL) {
        if (strlen(d->d_name) != NAME_DIGITS) {
            continue;
        }
        to->any = true;
        (void)snprintf(path, sizeof(path), "%s/%.*s", folder, NAME_DIGITS, d->d_name);
        if (!read_file(to, o, path)) {
            add_all(to);
        }
    }
    (void)closedir(dir);
}

void
recover_settle(struct store *s)
{
    struct root *r = s->root;
    struct recovered found = { .n = 0 };

    if (r->recovered || r->disk_off) {
        return;
    }
    read_folder(&found, &s->o);
    for (uint32_t i = 0; i < found.n; i++) {
        purge_again(s, &found.match[i]);
        shared_commit(s);
    }
    if (found.any) {
        CHANGE(s, r->journal_used, true); /* it goes once all that is done */
    }
    CHANGE(s, r->recovered, true);
    forget(&found);
}
