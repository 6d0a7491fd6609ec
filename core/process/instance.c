/* process/instance.c - finding prefix, configuration, log and modules. */
#include "process/instance.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pool.h"
#include "base/str.h"
#include "config.h"
#include "module/metric.h"

weir_str
wr_instance_path(const struct wr_instance *in, struct weir_pool *pool, weir_str path)
{
    if (path.len != 0 && path.data[0] == '/') {
        return weir_dup(pool, path);
    }
    return weir_print(pool, "%.*s%.*s", WEIR_FMT(in->prefix), WEIR_FMT(path));
}

/* The prefix made absolute, with a slash at its end. */
static bool
find_prefix(struct wr_instance *in, const char *given, struct wr_err *err)
{
    char here[PATH_MAX];
    const char *p = given != NULL ? given : WR_PREFIX;
    const char *slash = p[strlen(p) - 1] == '/' ? "" : "/";

    if (p[0] == '/') {
        in->prefix = weir_print(in->pool, "%s%s", p, slash);
        return true;
    }
    if (getcwd(here, sizeof(here)) == NULL) {
        return wr_err_set(err, "getcwd() failed (%d: %s)", errno, strerror(errno));
    }
    in->prefix = weir_print(in->pool, "%s/%s%s", here, p, slash);
    return true;
}

static const char *
find_binary(struct weir_pool *pool, const char *name)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));

    return n > 0 ? weir_dup(pool, (weir_str){ exe, (size_t)n }).data : name;
}

/* What `make install DESTDIR=...` put below another root; NULL when the binary is in none. */
static const char *
find_staged_modules(struct weir_pool *pool, const char *binary)
{
    static const char installed[] = WR_INSTALLED_BINARY;
    size_t len = strlen(binary), tail = sizeof(installed) - 1;
    struct stat st;
    weir_str path;

    if (len <= tail || strcmp(binary + len - tail, installed) != 0) {
        return NULL;
    }
    path = weir_print(pool, "%.*s%s", (int)(len - tail), binary, WR_INSTALLED_MODULES_DIR);
    return stat(path.data, &st) == 0 && S_ISDIR(st.st_mode) ? path.data : NULL;
}

/* The modules beside this binary in a build folder or below another root; else the installed. */
static const char *
find_modules(struct weir_pool *pool, const char *binary)
{
    char beside[PATH_MAX], built[PATH_MAX];
    const char *slash = strrchr(binary, '/');
    const char *staged;

    if (slash != NULL) {
        weir_str folder = weir_print(pool, "%.*s/modules", (int)(slash - binary), binary);
        if (realpath(folder.data, beside) != NULL &&
            realpath(WR_BUILD_MODULES_DIR, built) != NULL && strcmp(beside, built) == 0) {
            return weir_dup(pool, weir_str_c(beside)).data;
        }
    }
    staged = find_staged_modules(pool, binary);
    return staged != NULL ? staged : WR_INSTALLED_MODULES_DIR;
}

/* A new binary is started with the words as they were; the title is written over the originals. */
static char *const *
copy_words(struct weir_pool *pool, int argc, char *const *argv)
{
    const char **copy = wr_pool_array(pool, const char *, (size_t)argc + 1);

    for (int i = 0; i < argc; i++) {
        copy[i] = weir_dup(pool, weir_str_c(argv[i])).data;
    }
    return (char *const *)(void *)copy;
}

static weir_str
copy_of(struct weir_pool *pool, const char *text)
{
    return text != NULL ? weir_dup(pool, weir_str_c(text)) : (weir_str){ NULL, 0 };
}

bool
wr_instance_init(struct wr_instance *in, const struct wr_options *o, int argc, char *const *argv,
                 struct wr_err *err)
{
    const char *log = o->error_log != NULL ? o->error_log : WR_ERROR_LOG_PATH;

    *in = (struct wr_instance){ .pool = wr_pool_create("instance", NULL), .testing = o->test };
    wr_zone_list_init(&in->zones);
    if (!find_prefix(in, o->prefix, err)) {
        return false;
    }
    in->conf_path =
        wr_instance_path(in, in->pool, weir_str_c(o->conf != NULL ? o->conf : WR_CONF_PATH)).data;
    in->error_log = strcmp(log, "stderr") == 0
                        ? "stderr"
                        : wr_instance_path(in, in->pool, weir_str_c(log)).data;
    in->globals = copy_of(in->pool, o->globals);
    in->argv = copy_words(in->pool, argc, argv);
    in->argc = argc;
    in->binary = find_binary(in->pool, in->argv[0]);
    in->modules = find_modules(in->pool, in->binary);
    in->metrics = wr_metrics_create(err);
    return in->metrics != NULL;
}

void
wr_instance_fini(struct wr_instance *in)
{
    wr_metrics_destroy(&in->metrics);
    wr_sites_fini(&in->sites);
    wr_logfiles_fini(&in->logs);
    wr_pool_destroy(&in->pool);
}
