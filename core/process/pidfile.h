/* process/pidfile.h - the file by which others find the master. */
#ifndef WR_PROCESS_PIDFILE_H
#define WR_PROCESS_PIDFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* Make path hold pid, whole at every moment. False with the reason in err. */
bool wr_pidfile_write(const char *path, pid_t pid, struct wr_err *err);

/* The pid in the file at path. False with the reason in err: no such file, no number in it. */
bool wr_pidfile_read(const char *path, pid_t *pid, struct wr_err *err);

/* Remove it if it is still pid's: another server may have put its own there. */
void wr_pidfile_remove(const char *path, pid_t pid);

#endif
