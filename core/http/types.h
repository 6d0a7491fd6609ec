/* http/types.h - `types { }`: media types by a file name's extension. */
#ifndef WR_HTTP_TYPES_H
#define WR_HTTP_TYPES_H

#include <weir/base.h>

#include "http/settings.h"

/* The media type for a path by its extension (letters of either case), else default_type. */
weir_str wr_types_of(const struct wr_files_conf *f, weir_str path);

#endif
