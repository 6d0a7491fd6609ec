/* process/signals.h - signals as events of the loop: blocked, and read from a descriptor. */
#ifndef WR_PROCESS_SIGNALS_H
#define WR_PROCESS_SIGNALS_H

#include <stdint.h>
#include <sys/types.h>

#include "event/loop.h"

struct wr_signals {
    struct wr_io io;
    void (*got)(struct wr_signals *s, int number, pid_t from);
};

/* Block the signals we read (HUP INT QUIT TERM USR1 USR2 WINCH CHLD) and ignore PIPE. A child
 * starts with them blocked, too, so none is lost between fork and its own wr_signals_open. */
void wr_signals_block(void);

/* As before wr_signals_block: for a program that is about to be started. */
void wr_signals_unblock(void);

/* Read them in loop; got is called for each. 0 or -errno. */
int wr_signals_open(struct wr_signals *s, struct wr_loop *loop,
                    void (*got)(struct wr_signals *s, int number, pid_t from));
void wr_signals_close(struct wr_signals *s, struct wr_loop *loop);

/* The notice nginx writes: "signal 1 (SIGHUP) received from 42, reconfiguring". action "" for none.
 */
void wr_signals_log(int number, pid_t from, const char *action);

#endif
