/* conf/dump.h - a configuration written out again: as it was read, as statements, as JSON. */
#ifndef WR_CONF_DUMP_H
#define WR_CONF_DUMP_H

#include "conf/tree.h"

/* -T: every file once, in the order read, as nginx prints them: "# configuration file NAME:", then
 * its text. The -g text is left out. 0 or -errno of the write. */
int wr_dump_text(const struct wr_conf_tree *tree, int fd);

/* The tree with includes in place, one statement a line; reading it gives the same tree. 0 or
 * -errno. */
int wr_dump_statements(const struct wr_conf_tree *tree, int fd);

/* The tree as JSON:
 * {"config":[{"file":F,"parsed":[{"directive","file","line","args":[...],"block":[...]}]}]}, the
 * shape existing tools for nginx's language know. Bytes that are not UTF-8 become U+FFFD. 0 or
 * -errno. */
int wr_dump_json(const struct wr_conf_tree *tree, int fd);

#endif
