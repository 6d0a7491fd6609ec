/* users.h - password files as a worker knows them: parsed once, and again when they have changed.
 *
 * Lines are NAME:HASH, or NAME:HASH:anything; the first one of a name counts. Lines that begin with `#` are comments.
 */
#ifndef AUTH_BASIC_USERS_H
#define AUTH_BASIC_USERS_H

#include <weir/base.h>

enum { USERS_FILES_MAX = 64 };

struct users;       /* one file's */
struct users_files; /* a worker's */

struct users_files *users_files_create(weir_pool *pool);

/*
 * What the file at path (zero-terminated) holds, in *users until the next call. The system is asked about it each time, and it
 * is read when it is not the one that was read before; a file changed within the last seconds is read each time, because a
 * second change might not show. When USERS_FILES_MAX are known, the one used longest ago makes room.
 *
 * 0, or -errno; -EFBIG: it is longer than max bytes.
 */
int users_open(struct users_files *files, const char *path, uint64_t max, const struct users **users);

/* The hash of name, zero-terminated; absent: there is no such user. */
weir_str users_find(const struct users *u, weir_str name);

/* The hash of somebody; absent: there is nobody. */
weir_str users_any(const struct users *u);

#endif
