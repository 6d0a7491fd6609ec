/* process/privileges.h - a worker giving up what it does not need: rights, core files, processors,
 * environment. */
#ifndef WR_PROCESS_PRIVILEGES_H
#define WR_PROCESS_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "process/main_conf.h"

/* Who workers are. */
struct wr_privileges_user {
    bool change; /* this process is root's and the user is another */
    uid_t uid;
    gid_t gid;
    const char *name;
};

/* Look up the configured user and group; only where there is a change to make. False with the
 * reason in err. */
bool wr_privileges_find(const struct wr_main_conf *conf, struct wr_privileges_user *u,
                        struct wr_err *err);

/* In a worker, once: limits, priority, processors, environment, user, capabilities, no new rights,
 * umask, folder. What cannot be had is logged; only a user that cannot be changed to is an error,
 * with the reason in err. */
bool wr_privileges_drop(const struct wr_main_conf *conf, const struct wr_privileges_user *u,
                        uint32_t index, int64_t connections, struct wr_err *err);

#endif
