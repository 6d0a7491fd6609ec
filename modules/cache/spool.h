/* cache/spool.h - a fill on its way to a file. */
#ifndef CACHE_SPOOL_H
#define CACHE_SPOOL_H

#include "shared.h"

struct spool;
struct store_fill;

/* Could a body of this length (-1: not known) be written to disk? */
bool spool_has_room(struct store *s, int64_t length);

/* From here on f goes to a file; NULL: it cannot. Without the lock. */
struct spool *spool_open(struct store_fill *f);

/* There are bytes that could be written. */
void spool_go(struct spool *sp);

/* That was all: write the rest and call fill_whole. */
void spool_end(struct spool *sp);

/* All that was given to it so far is written: nothing more will be. False: a thread still writes. */
bool spool_rest(struct spool *sp);

/* f is over. */
void spool_close(struct spool *sp);

/* Note that the disk said no: nothing is begun for a while, and room is made. Without the lock. */
void spool_failed(struct store *s, int error, uint64_t bytes);

#endif
