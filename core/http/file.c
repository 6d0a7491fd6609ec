/* http/file.c - the path a request means in the file system, and opening it so that it cannot be another.
 *
 * A path that leaves its root by "..", or by a link swapped in a race, is stopped by the kernel (openat2 beneath the root). A
 * symbolic link that an administrator laid out of the root is followed, as nginx does, unless disable_symlinks says otherwise:
 * then the path has no ".." (checked here), and only links lead on.
 */
#include "http/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/file.h"
#include "base/str.h"
#include "http/http.h"
#include "http/location.h"

enum { OPEN_FLAGS = O_RDONLY | O_NONBLOCK };

/* ---- Names. ---- */

static weir_str
without_slash(weir_str s)
{
    while (s.len > 1 && s.data[s.len - 1] == '/') {
        s.len--;
    }
    return s;
}

weir_str
wr_file_base(struct wr_request *r)
{
    const struct wr_files_conf *c = wr_files_conf(r);
    const weir_value *v = c->alias != NULL ? c->alias : c->root;
    weir_str s = weir_value_get(&r->pub, v);
    weir_str prefix = r->http->prefix;

    /* A configuration's text has no zero byte; a variable's value may. */
    if (s.data == NULL || (v->constant.data == NULL && memchr(s.data, '\0', s.len) != NULL)) {
        wr_say(&r->log, ERROR, "the root has no usable value");
        return (weir_str){ NULL, 0 };
    }
    if (s.len == 0 || s.data[0] != '/') {
        s = weir_print(r->pub.pool, "%.*s%.*s", WEIR_FMT(prefix), WEIR_FMT(s));
    }
    return c->alias != NULL ? s : without_slash(s);
}

weir_str
wr_file_root(struct wr_request *r)
{
    return without_slash(wr_file_base(r));
}

static weir_str
join(struct wr_request *r, weir_str root, weir_str rest)
{
    char *to = wr_pool_alloc(r->pub.pool, root.len + rest.len + 2);
    size_t n = root.len;

    memcpy(to, root.data, n);
    if (rest.len != 0 && rest.data[0] != '/' && to[n - 1] != '/') {
        to[n++] = '/';
    } else if (rest.len != 0 && rest.data[0] == '/' && to[n - 1] == '/') {
        n--;
    }
    if (rest.len != 0) {
        memcpy(to + n, rest.data, rest.len);
        n += rest.len;
    }
    to[n] = '\0';
    return (weir_str){ to, n };
}

/* The alias in place of the location's name in a path that begins with it. Where that ends inside of a part, the parts stay
 * one: `location /m { alias /srv/m; }` makes /srv/mx of /mx, and never /srv/m/x, which other locations may guard. */
static weir_str
replace_prefix(struct wr_request *r, weir_str alias, weir_str prefix, weir_str path)
{
    weir_str rest = weir_str_cut(path, prefix.len, SIZE_MAX);

    if (rest.len == 0 || rest.data[0] == '/' || weir_str_ends(prefix, WEIR_STR("/"))) {
        return join(r, alias, rest);
    }
    return weir_print(r->pub.pool, "%.*s%.*s", WEIR_FMT(alias), WEIR_FMT(rest));
}

weir_str
weir_file_path(weir_request *pub, weir_str path)
{
    struct wr_request *r = wr_request_of(pub);
    const struct wr_files_conf *c = wr_files_conf(r);
    weir_str root = wr_file_base(r);
    weir_str none = { NULL, 0 };
    bool found_by = path.data == NULL && !r->path_set;

    if (root.data == NULL) {
        return none;
    }
    if (path.data == NULL) {
        path = pub->path;
    }
    /* What is the target still has been read as one, which has no zero byte; what was decoded may. */
    if (path.len != 0 && path.data != pub->target.data &&
        memchr(path.data, '\0', path.len) != NULL) {
        wr_say(&r->log, ERROR, "a file name has a zero byte in it");
        return none;
    }
    if (c->alias == NULL) {
        return join(r, root, path);
    }
    if (c->alias_for.len == 0) { /* the alias names the file; another path is put behind it */
        return found_by ? weir_dup(pub->pool, root) : join(r, root, path);
    }
    return weir_str_starts(path, c->alias_for) ? replace_prefix(r, root, c->alias_for, path)
                                               : join(r, root, path);
}

/* ---- Opening. ---- */

static bool
has_dot_dot(const char *path)
{
    for (const char *p = path; (p = strstr(p, "..")) != NULL; p += 2) {
        if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Open `rest` beneath the folder `base`, symbolic links as `resolve` says. */
static int
open_below(const char *base, const char *rest, int flags, uint64_t resolve)
{
    int dir = wr_file_open(AT_FDCWD, base, O_PATH | O_DIRECTORY, 0), fd;

    if (dir < 0) {
        return dir == -ENOTDIR && *rest == '\0' ? wr_file_open(AT_FDCWD, base, flags, 0) : dir;
    }
    fd = wr_file_open_beneath(dir, *rest != '\0' ? rest : ".", flags, resolve);
    (void)close(dir);
    return fd;
}

/* One name of the walk below: its descriptor, or -errno when it is a link to another owner's file. */
static int
step_owned(int dir, const char *name)
{
    struct stat link, target;
    int fd = wr_file_open(dir, name, O_PATH | O_NOFOLLOW, 0), to;

    if (fd < 0 || fstat(fd, &link) != 0 || !S_ISLNK(link.st_mode)) {
        return fd;
    }
    (void)close(fd);
    to = wr_file_open(dir, name, O_PATH, 0);
    if (to >= 0 && (fstat(to, &target) != 0 || target.st_uid != link.st_uid)) {
        (void)close(to);
        return -ELOOP;
    }
    return to;
}

/* Open base/rest name by name: a link is followed only to what its own owner owns. What was checked is what is opened. */
static int
open_owned(const char *base, const char *rest, int flags)
{
    int fd = wr_file_open(AT_FDCWD, base, O_PATH, 0);
    char name[NAME_MAX + 1], self[48];
    int opened;

    while (fd >= 0 && *rest != '\0') {
        size_t n = strcspn(rest, "/");
        int next;
        if (n > NAME_MAX) {
            (void)close(fd);
            return -ENAMETOOLONG;
        }
        if (n != 0) {
            memcpy(name, rest, n);
            name[n] = '\0';
            next = step_owned(fd, name);
            (void)close(fd);
            fd = next;
        }
        rest += n + (rest[n] == '/');
    }
    if (fd < 0) {
        return fd;
    }
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    opened = wr_file_open(AT_FDCWD, self, flags, 0);
    (void)close(fd);
    return opened;
}

/* Under disable_symlinks the whole path is looked at, or what follows from=. */
static int
open_without_links(struct wr_request *r, weir_str path, uint32_t symlinks, int flags)
{
    weir_str from = weir_value_get(&r->pub, wr_files_conf(r)->symlinks_from);
    const char *base = "/", *rest = path.data + 1;

    if (from.len != 0 && weir_str_starts(path, from) &&
        (path.len == from.len || path.data[from.len] == '/' || from.data[from.len - 1] == '/')) {
        base = weir_dup(r->pub.pool, from).data;
        rest = path.data + from.len;
    }
    rest += strspn(rest, "/");
    return symlinks == 2 ? open_owned(base, rest, flags)
                         : open_below(base, rest, flags, RESOLVE_NO_SYMLINKS);
}

/* Is path root itself, or something in it? "/srv/mx" is not in "/srv/m". */
static bool
is_within(weir_str path, weir_str root)
{
    return weir_str_starts(path, root) && (path.len == root.len || path.data[root.len] == '/' ||
                                           weir_str_ends(root, WEIR_STR("/")));
}

static int
open_rooted(struct wr_request *r, weir_str path, uint32_t symlinks, int flags)
{
    weir_str root;
    const char *rest;
    int fd;

    if (symlinks != 0) {
        return has_dot_dot(path.data) ? -EACCES : open_without_links(r, path, symlinks, flags);
    }
    root = wr_file_root(r);
    if (root.data == NULL) {
        return -EINVAL;
    }
    if (!is_within(path, root)) {
        return has_dot_dot(path.data) ? -EACCES : wr_file_open(AT_FDCWD, path.data, flags, 0);
    }
    rest = path.data + root.len;
    rest += strspn(rest, "/");
    fd = open_below(weir_dup(r->pub.pool, root).data, rest, flags, 0);
    if (fd == -EXDEV && !has_dot_dot(rest)) { /* a link leads out of the root: the administrator's word */
        fd = wr_file_open(AT_FDCWD, path.data, flags, 0);
    }
    return fd;
}

int
wr_file_open_rooted(struct wr_request *r, weir_str path, uint32_t symlinks)
{
    return open_rooted(r, path, symlinks, OPEN_FLAGS);
}

/* What is at path, although it may not be read? 0 or -errno. */
static int
look_rooted(struct wr_request *r, weir_str path, struct stat *st)
{
    int fd = open_rooted(r, path, wr_files_conf(r)->symlinks, O_PATH), error = 0;

    if (fd < 0) {
        return fd;
    }
    if (fstat(fd, st) != 0) {
        error = -errno;
    }
    (void)close(fd);
    return error;
}

/* ---- The ABI. ---- */

int
wr_file_status(struct wr_request *r, weir_str file, int error, bool log_missing)
{
    const struct wr_files_conf *c = wr_files_conf(r);

    switch (-error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        if (log_missing && c->log_not_found) {
            wr_log_errno(&r->log, WR_LOG_ERROR, -error, "open() \"%s\" failed", file.data);
        }
        return WEIR_ABSENT;
    case EACCES:
    case ELOOP:
    case EXDEV:
        wr_log_errno(&r->log, WR_LOG_ERROR, -error, "open() \"%s\" failed", file.data);
        return 403;
    default:
        wr_log_errno(&r->log, WR_LOG_CRIT, -error, "open() \"%s\" failed", file.data);
        return WEIR_ERROR;
    }
}

static void
fill(weir_file_info *info, const struct wr_file *f)
{
    weir_file_info full = { .size_of = info->size_of,
                            .kind = f->kind,
                            .size = f->size,
                            .mtime = f->mtime,
                            .inode = f->inode,
                            .executable = f->executable };

    memcpy(info, &full, WR_MIN((size_t)info->size_of, sizeof(full)));
}

static struct wr_file
file_of(const struct stat *st)
{
    return (struct wr_file){ .kind = S_ISREG(st->st_mode)   ? WEIR_FILE_REGULAR
                                     : S_ISDIR(st->st_mode) ? WEIR_FILE_DIRECTORY
                                                            : WEIR_FILE_OTHER,
                             .size = (uint64_t)st->st_size,
                             .mtime = st->st_mtim.tv_sec,
                             .inode = st->st_ino,
                             .executable = (st->st_mode & 0111) != 0 };
}

int
weir_file_look(weir_request *pub, weir_str file, weir_file_info *info, bool log_missing)
{
    struct wr_request *r = wr_request_of(pub);
    struct wr_file *f;
    struct stat st;
    int error = -EACCES;

    if (wr_file_cache_ready()) { /* in a worker; `weir -M` asks without one */
        error = wr_file_get(r, file, false, false, &f);
    }
    if (error == 0) {
        fill(info, f);
        wr_file_unref(f);
        return WEIR_OK;
    }
    if (error == -EACCES && (error = look_rooted(r, file, &st)) == 0) {
        struct wr_file seen = file_of(&st);
        fill(info, &seen);
        return WEIR_OK;
    }
    return wr_file_status(r, file, error, log_missing);
}

int
weir_file_open(weir_request *pub, weir_str file, int *fd, weir_file_info *info)
{
    struct wr_request *r = wr_request_of(pub);
    int opened = wr_file_open_rooted(r, file, wr_files_conf(r)->symlinks);
    struct stat st;

    if (opened < 0) {
        return wr_file_status(r, file, opened, true);
    }
    if (fstat(opened, &st) != 0) {
        int error = -errno;
        (void)close(opened);
        return wr_file_status(r, file, error, true);
    }
    if (info != NULL) {
        struct wr_file f = file_of(&st);
        fill(info, &f);
    }
    *fd = opened;
    return WEIR_OK;
}
