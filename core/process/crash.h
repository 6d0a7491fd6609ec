/* process/crash.h - last words of a process that a signal ends: where, in whose code, at which
 * request.
 *
 * One line in the error log, and the same text on the board for the master. Written on a stack of
 * its own with nothing but what a signal handler may use; the signal's default action (a core file)
 * follows.
 */
#ifndef WR_PROCESS_CRASH_H
#define WR_PROCESS_CRASH_H

#include <stdbool.h>

#include "process/board.h"

/* Watch for SEGV, BUS, ILL, FPE and ABRT. row: where to leave the text, NULL: nowhere. log_fd: -1:
 * nowhere. Does nothing in a build with a sanitizer, which reports better. */
void wr_crash_watch(struct wr_board_row *row, int log_fd);

/* Is this a build with a sanitizer? */
bool wr_crash_sanitized(void);

#endif
