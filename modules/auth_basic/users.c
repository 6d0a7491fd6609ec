/* users.c - reading password files and keeping what was read.
 *
 * A file is known by its path, and is the same as before while inode, size and times are. Its text is kept as it was read, cut
 * into strings in place; users are found by halving a sorted list.
 */
#include "users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SETTLED_SECONDS = 2 }; /* times of files are no finer than the system's tick, or a second */

struct user {
    weir_str name;
    weir_str hash; /* zero-terminated */
};

struct users {
    struct user *at; /* by name; of one name in the file's order */
    size_t n;
};

struct file {
    weir_pool *pool; /* NULL: the place is free */
    weir_str path;
    struct stat identity;
    int64_t read_at; /* seconds since 1970 */
    uint64_t used;
    struct users users;
};

struct users_files {
    weir_pool *pool;
    uint64_t uses;
    struct file at[USERS_FILES_MAX];
};

struct users_files *
users_files_create(weir_pool *pool)
{
    struct users_files *files = weir_zalloc(pool, sizeof(*files));

    files->pool = pool;
    return files;
}

/* ---- A file's text. ---- */

/* The next line of text from *at on, without its end; false: there is none. */
static bool
next_line(weir_str text, size_t *at, weir_str *line)
{
    const char *end;

    if (*at >= text.len) {
        return false;
    }
    line->data = text.data + *at;
    end = memchr(line->data, '\n', text.len - *at);
    line->len = end != NULL ? (size_t)(end - line->data) : text.len - *at;
    *at += line->len + 1;
    return true;
}

/* "NAME:HASH" and what may follow. The zero behind the hash takes the place of what ended it. */
static bool
parse_line(weir_str line, struct user *u)
{
    const char *colon = line.len != 0 ? memchr(line.data, ':', line.len) : NULL;
    char *hash;
    size_t len = 0, rest;

    if (colon == NULL || colon == line.data || line.data[0] == '#') {
        return false;
    }
    hash = (char *)(uintptr_t)(colon + 1);
    rest = line.len - (size_t)(hash - line.data);
    while (len < rest && hash[len] != ':' && hash[len] != '\r' && hash[len] != '\0') {
        len++;
    }
    hash[len] = '\0';
    *u = (struct user){ { line.data, (size_t)(colon - line.data) }, { hash, len } };
    return true;
}

static int
compare_names(weir_str a, weir_str b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
compare_users(const void *a, const void *b)
{
    const struct user *x = a, *y = b;
    int order = compare_names(x->name, y->name);

    return order != 0 ? order : (x->name.data > y->name.data) - (x->name.data < y->name.data);
}

/* text ends with a zero, and stays as long as pool. */
static void
parse(struct users *users, weir_pool *pool, weir_str text)
{
    size_t at = 0, lines = 0;
    weir_str line;

    while (next_line(text, &at, &line)) {
        lines++;
    }
    users->at = weir_alloc(pool, (lines + 1) * sizeof(*users->at));
    users->n = 0;
    at = 0;
    while (next_line(text, &at, &line)) {
        users->n += parse_line(line, &users->at[users->n]) ? 1 : 0;
    }
    qsort(users->at, users->n, sizeof(*users->at), compare_users);
}

/* ---- Files. ---- */

/* Read it all into pool. 0 or -errno. */
static int
read_all(int fd, weir_pool *pool, uint64_t max, struct stat *identity, weir_str *text)
{
    size_t len = 0;
    char *room;

    if (fstat(fd, identity) != 0) {
        return -errno;
    }
    if (!S_ISREG(identity->st_mode)) {
        return S_ISDIR(identity->st_mode) ? -EISDIR : -EINVAL;
    }
    if ((uint64_t)identity->st_size > max) {
        return -EFBIG;
    }
    room = weir_try_alloc(pool, (size_t)identity->st_size + 1);
    if (room == NULL) {
        return -ENOMEM;
    }
    while (len < (size_t)identity->st_size) {
        ssize_t n = read(fd, room + len, (size_t)identity->st_size - len);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n == 0) {
            break;
        }
        len += n > 0 ? (size_t)n : 0;
    }
    room[len] = '\0';
    *text = (weir_str){ room, len };
    return 0;
}

static void
forget(struct file *f)
{
    if (f->pool != NULL) {
        weir_pool_end(f->pool);
    }
    memset(f, 0, sizeof(*f));
}

/* Read the file at path into f, which is free. 0 or -errno; f is then free still. */
static int
load(struct file *f, weir_pool *parent, const char *path, uint64_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;
    weir_str text = { NULL, 0 };

    if (fd < 0) {
        return -errno;
    }
    f->pool = weir_pool_new(parent);
    f->read_at = weir_wall_clock();
    rc = read_all(fd, f->pool, max, &f->identity, &text);
    (void)close(fd);
    if (rc != 0) {
        forget(f);
        return rc;
    }
    f->path = weir_dup(f->pool, weir_str_c(path));
    parse(&f->users, f->pool, text);
    return 0;
}

static bool
same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Is what f holds still what is at its path? */
static bool
is_current(const struct file *f)
{
    struct stat now;

    return stat(f->path.data, &now) == 0 && now.st_ino == f->identity.st_ino &&
           now.st_dev == f->identity.st_dev && now.st_size == f->identity.st_size &&
           same_time(now.st_mtim, f->identity.st_mtim) &&
           same_time(now.st_ctim, f->identity.st_ctim) &&
           f->read_at - (int64_t)now.st_ctim.tv_sec > SETTLED_SECONDS;
}

/* The place of path; else a free one, or the one used longest ago. */
static struct file *
place_of(struct users_files *files, weir_str path)
{
    struct file *oldest = &files->at[0];

    for (size_t i = 0; i < USERS_FILES_MAX; i++) {
        struct file *f = &files->at[i];
        if (f->pool != NULL && weir_str_eq(f->path, path)) {
            return f;
        }
        oldest = f->used < oldest->used ? f : oldest;
    }
    forget(oldest);
    return oldest;
}

int
users_open(struct users_files *files, const char *path, uint64_t max, const struct users **users)
{
    struct file *f = place_of(files, weir_str_c(path));

    if (f->pool != NULL && !is_current(f)) {
        forget(f);
    }
    if (f->pool == NULL) {
        int rc = load(f, files->pool, path, max);
        if (rc != 0) {
            return rc;
        }
    }
    f->used = ++files->uses;
    *users = &f->users;
    return 0;
}

weir_str
users_find(const struct users *u, weir_str name)
{
    size_t from = 0, to = u->n;

    while (from < to) { /* the first that is not before name */
        size_t middle = from + (to - from) / 2;
        if (compare_names(u->at[middle].name, name) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < u->n && compare_names(u->at[from].name, name) == 0 ? u->at[from].hash
                                                                     : (weir_str){ NULL, 0 };
}

weir_str
users_any(const struct users *u)
{
    return u->n != 0 ? u->at[0].hash : (weir_str){ NULL, 0 };
}
