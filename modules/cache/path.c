/* cache/path.c - names of files. */
#include "path.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>

#include "sys.h"

enum {
    FOLDER_MODE = 0700,
    BEHIND = PATH_DIGITS * 2 + 8 /* most bytes behind the store's own folder */
};

/* Is there room for the names behind the store's folder? */
static bool
fits(const struct store_options *o)
{
    return o->path.len < PATH_SIZE - BEHIND;
}

static char *
put(char *to, const char *from, size_t len)
{
    memcpy(to, from, len);
    return to + len;
}

/* Eight digits of 32 bits at once: four bits go to each byte of a word, which is made a digit there. */
static char *
put_half(char *to, uint64_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t tens;

    n = (n | n << 16) & UINT64_C(0x0000ffff0000ffff);
    n = (n | n << 8) & UINT64_C(0x00ff00ff00ff00ff);
    n = (n | n << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    tens = (n + ones * 6) >> 4 & ones; /* a bit in each byte that is 10 or more */
    n = htobe64(n + ones * '0' + tens * ('a' - 10 - '0'));
    memcpy(to, &n, sizeof(n));
    return to + sizeof(n);
}

static char *
put_number(char *to, uint64_t n)
{
    return put_half(put_half(to, n >> 32), n & UINT32_MAX);
}

static void
put_digits(char to[PATH_DIGITS], const uint64_t hash[2])
{
    (void)put_number(put_number(to, hash[0]), hash[1]);
}

/* The folders of the levels, each with '/' in front, at most `depth` of them. */
static char *
put_levels(char *to, const struct store_options *o, const char *digits, uint32_t depth)
{
    size_t at = PATH_DIGITS;

    for (uint32_t i = 0; i < depth && i < 3 && o->levels[i] != 0 && o->levels[i] < at; i++) {
        at -= o->levels[i];
        *to++ = '/';
        to = put(to, digits + at, o->levels[i]);
    }
    return to;
}

bool
path_of(char *to, const struct store_options *o, const uint64_t hash[2])
{
    char digits[PATH_DIGITS];

    if (!fits(o)) {
        return false;
    }
    put_digits(digits, hash);
    to = put_levels(put(to, o->path.data, o->path.len), o, digits, 3);
    *to++ = '/';
    *put(to, digits, PATH_DIGITS) = '\0';
    return true;
}

bool
path_of_temp(char *to, const struct store_options *o, uint64_t file)
{
    if (!fits(o)) {
        return false;
    }
    to = put(put(to, o->path.data, o->path.len), "/temp/", 6);
    *put_number(to, file) = '\0';
    return true;
}

bool
path_in(char *to, const struct store_options *o, const char *name)
{
    int n = snprintf(to, PATH_SIZE, "%.*s/%s", WEIR_FMT(o->path), name);

    return n > 0 && n < PATH_SIZE;
}

int
path_make_folders(const struct store_options *o, const uint64_t hash[2])
{
    char digits[PATH_DIGITS];
    PATH_ROOM(path);
    char *end;
    int rc;

    if (!fits(o)) {
        return -ENAMETOOLONG;
    }
    put_digits(digits, hash);
    end = put(path, o->path.data, o->path.len);
    for (uint32_t depth = 1; depth <= 3 && o->levels[depth - 1] != 0; depth++) {
        *put_levels(end, o, digits, depth) = '\0';
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
