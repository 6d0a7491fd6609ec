/* process/logfile.h - log files: opened by the master, written by everybody, reopened without
 * anyone's help.
 *
 * A file is known by its path and lives from one configuration to the next. A worker cannot open
 * logs; on USR1 the master opens the files anew and sends the descriptors to the workers, where
 * they take the place of the old ones (dup3, so a write finds either the old or the new file).
 * Access log lines are gathered and leave in one write a turn of the loop; error log lines leave at
 * once, for what is written just before a crash matters most.
 */
#ifndef WR_PROCESS_LOGFILE_H
#define WR_PROCESS_LOGFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/log.h>

#include "base/err.h"
#include "base/log.h"
#include "base/pool.h"
#include "event/loop.h"

struct wr_syslog;

struct weir_logfile {
    struct weir_logfile *next;
    char *path;    /* absolute, or "syslog:...", or "stderr" */
    uint32_t id;   /* the same in master and workers */
    uint32_t refs; /* configurations that use it */
    int fd;        /* -1: syslog */
    struct wr_syslog *syslog;
    const struct weir_pool *user; /* the last configuration that asked, so that each counts once */
    /* This process's writing. */
    char *waiting; /* lines gathered in this turn; WR_LOGFILE_ROOM bytes once there were any */
    size_t len;
    struct wr_task flush;
    struct wr_timer report;
    uint64_t lost;    /* lines not written and not yet told of */
    uint64_t told_ms; /* when loss was last told of */
    int error;        /* why */
    bool torn;        /* the last write ended inside a line */
};

struct wr_logfiles {
    struct weir_logfile *first;
    uint32_t next_id;
};

enum { WR_LOGFILE_ROOM = 64 * 1024 };

/*
 * The log at path, opened now if it is new; used by the configuration in pool until that ends.
 *
 * path  absolute, "stderr", or "syslog:server=..." (syslog.h)
 *
 * NULL with the reason in err.
 */
struct weir_logfile *wr_logfiles_open(struct wr_logfiles *l, struct weir_pool *pool, weir_str path,
                                      struct wr_err *err);

/* A target of an error log that writes to f; in pool. */
struct wr_log_target *wr_logfile_target(struct weir_logfile *f, struct weir_pool *pool,
                                        uint32_t level);

/* Open every file anew (they may have been renamed): by the master. tell is called for each that
 * was. */
void wr_logfiles_reopen(struct wr_logfiles *l,
                        void (*tell)(const struct weir_logfile *f, void *data), void *data);

/* In a worker: the log with this id is fd from here on; fd is taken. */
void wr_logfiles_replace(struct wr_logfiles *l, uint32_t id, int fd);

/* Write what is gathered and leave this thread's loop: before a fork, and before the loop ends. */
void wr_logfiles_detach(struct wr_logfiles *l);

/* Close and forget all of them. */
void wr_logfiles_fini(struct wr_logfiles *l);

#endif
