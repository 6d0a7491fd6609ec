/* http/types.h - `types { }`: media types by a file name's extension. */
#ifndef WR_HTTP_TYPES_H
#define WR_HTTP_TYPES_H

#include <stdbool.h>
#include <weir/base.h>
#include <weir/conf.h>

#include "wire/fields.h"
#include "http/settings.h"

/* What follows the last '.' of a path's last name; empty when there is none. */
weir_str wr_types_extension(weir_str path);

/* Is that path's extension? */
bool wr_types_has_extension(weir_str path, weir_str extension);

/* A media type, and the fields of an answer that has nothing but it, formatted. */
struct wr_type {
    weir_str name;
    struct wr_fields *head; /* shared: Content-Type, unless the name is empty */
};

/* The media type for a path by its extension (letters of either case), else default_type. */
const struct wr_type *wr_types_find(const struct wr_files_conf *f, weir_str path);
static inline weir_str
wr_types_of(const struct wr_files_conf *f, weir_str path)
{
    return wr_types_find(f, path)->name;
}

/* name as a type, in pool. */
const struct wr_type *wr_types_make(weir_pool *pool, weir_str name);

/* What holds without any `types`: html, gif and jpg. */
const struct wr_types *wr_types_usual(weir_pool *pool);

/* The setter of `types`: adds the block's types to *field, a struct wr_types *. */
int wr_types_set(weir_conf *cf, const weir_directive *d, void *field);

#endif
