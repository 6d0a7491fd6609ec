/* cache/journal.h - purges that hold and are not done on the disk yet are written down, so that
 * what was answered holds also when all processes are killed before the files are gone.
 *
 * A worker gathers records and has a thread append them to the file of the zone's present time.
 * Once all that was purged until some moment is gone from the disk, what was written until then
 * goes as well. At a start, recover.c does again what it finds.
 */
#ifndef CACHE_JOURNAL_H
#define CACHE_JOURNAL_H

#include "purge_record.h"
#include "shared.h"

enum { JOURNAL_MAX = 16 << 20 /* a longer file stands for a purge of all, and grows no more */ };

/* Somebody who wants to know when his record is in the file; embedded in what is his. */
struct journal_wait {
    struct journal_wait *next;
    void (*done)(void *data, bool kept); /* kept: it will hold after a crash */
    void *data;
    struct journal *journal; /* NULL: told, or left */
};

void journal_open(struct store *s);

/* Write what is gathered, now; nobody who waits is told. When all jobs are over. */
void journal_close(struct store *s);

/* Gather a record, with whatever it is about changed in the same section. w: who waits, or NULL.
 * Under the lock; then journal_go. */
void journal_add(struct store *s, const struct purge_record *r, struct journal_wait *w);

/* Have what was gathered written. */
void journal_go(struct store *s);

/* w is not interested any more. */
void journal_leave(struct journal_wait *w);

/* What was written down and is done goes; by the one that has the duty, now and then. */
void journal_tidy(struct store *s);

/* The same for the last worker of all: if all is done, a start finds nothing. */
void journal_end(struct store *s);

#endif
