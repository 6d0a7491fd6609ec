/* process/answer.c - command lines that ask and do not serve: -t, -T, -M, -s, --check-module,
 * --write-module-index. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "config.h"
#include "conf/dump.h"
#include "module/index.h"
#include "module/note.h"
#include "process/console.h"
#include "process/load.h"
#include "process/pidfile.h"
#include "process/start.h"

/* ---- -t, -T ---- */

static bool
dump(const struct wr_generation *g, bool json)
{
    int rc = json ? wr_dump_json(&g->tree, STDOUT_FILENO) : wr_dump_text(&g->tree, STDOUT_FILENO);

    if (rc != 0) {
        wr_log_errno(wr_log_process(), WR_LOG_EMERG, -rc, "writing the configuration failed");
    }
    return rc == 0;
}

/* Are all sockets to be had? One that is in use may be our own server's. */
static bool
try_sockets(struct wr_generation *g)
{
    struct wr_err err;

    if (!wr_generation_open(g, NULL, &err)) {
        wr_say(wr_log_process(), EMERG, "%s", err.text);
        return false;
    }
    wr_listen_close_all(g->listens, true);
    return true;
}

int
wr_start_test(struct wr_instance *in, const struct wr_options *o)
{
    const struct wr_load_report report = {
        .fd = STDERR_FILENO,
        .kinds = 1u << WR_DIAG_ERROR | 1u << WR_DIAG_WARN | (o->version ? 1u << WR_DIAG_NOTE : 0),
        .console = true,
    };
    bool ok;
    struct wr_generation *g = wr_load(in, &report, &ok);

    ok = ok && wr_load_faulty_sites(&in->sites) == 0;
    if (ok && !o->quiet) {
        (void)fprintf(stderr, "weir: the configuration file %s syntax is ok\n", in->conf_path);
    }
    ok = ok && try_sockets(g);
    if (!ok || !o->quiet) {
        (void)fprintf(stderr, "weir: configuration file %s test %s\n", in->conf_path,
                      ok ? "is successful" : "failed");
    }
    if (ok && o->dump) {
        ok = dump(g, o->json);
    }
    wr_generation_destroy(&g);
    return ok ? 0 : 1;
}

/* ---- -M ---- */

int
wr_start_explain(struct wr_instance *in, const struct wr_options *o)
{
    const struct wr_load_report report = {
        .fd = STDERR_FILENO, .kinds = 1u << WR_DIAG_ERROR, .console = true
    };
    const struct wr_question q = { .target = weir_str_c(o->target),
                                   .host = weir_str_c(o->host),
                                   .method = weir_str_c(o->method),
                                   .client = weir_str_c(o->client),
                                   .fields = o->fields,
                                   .n_fields = o->n_fields };
    bool ok;
    struct wr_generation *g = wr_load(in, &report, &ok);

    ok = ok && wr_generation_explain(g, &q, o->json, STDOUT_FILENO);
    wr_generation_destroy(&g);
    return ok ? 0 : 1;
}

/* ---- -s ---- */

static int
signal_of(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {
        { "stop", SIGTERM }, { "quit", SIGQUIT }, { "reopen", SIGUSR1 }, { "reload", SIGHUP }
    };

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (strcmp(signals[i].name, name) == 0) {
            return signals[i].number;
        }
    }
    return 0;
}

/* A configuration that is broken must not keep anybody from stopping the server: only its pid line
 * is looked for. */
int
wr_start_signal(struct wr_instance *in, const char *name)
{
    struct weir_pool *pool = wr_pool_create("signal", NULL);
    struct wr_conf_tree tree = { .first = NULL };
    struct wr_diag diag;
    struct wr_err err;
    weir_str path;
    int code = 1;
    pid_t pid;

    wr_diag_init(&diag, pool);
    if (!wr_conf_read(pool, pool, in->conf_path, in->globals, NULL, &diag, &tree)) {
        wr_console_mute(true);
        wr_diag_print(&diag, STDERR_FILENO, 1u << WR_DIAG_ERROR, true);
        wr_console_mute(false);
    }
    path = wr_generation_word(&tree, "pid");
    path = wr_instance_path(in, pool, path.data != NULL ? path : WEIR_STR(WR_PID_PATH));
    if (!wr_pidfile_read(path.data, &pid, &err)) {
        wr_say(wr_log_process(), ERROR, "%s", err.text);
    } else if (kill(pid, signal_of(name)) != 0) {
        wr_log_errno(wr_log_process(), WR_LOG_ALERT, errno, "kill(%d, %d) failed", (int)pid,
                     signal_of(name));
    } else {
        code = 0;
    }
    wr_pool_destroy(&pool);
    return code;
}

/* ---- Modules. ---- */

int
wr_start_check_module(const char *path)
{
    struct wr_note_info info;
    struct wr_err err;

    if (!wr_note_check(path, &info, &err)) {
        (void)fprintf(stderr, "weir: module \"%s\": %s\n", path, err.text);
        return 1;
    }
    (void)printf(
        "module \"%s\" can be loaded\n"
        "  built for  weir ABI %u.%u; runs on every server from that on with the same major\n"
        "  build-id   %s\n"
        "  imports    %u functions of the server\n",
        path, info.abi_major, info.abi_minor, info.build_id[0] != '\0' ? info.build_id : "none",
        info.imports);
    if (info.odd_exports != 0) {
        (void)printf("  warning    exports %u symbols besides weir_module_entry: %s\n",
                     info.odd_exports, info.odd_names);
    }
    return 0;
}

int
wr_start_write_index(const char *folder)
{
    struct weir_pool *pool = wr_pool_create("index", NULL);
    weir_str path = weir_print(pool, "%s/index", folder);
    weir_str fresh = weir_print(pool, "%s/index.new", folder);
    int fd = wr_file_open(AT_FDCWD, fresh.data, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    struct wr_err err = { "" };
    bool ok = fd >= 0 ||
              wr_err_set(&err, "open() \"%s\" failed (%d: %s)", fresh.data, -fd, strerror(-fd));

    ok = ok && wr_registry_write_index(folder, fd, &err);
    wr_file_close(&fd);
    ok = ok &&
         (rename(fresh.data, path.data) == 0 ||
          wr_err_set(&err, "rename() \"%s\" failed (%d: %s)", fresh.data, errno, strerror(errno)));
    if (!ok) {
        (void)fprintf(stderr, "weir: [emerg] %s\n", err.text);
        (void)unlink(fresh.data);
    }
    wr_pool_destroy(&pool);
    return ok ? 0 : 1;
}
