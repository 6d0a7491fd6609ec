/* cache/loader.h - bringing the folder's contents into an index that is new. By the worker that has
 * the duty. */
#ifndef CACHE_LOADER_H
#define CACHE_LOADER_H

#include "shared.h"

struct loader;

/* Begin, unless it is done or under way in this worker. */
void loader_go(struct store *s);
void loader_stop(struct store *s);

#endif
