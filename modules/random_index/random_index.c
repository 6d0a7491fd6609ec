/* random_index - a request for a directory gets one of its files, any of them.
 *
 * Runs before index. The names are gone over once and none is kept but the one chosen so far: the
 * n-th takes its place with a chance of one in n, so that each has the same in the end.
 */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/weir.h>

typedef struct {
    bool on;
} random_index_conf;

enum { NAME_MAX_BYTES = 256 };

static bool
is_file(int dir, const struct dirent *d)
{
    struct stat st;

    if (d->d_type != DT_UNKNOWN && d->d_type != DT_LNK) {
        return d->d_type == DT_REG;
    }
    return fstatat(dir, d->d_name, &st, 0) == 0 && S_ISREG(st.st_mode);
}

/* A number below n; the remainder's slant is of no account for the number of files. */
static uint64_t
below(uint64_t n)
{
    uint64_t x;

    weir_random(&x, sizeof(x));
    return x % n;
}

/* The name of one file into name; false: there is none. */
static bool
choose(DIR *dir, char name[NAME_MAX_BYTES])
{
    uint64_t n = 0;

    for (const struct dirent *d; (d = readdir(dir)) != NULL;) {
        size_t len = strlen(d->d_name);
        if (d->d_name[0] != '.' && len < NAME_MAX_BYTES && is_file(dirfd(dir), d) &&
            below(++n) == 0) {
            memcpy(name, d->d_name, len + 1);
        }
    }
    return n != 0;
}

static int
answer(weir_request *r, const void *conf)
{
    weir_file_info info = { .size_of = sizeof(info) };
    char name[NAME_MAX_BYTES];
    weir_str no_args = { NULL, 0 };
    int fd;

    (void)conf;
    if (!(r->method & (WEIR_GET | WEIR_HEAD | WEIR_POST))) {
        return WEIR_NEXT;
    }
    weir_str folder = weir_file_path(r, (weir_str){ NULL, 0 });
    if (folder.data == NULL || weir_file_look(r, folder, &info, false) != WEIR_OK ||
        info.kind != WEIR_FILE_DIRECTORY || weir_file_open(r, folder, &fd, NULL) != WEIR_OK) {
        return WEIR_NEXT; /* what else there is finds out why */
    }
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        (void)close(fd);
        return WEIR_ERROR;
    }
    bool found = choose(dir, name);
    (void)closedir(dir);
    return found ? weir_redirect_inside(r, weir_print(r->pool, "%.*s%s", WEIR_FMT(r->path), name),
                                        no_args)
                 : WEIR_NEXT;
}

static bool
wanted(const void *conf)
{
    return ((const random_index_conf *)conf)->on;
}

static const weir_directive directives[] = {
    WEIR_OPT(random_index_conf, on, FLAG, "random_index", WEIR_IN_LOCATION, "off",
             "answer a request for a directory with one of its files"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT,
      .handler = answer,
      .wanted = wanted,
      .before = "index autoindex static",
      .flags = WEIR_HOOK_SUBREQUESTS | WEIR_HOOK_FOLDERS },
};

WEIR_MODULE("random_index", "1.0", .summary = "answers for a directory with one of its files",
            .conf_size = sizeof(random_index_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks));
