/* process/start.h - from a command line to a running server, or to an answer about it. Each returns
 * an exit code. */
#ifndef WR_PROCESS_START_H
#define WR_PROCESS_START_H

#include "process/instance.h"
#include "process/options.h"

/* Serve: read the configuration, open everything, go to the background, write the pid file, run. In
 * nginx's order, so that whatever is wrong is told before the terminal is left. */
int wr_start_server(struct wr_instance *in);

/* -t and -T. */
int wr_start_test(struct wr_instance *in, const struct wr_options *o);

/* -M. */
int wr_start_explain(struct wr_instance *in, const struct wr_options *o);

/* -s. */
int wr_start_signal(struct wr_instance *in, const char *name);

/* --check-module and --write-module-index. */
int wr_start_check_module(const char *path);
int wr_start_write_index(const char *folder);

#endif
