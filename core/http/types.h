/* http/types.h - `types { }`: media types by a file name's extension. */
#ifndef WR_HTTP_TYPES_H
#define WR_HTTP_TYPES_H

#include <weir/base.h>
#include <weir/conf.h>

#include "http/settings.h"

/* What follows the last '.' of a path's last name; empty when there is none. */
weir_str wr_types_extension(weir_str path);

/* The media type for a path by its extension (letters of either case), else default_type. */
weir_str wr_types_of(const struct wr_files_conf *f, weir_str path);

/* What holds without any `types`: html, gif and jpg. */
const struct wr_types *wr_types_usual(weir_pool *pool);

/* The setter of `types`: adds the block's types to *field, a struct wr_types *. */
int wr_types_set(weir_conf *cf, const weir_directive *d, void *field);

#endif
