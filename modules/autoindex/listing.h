/* autoindex/listing.h - the entries of a directory, in the order they are shown in. */
#ifndef AUTOINDEX_LISTING_H
#define AUTOINDEX_LISTING_H

#include <weir/weir.h>

#include "format.h"

struct listing {
    struct entry *entries; /* directories first, then by the bytes of the names */
    size_t count;
    size_t room;
    char *names; /* the rest of the block that names are copied to */
    size_t names_room;
};

/*
 * Read the open directory fd, which is closed whatever comes of it. Names that begin with a dot are
 * left out, links are followed.
 *
 * WEIR_OK; WEIR_ERROR (errno says why); WEIR_LIMIT: the request's memory does not hold it. *l is in
 * request memory.
 */
int listing_read(weir_request *r, int fd, struct listing *l);

#endif
