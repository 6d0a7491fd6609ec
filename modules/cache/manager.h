/* cache/manager.h - what one worker does for all: bounds, deaths, what is inactive, loading and
 * saving. */
#ifndef CACHE_MANAGER_H
#define CACHE_MANAGER_H

#include "shared.h"

void manager_start(struct store *s);
void manager_stop(struct store *s);

#endif
