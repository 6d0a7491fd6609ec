/* process/privileges.c - looking up the user, and the steps down in their order: first what root
 * has to do, then the user, last what a change of user would undo. */
#include "process/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/str.h"
#include "process/crash.h"

enum { CAPABILITIES_MAX = 63, DESCRIPTORS_MORE = 64 };

bool
wr_privileges_find(const struct wr_main_conf *conf, struct wr_privileges_user *u,
                   struct wr_err *err)
{
    struct wr_privileges_user found = { .name = conf->user.data };
    const struct passwd *pw;
    const struct group *gr;

    if (geteuid() != 0) {
        *u = found;
        return true;
    }
    pw = getpwnam(conf->user.data);
    if (pw == NULL) {
        return wr_err_set(err, "getpwnam(\"%s\") failed", conf->user.data);
    }
    found.uid = pw->pw_uid;
    found.gid = pw->pw_gid;
    if (conf->group.data != NULL) {
        gr = getgrnam(conf->group.data);
        if (gr == NULL) {
            return wr_err_set(err, "getgrnam(\"%s\") failed", conf->group.data);
        }
        found.gid = gr->gr_gid;
    }
    found.change = found.uid != 0;
    *u = found;
    return true;
}

/* ---- Limits. ---- */

static void
set_limit(__rlimit_resource_t which, const char *name, rlim_t soft, rlim_t hard)
{
    struct rlimit limit = { soft, hard };

    if (setrlimit(which, &limit) != 0) {
        wr_log_errno(wr_log_process(), WR_LOG_ERROR, errno, "setrlimit(%s, %llu) failed", name,
                     (unsigned long long)soft);
    }
}

/* As configured; else as many as worker_connections may need, where the system allows them without
 * asking. */
static void
limit_descriptors(const struct wr_main_conf *conf, int64_t connections)
{
    struct rlimit now;
    rlim_t need = (rlim_t)connections * 2 + DESCRIPTORS_MORE;

    if (conf->rlimit_nofile > 0) {
        set_limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", (rlim_t)conf->rlimit_nofile,
                  (rlim_t)conf->rlimit_nofile);
        return;
    }
    if (getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur >= need) {
        return;
    }
    if (now.rlim_max < (rlim_t)connections) {
        wr_say(wr_log_process(), WARN,
               "%lld worker_connections exceed open file resource limit: %llu",
               (long long)connections, (unsigned long long)now.rlim_max);
    }
    set_limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", WR_MIN(need, now.rlim_max), now.rlim_max);
}

static void
set_scheduling(const struct wr_main_conf *conf, uint32_t index)
{
    cpu_set_t set;

    if (conf->priority != 0 && setpriority(PRIO_PROCESS, 0, conf->priority) != 0) {
        wr_log_errno(wr_log_process(), WR_LOG_ERROR, errno, "setpriority(%d) failed",
                     conf->priority);
    }
    if (wr_affinity_of(&conf->affinity, index, &set) &&
        sched_setaffinity(0, sizeof(set), &set) != 0) {
        wr_log_errno(wr_log_process(), WR_LOG_ERROR, errno, "sched_setaffinity() failed");
    }
}

/* ---- Environment: TZ, and what env lines name. ---- */

static void
keep_environment(const weir_strs *env)
{
    char *tz = getenv("TZ"), **kept = calloc(env->count + 2, sizeof(char *));
    size_t n = 0;

    WR_ASSERT(kept != NULL);
    if (tz != NULL && asprintf(&kept[n], "TZ=%s", tz) > 0) {
        n++;
    }
    for (size_t i = 0; i < env->count; i++) {
        weir_str word = env->at[i];
        if (weir_str_find(word, '=') != word.len) {
            kept[n] = strndup(word.data, word.len);
            n += kept[n] != NULL;
            continue;
        }
        const char *value = getenv(word.data);
        if (value != NULL && asprintf(&kept[n], "%s=%s", word.data, value) > 0) {
            n++;
        }
    }
    (void)clearenv();
    for (size_t i = 0; i < n; i++) {
        (void)putenv(kept[i]); /* the string is the environment's now */
    }
    free(kept);
}

/* ---- Rights. ---- */

static bool
change_user(const struct wr_privileges_user *u, struct wr_err *err)
{
    const char *what = "initgroups";

    for (unsigned long c = 0; c <= CAPABILITIES_MAX; c++) {
        if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0) {
            break; /* past the last one the kernel knows */
        }
    }
    if (initgroups(u->name, u->gid) == 0) {
        what = "setresgid";
        if (setresgid(u->gid, u->gid, u->gid) == 0) {
            what = "setresuid";
            if (setresuid(u->uid, u->uid, u->uid) == 0) {
                return true;
            }
        }
    }
    return wr_err_set(err, "%s(\"%s\") failed (%d: %s)", what, u->name, errno, strerror(errno));
}

bool
wr_privileges_drop(const struct wr_main_conf *conf, const struct wr_privileges_user *u,
                   uint32_t index, int64_t connections, struct wr_err *err)
{
    limit_descriptors(conf, connections);
    set_limit(RLIMIT_CORE, "RLIMIT_CORE", conf->rlimit_core, conf->rlimit_core);
    set_scheduling(conf, index);
    keep_environment(&conf->env);
    if (u->change && !change_user(u, err)) {
        return false;
    }
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    /* Keys are in this memory; a leak checker has to look at it all the same. */
    (void)prctl(PR_SET_DUMPABLE, conf->rlimit_core != 0 || wr_crash_sanitized() ? 1 : 0, 0, 0, 0);
    (void)umask(027);
    if (conf->working_directory.len != 0 && chdir(conf->working_directory.data) != 0) {
        wr_log_errno(wr_log_process(), WR_LOG_ALERT, errno, "chdir(\"%s\") failed",
                     conf->working_directory.data);
    }
    return true;
}
