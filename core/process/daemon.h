/* process/daemon.h - going to the background, and the descriptors 0 to 2. */
#ifndef WR_PROCESS_DAEMON_H
#define WR_PROCESS_DAEMON_H

#include <stdbool.h>

#include "base/err.h"

/* Fill descriptors 0 to 2 where they are closed, so that no socket or log becomes "standard error".
 * Before anything is opened. */
void wr_daemon_fill_standard(void);

/*
 * Continue in a child without a terminal. The parent waits until the child calls wr_daemon_ready
 * and exits with 0, or with 1 if it ends before.
 *
 * ready  out, in the child: what to give to wr_daemon_ready
 *
 * False with the reason in err.
 */
bool wr_daemon_leave(int *ready, struct wr_err *err);
void wr_daemon_ready(int *ready);

#endif
