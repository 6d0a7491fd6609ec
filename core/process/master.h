/* process/master.h - the process that reads configurations, holds sockets and logs, and looks after
 * workers. It touches no client's byte. Here is its state, shared by the files that are its parts:
 * spawn, reload, upgrade, master. */
#ifndef WR_PROCESS_MASTER_H
#define WR_PROCESS_MASTER_H

#include <stdbool.h>
#include <stdint.h>
#include <limits.h>
#include <sys/types.h>

#include "base/list.h"
#include "event/loop.h"
#include "process/board.h"
#include "process/certificates.h"
#include "process/generation.h"
#include "process/privileges.h"
#include "process/signals.h"

/* A worker as the master sees it. */
struct wr_child {
    struct wr_list link;
    struct wr_master *master;
    pid_t pid;
    uint32_t index;
    int row;             /* of metrics and of the board */
    uint64_t generation; /* number of the one it serves */
    uint64_t started_ms;
    uint64_t watchdog_ms;
    uint64_t beat, beat_ms; /* last seen, and when */
    struct wr_io channel;
    bool ready;   /* it has said so */
    bool leaving; /* told to, or replaced: no other is started when it ends */
    bool shot;    /* the watchdog has */
};

enum wr_reload_step {
    WR_RELOAD_NONE,
    WR_RELOAD_PROBING, /* a child tries the new configuration */
    WR_RELOAD_STARTING /* the new workers have not all said that they are ready */
};

struct wr_reload {
    enum wr_reload_step step;
    bool again;          /* another one was asked for meanwhile */
    pid_t probe;         /* 0: none */
    struct wr_io report; /* what it has to say */
    char *text;
    size_t len;
    struct wr_timer limit;
    struct wr_generation *next;
    struct wr_privileges_user user;
    uint64_t number; /* of next */
};

enum {
    WR_CRASHES = 10
}; /* in so many seconds as in ms below: then workers are started anew more slowly */

struct wr_master {
    struct wr_instance *instance;
    struct wr_generation *current;
    uint64_t number;      /* of current; the first is 1 */
    uint64_t last_number; /* given out */
    uint64_t watched_ms;  /* when the watchdog last looked */
    struct wr_privileges_user user;
    struct wr_loop *loop;
    struct wr_signals signals;
    struct wr_board board;
    struct wr_list workers; /* struct wr_child */
    struct wr_reload reload;
    struct wr_timer watchdog, respawn, force;
    struct wr_certificates certificates;
    uint64_t crashes_ms[WR_CRASHES]; /* when workers ended badly, a ring */
    uint32_t crash_at;
    char pid_path[PATH_MAX]; /* where our pid stands now */
    pid_t parent;            /* when we started */
    bool foreground;         /* not a daemon, nor started by one: WINCH is the terminal's */
    bool inherited;          /* we are a new binary that an old one started */
    pid_t new_binary;        /* 0: none runs */
    bool serving;            /* the first workers have been ready once */
    bool quitting, stopping; /* gracefully, at once */
    bool no_workers;         /* WINCH: none until HUP */
    bool over;
    int exit_code;
};

/* ---- spawn.c ---- */

/* As many as g asks for; those of them that cannot be started are missing. Answers how many were.
 */
uint32_t wr_spawn_all(struct wr_master *m, struct wr_generation *g, uint64_t number,
                      const struct wr_privileges_user *user);

/* Start what is missing of the current generation, unless workers die too fast. */
void wr_spawn_missing(struct wr_master *m);

/* Send number to all workers of a generation (0: of all), or to all but those of it. leaving: they
 * are not to be replaced. */
void wr_spawn_signal(struct wr_master *m, int number, uint64_t generation, bool others,
                     bool leaving);

/* How many there are, of one generation or (0) of all; ready_only. */
uint32_t wr_spawn_count(const struct wr_master *m, uint64_t generation, bool ready_only);

/* A child has ended: true when it was a worker, which is gone from the list then. */
bool wr_spawn_ended(struct wr_master *m, pid_t pid, int status);

/* Look after hung workers, from now on. */
void wr_spawn_watch(struct wr_master *m);

/* ---- reload.c ---- */

/* HUP: begin, or note that another one is wanted. */
void wr_reload_begin(struct wr_master *m);

/* The probe has ended: true when pid was it. */
bool wr_reload_ended(struct wr_master *m, pid_t pid, int status);

/* A worker of the next generation is ready, or has ended before it was. */
void wr_reload_worker_ready(struct wr_master *m);
void wr_reload_worker_failed(struct wr_master *m);

/* No more of it: the master leaves. */
void wr_reload_cancel(struct wr_master *m);

/* ---- upgrade.c ---- */

/* USR2: start the binary that is in our place now, with our sockets. */
void wr_upgrade_begin(struct wr_master *m);

/* The new binary has ended: true when pid was it; the pid file is ours again, and workers run
 * again. */
bool wr_upgrade_ended(struct wr_master *m, pid_t pid);

/* The sockets an old binary left to us, from the environment; NULL: none. inherited: there is an
 * old binary. err is set, and NULL answered, when the environment is wrong. */
struct wr_listen *wr_upgrade_sockets(struct weir_pool *pool, bool *inherited, struct wr_err *err);

/* ---- master.c ---- */

/* Serve with the generation, whose sockets are open: start workers, handle signals, until told to
 * leave. An exit code. */
int wr_master_run(struct wr_instance *in, struct wr_generation *g, bool inherited);

/* The current generation has changed: what this process says of itself follows. */
void wr_master_adopt(struct wr_master *m);

void wr_master_set_pid_path(struct wr_master *m, const char *path);

#endif
