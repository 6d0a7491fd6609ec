/* process/folders.c - making the folders that workers write to. */
#include "process/folders.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/generation.h"

void
wr_folders_note(struct weir_conf *cf, weir_str path)
{
    struct wr_generation *g = wr_generation_of(cf);

    WR_VEC_EACH (weir_str, seen, &g->folders) {
        if (weir_str_eq(*seen, path)) {
            return;
        }
    }
    *(weir_str *)wr_vec_add(&g->folders) = weir_dup(g->pool, path);
}

/* One folder; the one that was asked for becomes the user's, those above it stay the master's. */
static bool
make_one(const char *path, bool wanted, const struct wr_privileges_user *user, struct wr_err *err)
{
    if (mkdir(path, wanted ? 0700 : 0755) != 0) {
        return errno == EEXIST ||
               wr_err_set(err, "mkdir() \"%s\" failed (%d: %s)", path, errno, strerror(errno));
    }
    if (wanted && user->change && chown(path, user->uid, user->gid) != 0) {
        return wr_err_set(err, "chown() \"%s\" failed (%d: %s)", path, errno, strerror(errno));
    }
    return true;
}

bool
wr_folders_make(const struct wr_vec *folders, const struct wr_privileges_user *user,
                struct wr_err *err)
{
    WR_VEC_EACH (weir_str, path, folders) {
        char *text = (char *)(uintptr_t)path->data;
        for (size_t i = 1; i < path->len; i++) {
            bool made;
            if (text[i] != '/' || text[i - 1] == '/') {
                continue;
            }
            text[i] = '\0';
            made = make_one(text, false, user, err);
            text[i] = '/';
            if (!made) {
                return false;
            }
        }
        if (!make_one(text, true, user, err)) {
            return false;
        }
    }
    return true;
}
