/* listing - reads and sorts a directory.
 *
 * How much there is depends on whoever fills the directory, so memory is asked for with limits: the
 * request's, and ENTRIES_MAX.
 */
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES_MAX = 1 << 20, ENTRIES_FIRST = 64, NAME_BYTES_MAX = 255, NAME_BLOCK_BYTES = 8192 };

/* Room for one more entry. */
static bool
grow(weir_request *r, struct listing *l)
{
    if (l->count < l->room) {
        return true;
    }
    size_t room = l->room == 0 ? ENTRIES_FIRST : 2 * l->room;
    if (room > ENTRIES_MAX) {
        return false;
    }
    struct entry *entries = weir_try_alloc(r->pool, room * sizeof(*entries));
    if (entries == NULL) {
        return false;
    }
    if (l->count > 0) {
        memcpy(entries, l->entries, l->count * sizeof(*entries));
    }
    l->entries = entries;
    l->room = room;
    return true;
}

/* A copy of name; NULL when memory is at its limit. */
static const char *
keep_name(weir_request *r, struct listing *l, const char *name, size_t len)
{
    if (len > l->names_room) {
        char *block = weir_try_alloc(r->pool, NAME_BLOCK_BYTES);
        if (block == NULL) {
            return NULL;
        }
        l->names = block;
        l->names_room = NAME_BLOCK_BYTES;
    }
    char *copy = l->names;
    memcpy(copy, name, len);
    l->names += len;
    l->names_room -= len;
    return copy;
}

/* Kind, size and time; false when the entry is gone or may not be looked at. */
static bool
look_at(int fd, const char *name, struct entry *e)
{
    struct stat st;

    if (fstatat(fd, name, &st, 0) != 0 &&
        ((errno != ENOENT && errno != ELOOP) || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)) {
        return false;
    }
    e->kind = ENTRY_OTHER;
    if (S_ISDIR(st.st_mode)) {
        e->kind = ENTRY_DIRECTORY;
    } else if (S_ISREG(st.st_mode)) {
        e->kind = ENTRY_FILE;
    }
    e->size = e->kind == ENTRY_FILE ? (int64_t)st.st_size : 0;
    e->mtime = (int64_t)st.st_mtim.tv_sec;
    return true;
}

static int
read_all(weir_request *r, DIR *dir, struct listing *l)
{
    for (;;) {
        struct entry e = { 0 };
        errno = 0;
        const struct dirent *d = readdir(dir);
        if (d == NULL) {
            return errno == 0 ? WEIR_OK : WEIR_ERROR;
        }
        size_t len = strlen(d->d_name);
        if (d->d_name[0] == '.' || len > NAME_BYTES_MAX || !look_at(dirfd(dir), d->d_name, &e)) {
            continue;
        }
        const char *name = grow(r, l) ? keep_name(r, l, d->d_name, len) : NULL;
        if (name == NULL) {
            return WEIR_LIMIT;
        }
        e.name = (weir_str){ name, len };
        l->entries[l->count++] = e;
    }
}

static int
compare(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    bool x_first = x->kind == ENTRY_DIRECTORY;
    bool y_first = y->kind == ENTRY_DIRECTORY;

    if (x_first != y_first) {
        return x_first ? -1 : 1;
    }
    int order =
        memcmp(x->name.data, y->name.data, x->name.len < y->name.len ? x->name.len : y->name.len);
    if (order != 0) {
        return order;
    }
    return (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

int
listing_read(weir_request *r, int fd, struct listing *l)
{
    DIR *dir = fdopendir(fd);

    if (dir == NULL) {
        int reason = errno;
        close(fd);
        errno = reason;
        return WEIR_ERROR;
    }
    int rc = read_all(r, dir, l);
    int reason = errno;
    closedir(dir);
    errno = reason;
    if (rc == WEIR_OK && l->count > 1) {
        qsort(l->entries, l->count, sizeof(l->entries[0]), compare);
    }
    return rc;
}
