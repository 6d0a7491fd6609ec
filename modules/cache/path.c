/* cache/path.c - names of files. */
#include "path.h"

#include <errno.h>
#include <stdio.h>

#include "sys.h"

enum { FOLDER_MODE = 0700 };

/* The folders of the levels, each with '/' in front, at most `depth` of them. */
static size_t
put_levels(char *to, const struct store_options *o, const char *digits, uint32_t depth)
{
    size_t at = PATH_DIGITS, n = 0;

    for (uint32_t i = 0; i < depth && i < 3 && o->levels[i] != 0 && o->levels[i] < at; i++) {
        at -= o->levels[i];
        to[n++] = '/';
        memcpy(to + n, digits + at, o->levels[i]);
        n += o->levels[i];
    }
    to[n] = '\0';
    return n;
}

static void
put_digits(char *to, const uint64_t hash[2])
{
    (void)snprintf(to, PATH_DIGITS + 1, "%016llx%016llx", (unsigned long long)hash[0],
                   (unsigned long long)hash[1]);
}

static bool
fits(int n)
{
    return n > 0 && n < PATH_SIZE;
}

bool
path_of(char *to, const struct store_options *o, const uint64_t hash[2])
{
    char digits[PATH_DIGITS + 1], levels[PATH_DIGITS + 4];

    put_digits(digits, hash);
    (void)put_levels(levels, o, digits, 3);
    return fits(snprintf(to, PATH_SIZE, "%.*s%s/%s", WEIR_FMT(o->path), levels, digits));
}

bool
path_of_temp(char *to, const struct store_options *o, uint64_t file)
{
    return fits(
        snprintf(to, PATH_SIZE, "%.*s/temp/%016llx", WEIR_FMT(o->path), (unsigned long long)file));
}

bool
path_in(char *to, const struct store_options *o, const char *name)
{
    return fits(snprintf(to, PATH_SIZE, "%.*s/%s", WEIR_FMT(o->path), name));
}

int
path_make_folders(const struct store_options *o, const uint64_t hash[2])
{
    char digits[PATH_DIGITS + 1], levels[PATH_DIGITS + 4], path[PATH_SIZE];
    int rc;

    put_digits(digits, hash);
    for (uint32_t depth = 1; depth <= 3 && o->levels[depth - 1] != 0; depth++) {
        (void)put_levels(levels, o, digits, depth);
        if (!fits(snprintf(path, sizeof(path), "%.*s%s", WEIR_FMT(o->path), levels))) {
            return -ENAMETOOLONG;
        }
        rc = sys->mkdir(path, FOLDER_MODE);
        if (rc != 0 && rc != -EEXIST) {
            return rc;
        }
    }
    return 0;
}

bool
path_parse(const char *name, uint64_t hash[2])
{
    for (size_t i = 0; i < PATH_DIGITS; i++) {
        uint64_t digit;
        if (name[i] >= '0' && name[i] <= '9') {
            digit = (uint64_t)(name[i] - '0');
        } else if (name[i] >= 'a' && name[i] <= 'f') {
            digit = (uint64_t)(name[i] - 'a' + 10);
        } else {
            return false;
        }
        hash[i / 16] = hash[i / 16] << 4 | digit;
    }
    return name[PATH_DIGITS] == '\0';
}
