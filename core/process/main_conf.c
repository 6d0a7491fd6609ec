/* process/main_conf.c - reading the main context and the events block. */
#include "process/main_conf.h"

#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/str.h"
#include "conf/bind.h"
#include "config.h"
#include "http/http.h"
#include "http/settings.h"
#include "module/registry.h"
#include "process/generation.h"

enum { WORKERS_MAX = 256, THREADS_MAX = 64, QUEUE_MAX = 1 << 20, PRIORITY_MAX = 20 };
enum { MEMORY_MIN = 4095 }; /* bytes; the least that nginx takes */

/* ---- Words that are more than a type. ---- */

static int
set_workers(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str word = weir_conf_arg(cf, 1);
    uint64_t n = 0;

    (void)d;
    if (weir_str_eq(word, WEIR_STR("auto"))) {
        n = WR_MIN(wr_affinity_processors(), (uint32_t)WORKERS_MAX);
    } else if (!weir_parse_number(word, WORKERS_MAX, &n) || n == 0) {
        return weir_conf_error_at(cf, 1, "invalid value \"%.*s\": \"auto\", or 1 to %d",
                                  WEIR_FMT(word), WORKERS_MAX);
    }
    *(uint32_t *)field = (uint32_t)n;
    return WEIR_OK;
}

/* user NAME [GROUP]. Only root can become somebody else, so only then they have to exist. */
static int
set_user(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str *names = field; /* user, then group: neighbours in wr_main_conf */

    (void)d;
    names[0] = weir_conf_arg(cf, 1);
    names[1] = weir_conf_arg(cf, 2);
    if (geteuid() != 0) {
        weir_conf_warn(cf,
                       "the \"user\" directive makes sense only if the master process runs with "
                       "super-user privileges, ignored");
        return WEIR_OK;
    }
    if (getpwnam(names[0].data) == NULL) {
        return weir_conf_error_at(cf, 1, "getpwnam(\"%s\") failed", names[0].data);
    }
    if (names[1].data != NULL && getgrnam(names[1].data) == NULL) {
        return weir_conf_error_at(cf, 2, "getgrnam(\"%s\") failed", names[1].data);
    }
    return WEIR_OK;
}

static int
set_priority(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str word = weir_conf_arg(cf, 1), digits = word;
    bool minus = word.len != 0 && word.data[0] == '-';
    uint64_t n;

    (void)d;
    if (minus) {
        digits = weir_str_cut(word, 1, word.len);
    }
    if (!weir_parse_number(digits, PRIORITY_MAX, &n)) {
        return weir_conf_error_at(cf, 1, "invalid value \"%.*s\": -20 to 20", WEIR_FMT(word));
    }
    *(int32_t *)field = minus ? -(int32_t)n : (int32_t)n;
    return WEIR_OK;
}

static int
set_affinity(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_affinity *a = field;
    bool automatic = weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("auto"));
    uint32_t first = automatic ? 2 : 1, n = weir_conf_argc(cf) - first;
    cpu_set_t *masks = wr_pool_array(weir_conf_pool(cf), cpu_set_t, WR_MAX(n, 1u));

    (void)d;
    if (automatic && n > 1) {
        return weir_conf_error(cf, "\"auto\" takes one mask at most");
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!wr_affinity_parse(weir_conf_arg(cf, first + i), &masks[i])) {
            return weir_conf_error_at(cf, first + i, "a mask is 1 to %d of the digits 0 and 1",
                                      CPU_SETSIZE);
        }
    }
    if (n == 0 && sched_getaffinity(0, sizeof(masks[0]), &masks[0]) != 0) {
        return weir_conf_error(cf, "the processors of this machine cannot be asked for");
    }
    *a = (struct wr_affinity){
        .on = true, .automatic = automatic, .n = WR_MAX(n, 1u), .masks = masks
    };
    return WEIR_OK;
}

/* thread_pool NAME threads=N [max_queue=N]. Pools of other names are accepted; all work is done by
 * "default". */
static int
set_threads(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_thread_pool *to = field, p = { .threads = 0, .queue = 65536 };

    (void)d;
    for (uint32_t i = 2; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        size_t equals = weir_str_find(word, '=');
        weir_str name = weir_str_cut(word, 0, equals),
                 value = weir_str_cut(word, equals + 1, word.len);
        uint64_t n = 0;
        if (weir_str_eq(name, WEIR_STR("threads")) && weir_parse_number(value, THREADS_MAX, &n) &&
            n != 0) {
            p.threads = (uint32_t)n;
        } else if (weir_str_eq(name, WEIR_STR("max_queue")) &&
                   weir_parse_number(value, QUEUE_MAX, &n)) {
            p.queue = (uint32_t)n;
        } else {
            return weir_conf_error_at(cf, i,
                                      "invalid parameter \"%.*s\": threads=1 to threads=%d, "
                                      "max_queue=NUMBER",
                                      WEIR_FMT(word), THREADS_MAX);
        }
    }
    if (p.threads == 0) {
        return weir_conf_error(cf, "missing \"threads\" parameter in thread pool \"%.*s\"",
                               WEIR_FMT(weir_conf_arg(cf, 1)));
    }
    if (weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("default"))) {
        *to = p;
    }
    return WEIR_OK;
}

/* ---- error_log. ---- */

/* The level that the words from the second on mean: one level, or several of nginx's debug_http and
 * the like, which are debug. 0 after an error. */
static uint32_t
read_level(weir_conf *cf)
{
    uint32_t level = weir_conf_argc(cf) == 2 ? WR_LOG_ERROR : 0;

    for (uint32_t i = 2; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        bool kind = weir_str_starts(word, WEIR_STR("debug_"));
        int one = kind ? (int)WR_LOG_DEBUG : wr_log_level_parse(word);
        if (one <= WR_LOG_STDERR) {
            weir_conf_error_at(cf, i, "invalid log level \"%.*s\"", WEIR_FMT(word));
            return 0;
        }
        if (level != 0 && !kind) {
            weir_conf_error_at(cf, i, "duplicate log level \"%.*s\"", WEIR_FMT(word));
            return 0;
        }
        level = (uint32_t)one;
    }
    return level;
}

/* "memory:SIZE" is for a debugger that reads nginx's memory: here such lines go nowhere, but for
 * the gravest, which cost nothing to write there. */
static weir_logfile *
open_memory(weir_conf *cf, uint32_t *level)
{
    weir_str size = weir_str_cut(weir_conf_arg(cf, 1), sizeof("memory:") - 1, SIZE_MAX);
    uint64_t bytes;

    if (weir_parse_size(size, &bytes) != WEIR_OK || bytes < MEMORY_MIN) {
        weir_conf_error_at(cf, 1, "invalid buffer size \"%.*s\"", WEIR_FMT(size));
        return NULL;
    }
    *level = WR_LOG_EMERG;
    return weir_logfile_open(cf, WEIR_STR("/dev/null"));
}

static int
set_error_log(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_log_sink *sink = field;
    struct wr_log_target *t;
    uint32_t level = read_level(cf);
    weir_logfile *f;

    (void)d;
    if (level == 0) {
        return WEIR_ERROR;
    }
    f = weir_str_starts(weir_conf_arg(cf, 1), WEIR_STR("memory:"))
            ? open_memory(cf, &level)
            : weir_logfile_open(cf, weir_conf_arg(cf, 1));
    if (f == NULL) {
        return WEIR_ERROR;
    }
    t = wr_logfile_target(f, weir_conf_pool(cf), level);
    t->next = sink->first;
    sink->first = t;
    return WEIR_OK;
}

/* Without an error_log anywhere: the one of the command line, or as built. Likewise what has no
 * type to preset. */
static int
check_main(weir_conf *cf, void *conf)
{
    struct wr_main_conf *m = conf;
    struct wr_generation *g = wr_generation_of(cf);
    weir_logfile *f;

    m->workers = WR_MAX(m->workers, 1u);
    if (m->threads.threads == 0) {
        m->threads = (struct wr_thread_pool){ .threads = 32, .queue = 65536 };
    }
    if (m->user.data == NULL) {
        m->user = WEIR_STR(WR_USER);
        m->group = WEIR_STR(WR_GROUP);
    }
    if (m->error_log.first != NULL) {
        return WEIR_OK;
    }
    f = weir_logfile_open(cf, weir_str_c(g->instance->error_log));
    if (f == NULL) {
        return WEIR_ERROR;
    }
    m->error_log.first = wr_logfile_target(f, weir_conf_pool(cf), WR_LOG_ERROR);
    return WEIR_OK;
}

/* ---- Blocks. ---- */

static int
set_events(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_generation *g = wr_generation_of(cf);
    struct wr_scope *scope = wr_scope_create(cf, cf->scope, WEIR_IN_EVENTS, cf->node);
    uint32_t slot = wr_events_module.self->slot;

    (void)d;
    (void)field;
    cf->block_read = true;
    if (!wr_scope_bind(cf, scope, cf->node->first)) {
        return WEIR_ERROR;
    }
    g->events = wr_scope_own(cf, scope, slot); /* its own, also when nothing stands in the block */
    return WEIR_OK;
}

static int
set_method(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str word = weir_conf_arg(cf, 1);

    (void)d;
    if (!weir_str_eq(word, WEIR_STR("epoll"))) {
        return weir_conf_error_at(cf, 1, "invalid event type \"%.*s\": \"epoll\" is what there is",
                                  WEIR_FMT(word));
    }
    *(uint32_t *)field = 1;
    return WEIR_OK;
}

/* load_module lines have been followed before any directive was looked at. */
static int
set_load_module(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)cf;
    (void)d;
    (void)field;
    return WEIR_OK;
}

/* ---- Tables. ---- */

static const weir_name compat_names[] = { { "nginx", 1 }, { NULL, 0 } };
static const weir_name debug_names[] = { { "stop", 1 }, { "abort", 2 }, { NULL, 0 } };

#define NOTHING(name_, where_, help_)                                                              \
    {                                                                                              \
        .name = (name_), .help = (help_), .where = (where_), .type = WEIR_T_CUSTOM,                \
        .flags = WEIR_D_NOTHING | WEIR_D_MANY                                                      \
    }
#define BLOCK(name_, set_, help_)                                                                  \
    {                                                                                              \
        .name = (name_), .help = (help_), .where = WEIR_IN_MAIN, .type = WEIR_T_CUSTOM,            \
        .flags = WEIR_D_BLOCK | WR_D_SCOPE, .set = (set_)                                          \
    }
#define LOG_PLACES (WEIR_IN_MAIN | WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION)
#define M          struct wr_main_conf
#define E          struct wr_events_conf

static const weir_directive main_rows[] = {
    WEIR_OPT_CUSTOM(M, error_log, "error_log", LOG_PLACES, 1, 8, WEIR_D_MANY, set_error_log,
                    "a log of errors: file, stderr or syslog:..., and the lowest level it takes"),
    WEIR_OPT(M, daemon, FLAG, "daemon", WEIR_IN_MAIN, "on", "go to the background"),
    WEIR_OPT(M, master, FLAG, "master_process", WEIR_IN_MAIN, "on",
             "a master that looks after worker processes; off: one process does all"),
    { .name = "worker_processes",
      .help = "how many workers; auto: one a processor",
      .preset = "1",
      .where = WEIR_IN_MAIN,
      .type = WEIR_T_CUSTOM,
      .offset = offsetof(M, workers),
      .size = sizeof(uint32_t),
      .min = 1,
      .max = 1,
      .set = set_workers },
    { .name = "user",
      .help = "the user and group that workers run as",
      .preset = WR_USER " " WR_GROUP,
      .where = WEIR_IN_MAIN,
      .type = WEIR_T_CUSTOM,
      .offset = offsetof(M, user),
      .size = 2 * sizeof(weir_str),
      .min = 1,
      .max = 2,
      .set = set_user },
    WEIR_OPT(M, rlimit_nofile, INT, "worker_rlimit_nofile", WEIR_IN_MAIN, NULL,
             "how many descriptors a worker may have open"),
    WEIR_OPT(M, rlimit_core, SIZE, "worker_rlimit_core", WEIR_IN_MAIN, NULL,
             "the largest core file of a worker; none without it"),
    WEIR_OPT_CUSTOM(M, affinity, "worker_cpu_affinity", WEIR_IN_MAIN, 1, UINT16_MAX, 0,
                    set_affinity, "the processors of each worker: masks, or auto"),
    WEIR_OPT_CUSTOM(M, priority, "worker_priority", WEIR_IN_MAIN, 1, 1, 0, set_priority,
                    "scheduling priority of workers, as of nice"),
    WEIR_OPT_COMPAT(M, shutdown_timeout_ms, MSEC, "worker_shutdown_timeout", WEIR_IN_MAIN, "60s",
                    "0", "how long a worker that leaves waits for its connections"),
    WEIR_OPT(M, memory, SIZE, "worker_memory", WEIR_IN_MAIN, NULL,
             "memory of a worker near which it closes idle connections and answers 503; without it a share of "
             "three quarters of the machine's"),
    WEIR_OPT(M, watchdog_ms, MSEC, "worker_watchdog", WEIR_IN_MAIN, "5s",
             "a worker that gets nothing done for this long is replaced; 0: never"),
    WEIR_OPT(M, max_rss, SIZE, "worker_max_rss", WEIR_IN_MAIN, NULL,
             "a worker with more memory than this is replaced gracefully"),
    WEIR_OPT(M, pid, PATH, "pid", WEIR_IN_MAIN, WR_PID_PATH,
             "the file with the master's process id"),
    WEIR_OPT(M, env, STRS, "env", WEIR_IN_MAIN, NULL,
             "an environment variable that workers keep, or a value for it"),
    WEIR_OPT(M, working_directory, PATH, "working_directory", WEIR_IN_MAIN, NULL,
             "the folder workers run in"),
    WEIR_OPT_CUSTOM(M, threads, "thread_pool", WEIR_IN_MAIN, 2, 3, WEIR_D_MANY, set_threads,
                    "threads of a worker for work that blocks"),
    WEIR_OPT_NAMES(M, debug_points, ENUM, "debug_points", WEIR_IN_MAIN, NULL,
                   "accepted; a failed assertion always ends the worker", debug_names),
    WEIR_OPT_NAMES(M, compat, ENUM, "compat", WEIR_IN_MAIN, NULL,
                   "nginx: nginx's defaults where weir's are safer", compat_names),
    { .name = "load_module",
      .help = "load a module's file",
      .where = WEIR_IN_MAIN,
      .type = WEIR_T_CUSTOM,
      .min = 1,
      .max = 2,
      .flags = WEIR_D_MANY,
      .set = set_load_module },
    NOTHING("lock_file", WEIR_IN_MAIN, "weir needs none"),
    NOTHING("timer_resolution", WEIR_IN_MAIN, "the clock is read once a turn of the event loop"),
    NOTHING("pcre_jit", WEIR_IN_MAIN, "on wherever the library can"),
    NOTHING("ssl_engine", WEIR_IN_MAIN, "OpenSSL 3 has providers in its configuration instead"),
    NOTHING("ssl_object_cache_inheritable", WEIR_IN_MAIN, "weir reads unchanged files once"),
    NOTHING("google_perftools_profiles", WEIR_IN_MAIN, "use perf"),
    BLOCK("events", set_events, "settings of connections"),
    BLOCK("http", wr_http_block, "settings of the HTTP server"),
};

static const weir_directive events_rows[] = {
    WEIR_OPT(E, connections, INT, "worker_connections", WEIR_IN_EVENTS, "512",
             "how many connections a worker may have open"),
    WEIR_OPT_CUSTOM(E, method, "use", WEIR_IN_EVENTS, 1, 1, 0, set_method,
                    "epoll is what there is"),
    WEIR_OPT(E, multi_accept, FLAG, "multi_accept", WEIR_IN_EVENTS, "off",
             "take all waiting connections at once"),
    WEIR_OPT(E, debug_connection, STRS, "debug_connection", WEIR_IN_EVENTS, NULL,
             "clients whose lines are logged at debug level, in a build with --with-debug"),
    NOTHING("accept_mutex", WEIR_IN_EVENTS, "the kernel wakes one worker a connection"),
    NOTHING("accept_mutex_delay", WEIR_IN_EVENTS, "there is no accept mutex"),
    NOTHING("worker_aio_requests", WEIR_IN_EVENTS, "files are read by threads"),
};

static weir_self main_self = WR_SELF, events_self = WR_SELF;

const weir_module wr_main_module = {
    WR_BUILTIN(&main_self, "core.main"),
    .summary = "processes, users, limits and the error log",
    .conf_size = sizeof(struct wr_main_conf),
    .directives = WEIR_ITEMS(main_rows),
    .check = check_main,
};

const weir_module wr_events_module = {
    WR_BUILTIN(&events_self, "core.events"),
    .summary = "the events block",
    .conf_size = sizeof(struct wr_events_conf),
    .directives = WEIR_ITEMS(events_rows),
};
