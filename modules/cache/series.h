/* cache/series.h - what a zone holds and did, for the status page. */
#ifndef CACHE_SERIES_H
#define CACHE_SERIES_H

#include "conf.h"

extern const weir_series_source series_source;

/* In a worker: these are the zones to tell of. */
void series_start(const cache_conf *c);

#endif
