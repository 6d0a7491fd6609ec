/* process/worker.h - a process that serves: one of a master's workers, or the only one there is. */
#ifndef WR_PROCESS_WORKER_H
#define WR_PROCESS_WORKER_H

#include "process/board.h"
#include "process/generation.h"
#include "process/privileges.h"

/* Exit codes that the master knows. */
enum {
    WR_WORKER_DONE = 0,
    WR_WORKER_FATAL = 2 /* it could not start: another one could not, either */
};

struct wr_worker_start {
    struct wr_generation *generation;
    struct wr_board_row *row; /* NULL: none, without a master */
    const struct wr_privileges_user *user;
    int metrics_row;
    uint32_t index;
    int channel;  /* to the master; -1: there is none */
    pid_t master; /* 0: there is none */
};

/* Serve until told to leave: everything from dropping rights to the last line of the log. An exit
 * code. */
int wr_worker_run(const struct wr_worker_start *start);

#endif
