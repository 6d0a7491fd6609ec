/* cache/scan.c - walking over a folder. */
#include "scan.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "path.h"
#include "sys.h"

enum { DEPTHS = 4, NAME_MAX_LEN = 255, OLD_S = 600 };

struct scan {
    const struct store_options *o;
    uint32_t levels, depth;
    DIR *dir[DEPTHS];
    size_t path_len[DEPTHS];
    char path[PATH_SIZE + NAME_MAX_LEN + 2];
};

struct scan *
scan_open(const struct store_options *o)
{
    struct scan *sc = calloc(1, sizeof(*sc));

    if (sc == NULL || o->path.len >= PATH_SIZE) {
        free(sc);
        return NULL;
    }
    sc->o = o;
    while (sc->levels < 3 && o->levels[sc->levels] != 0) {
        sc->levels++;
    }
    memcpy(sc->path, o->path.data, o->path.len);
    sc->path_len[0] = o->path.len;
    sc->dir[0] = opendir(sc->path);
    if (sc->dir[0] == NULL) {
        free(sc);
        return NULL;
    }
    return sc;
}

void
scan_close(struct scan *sc)
{
    for (uint32_t i = 0; i < DEPTHS; i++) {
        if (sc->dir[i] != NULL) {
            (void)closedir(sc->dir[i]);
        }
    }
    free(sc);
}

/* Is it a folder of the next level: so many hexadecimal digits? */
static bool
is_level(const struct scan *sc, const char *name)
{
    return sc->depth < sc->levels && strlen(name) == sc->o->levels[sc->depth] &&
           strspn(name, "0123456789abcdef") == strlen(name);
}

static void
go_down(struct scan *sc, const char *name)
{
    size_t at = sc->path_len[sc->depth];
    int n = snprintf(sc->path + at, sizeof(sc->path) - at, "/%s", name);
    DIR *d = n > 0 && at + (size_t)n < PATH_SIZE ? opendir(sc->path) : NULL;

    if (d != NULL) {
        sc->depth++;
        sc->dir[sc->depth] = d;
        sc->path_len[sc->depth] = at + (size_t)n;
    }
}

/* A file: true, and its hash, if it is one of ours in its place. */
static bool
take(struct scan *sc, const char *name, struct scan_name *to)
{
    size_t at = sc->path_len[sc->depth];
    char right[PATH_SIZE];

    if (!path_parse(name, to->hash)) {
        return false;
    }
    (void)snprintf(sc->path + at, sizeof(sc->path) - at, "/%s", name);
    if (path_of(right, sc->o, to->hash) && strcmp(right, sc->path) == 0) {
        return true;
    }
    (void)sys->unlink(sc->path);
    return false;
}

uint32_t
scan_next(struct scan *sc, struct scan_name *names, uint32_t max, uint64_t ms, bool *end)
{
    uint64_t until = sys->ms() + ms;
    uint32_t n = 0, looked = 0;

    *end = false;
    while (n < max && (++looked % 64 != 0 || sys->ms() < until)) {
        const struct dirent *d = readdir(sc->dir[sc->depth]);
        if (d == NULL) {
            if (sc->depth == 0) {
                *end = true;
                return n;
            }
            (void)closedir(sc->dir[sc->depth]);
            sc->dir[sc->depth--] = NULL;
        } else if (d->d_name[0] != '.' && is_level(sc, d->d_name)) {
            go_down(sc, d->d_name);
        } else if (d->d_name[0] != '.') {
            n += take(sc, d->d_name, &names[n]);
        }
    }
    return n;
}

void
scan_clean_temp(const struct store_options *o)
{
    char folder[PATH_SIZE], path[PATH_SIZE + NAME_MAX_LEN + 2];
    DIR *dir = path_in(folder, o, "temp") ? opendir(folder) : NULL;
    const struct dirent *d;
    struct stat st;

    while (dir != NULL && (d = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
        if (strlen(d->d_name) == 16 && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
            st.st_mtime + OLD_S < time(NULL)) {
            (void)sys->unlink(path);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

void
scan_clean_purges(const struct store_options *o, uint64_t keep)
{
    char folder[PATH_SIZE], kept[17], path[PATH_SIZE + NAME_MAX_LEN + 2];
    DIR *dir = path_in(folder, o, "purges") ? opendir(folder) : NULL;
    const struct dirent *d;

    (void)snprintf(kept, sizeof(kept), "%016llx", (unsigned long long)keep);
    while (dir != NULL && (d = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
        if (strlen(d->d_name) == 16 && strcmp(d->d_name, kept) != 0) {
            (void)sys->unlink(path);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}
