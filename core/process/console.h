/* process/console.h - what a person at a terminal sees: "weir: [emerg] ..." on stderr, and the same
 * in the log, until the server has started. */
#ifndef WR_PROCESS_CONSOLE_H
#define WR_PROCESS_CONSOLE_H

#include <stdbool.h>
#include <weir/base.h>

#include "base/log.h"

/* From here on the process log goes to stderr (warnings and worse) and to the file error_log
 * ("stderr": only there). A file that cannot be opened is reported on stderr and done without. */
void wr_console_open(const char *error_log);

/* The configuration's error logs take the file's place; stderr stays until wr_console_close. */
void wr_console_attach(const struct wr_log_sink *sink);

/* No more stderr: the server has started. */
void wr_console_close(const struct wr_log_sink *sink);

/* Say nothing on stderr for a while: somebody else does. */
void wr_console_mute(bool mute);

/* The parts of an error log line: "[level] pid#tid: message\n". False if it is none. */
bool wr_console_split(weir_str line, uint32_t *level, weir_str *message);

#endif
