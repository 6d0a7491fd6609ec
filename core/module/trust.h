/* module/trust.h - may this file be run? A module is code with the server's rights, so who could have written it matters. */
#ifndef WR_MODULE_TRUST_H
#define WR_MODULE_TRUST_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Could anybody have written fd's file but those we trust anyway: root, the user we run as, and whoever owns the server's
 * own executable? It must be a regular file of one of these, as must each folder above it (of the real path), and none of
 * them writable by other users, or by a group that is neither root's, ours, nor one that may write the executable. A sticky
 * folder such as /tmp passes: others cannot put something else in the place of what is ours there.
 *
 * path is fd's; false with the reason in err.
 */
bool wr_trust_check(const char *path, int fd, struct wr_err *err);

#endif
