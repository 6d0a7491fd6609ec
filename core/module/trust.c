/* module/trust.c - who may write a file and the folders that lead to it. */
#include "module/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who may write what we run. */
struct trusted {
    uid_t user, owner; /* ours, and the executable's owner */
    gid_t group;
};

static struct trusted
trusted_writers(void)
{
    struct trusted t = { .user = geteuid(), .owner = geteuid(), .group = 0 };
    struct stat st;

    if (t.user != 0) {
        t.group = getegid();
    }
    if (stat("/proc/self/exe", &st) == 0) {
        t.owner = st.st_uid;
        if (t.user == 0 && (st.st_mode & S_IWGRP) != 0) {
            t.group = st.st_gid;
        }
    }
    return t;
}

static bool
check_writers(const struct trusted *t, const struct stat *st, const char *path, struct wr_err *err)
{
    if (st->st_uid != 0 && st->st_uid != t->user && st->st_uid != t->owner) {
        return wr_err_set(err, "\"%s\" belongs to user %lu; it must be root's%s", path,
                          (unsigned long)st->st_uid, t->user != 0 ? " or ours" : "");
    }
    if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0) {
        return true;
    }
    if ((st->st_mode & S_IWOTH) != 0) {
        return wr_err_set(err, "everybody may write to \"%s\"", path);
    }
    if ((st->st_mode & S_IWGRP) != 0 && st->st_gid != 0 && st->st_gid != t->group) {
        return wr_err_set(err, "group %lu may write to \"%s\"", (unsigned long)st->st_gid, path);
    }
    return true;
}

/* The file's folders, from the innermost; real is a real path and is cut up. */
static bool
check_folders(const struct trusted *t, char *real, struct wr_err *err)
{
    struct stat st;
    char *slash;

    while ((slash = strrchr(real, '/')) != NULL) {
        slash[slash == real ? 1 : 0] = '\0';
        if (lstat(real, &st) != 0) {
            return wr_err_set(err, "cannot look at \"%s\": %s", real, strerror(errno));
        }
        if (!check_writers(t, &st, real, err)) {
            return false;
        }
        if (slash == real) {
            break;
        }
    }
    return true;
}

bool
wr_trust_check(const char *path, int fd, struct wr_err *err)
{
    struct trusted t = trusted_writers();
    struct stat open_file, named;
    char *real;
    bool fine;

    if (fstat(fd, &open_file) != 0) {
        return wr_err_set(err, "%s", strerror(errno));
    }
    if (!S_ISREG(open_file.st_mode)) {
        return wr_err_set(err, "it is not a regular file");
    }
    if ((real = realpath(path, NULL)) == NULL || lstat(real, &named) != 0) {
        free(real);
        return wr_err_set(err, "%s", strerror(errno));
    }
    if (named.st_dev != open_file.st_dev || named.st_ino != open_file.st_ino) {
        free(real);
        return wr_err_set(err, "it was replaced while it was read");
    }
    fine = check_writers(&t, &open_file, real, err) && check_folders(&t, real, err);
    free(real);
    return fine;
}
