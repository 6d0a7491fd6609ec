/* http/file.h - names of files: from a request's path to a path beneath its root, and opening that. */
#ifndef WR_HTTP_FILE_H
#define WR_HTTP_FILE_H

#include "http/file_cache.h"
#include "http/request.h"

/* The root or alias of r's location, evaluated: a root without a final slash but "/", an alias as it is written. Absent after
 * a logged error. */
weir_str wr_file_base(struct wr_request *r);

/* The same, neither with a final slash but "/". */
weir_str wr_file_root(struct wr_request *r);

/* Open path for reading, beneath the root of r's location, under a mode of disable_symlinks (0 off, 1 on, 2 if_not_owner).
 * A descriptor or -errno. */
int wr_file_open_rooted(struct wr_request *r, weir_str path, uint32_t symlinks);

/* What a hook should return for -errno of file: WEIR_ABSENT, 403 or WEIR_ERROR; logged, an absent file if log_missing and
 * log_not_found. */
int wr_file_status(struct wr_request *r, weir_str file, int error, bool log_missing);

/* A pool to make f->head in for the settings c, which f then belongs to; NULL: leave it as it is. file_cache.c */
struct weir_pool *wr_file_head_begin(struct wr_file *f, const struct wr_files_conf *c);

/* Is f->head made for c? */
bool wr_file_head_fits(const struct wr_file *f, const struct wr_files_conf *c);

#endif
