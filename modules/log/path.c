/* path.c - logs whose path has variables: opened by the worker when there is a line for them.
 *
 * What a client sends may end up in the path. So: no "..", no link at its end, and as with nginx
 * nothing is made unless the request's root folder exists.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

enum { COMPLAIN_MS = 60 * 1000 }; /* a full disk is mentioned once a minute */

bool
log_path_is_sound(weir_str path)
{
    if (path.len == 0 || path.len >= PATH_MAX || path.data[0] != '/' ||
        weir_str_find(path, '\0') != path.len) {
        return false;
    }
    for (size_t i = 0; i < path.len; i++) {
        size_t left = path.len - i;

        if (path.data[i] == '/' && left >= 3 && memcmp(path.data + i, "/..", 3) == 0 &&
            (left == 3 || path.data[i + 3] == '/')) {
            return false;
        }
    }
    return true;
}

static bool
to_c(weir_str s, char *text, size_t room)
{
    if (s.len == 0 || s.len >= room) {
        return false;
    }
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    return true;
}

static bool
root_exists(weir_request *r, const struct log_registry *g)
{
    char root[PATH_MAX];
    struct stat st;

    return to_c(weir_var_get(r, g->root_var), root, sizeof(root)) && stat(root, &st) == 0 &&
           S_ISDIR(st.st_mode);
}

static void
complain(weir_request *r, struct log_registry *g, const char *path, int error)
{
    uint64_t now = weir_now();

    if (g->complained == 0 || now - g->complained > COMPLAIN_MS) {
        g->complained = now;
        weir_say(r->log, ERROR, "a log line for \"%s\" was not written (%d: %s)", path, error,
                 strerror(error));
    }
}

void
log_path_write(weir_request *r, const log_conf *c, const struct log_target *t, weir_str line)
{
    struct log_registry *g = c->shared.registry;
    weir_str value = weir_value_get(r, t->path);
    char path[PATH_MAX];
    bool keep = false;
    ssize_t n;
    int fd;

    if (!log_path_is_sound(value) || !to_c(value, path, sizeof(path))) {
        weir_say(r->log, ERROR, "no log is kept at \"%.*s\"", WEIR_FMT(value));
        return;
    }
    if (!root_exists(r, g)) {
        return;
    }
    fd = c->shared.cache != NULL ? log_cache_open(c->shared.cache, path, weir_now(), &keep)
                                 : log_file_open(path);
    if (fd < 0) {
        weir_say(r->log, ERROR, "open() \"%s\" failed (%d: %s)", path, -fd, strerror(-fd));
        return;
    }
    n = write(fd, line.data, line.len);
    if (n < 0 || (size_t)n != line.len) {
        complain(r, g, path, n < 0 ? errno : ENOSPC);
    }
    if (!keep) {
        (void)close(fd);
    }
}
