/* process/build_info.h - what -v, -V and -h print. */
#ifndef WR_PROCESS_BUILD_INFO_H
#define WR_PROCESS_BUILD_INFO_H

#include "process/instance.h"

/* "weir version: weir/0.1.0" on stderr. */
void wr_build_info_version(void);

/* -V's further lines: compiler, libraries, and configure's arguments as tools for nginx look for
 * them: what is bundled counts as built in, what nginx has by default and weir has not is said as
 * --without-http_NAME_module. */
void wr_build_info_print(const struct wr_instance *in);

void wr_build_info_help(const struct wr_instance *in);

/* The first lines of a server's log. */
void wr_build_info_log(void);

#endif
