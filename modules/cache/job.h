/* cache/job.h - work of the disk tier for a thread, which the store sees through before it stops.
 */
#ifndef CACHE_JOB_H
#define CACHE_JOB_H

#include "shared.h"

/* Embedded first in what malloc gave; freed when done() has returned. */
struct job {
    struct job *next, *before;
    struct store *s;
    void (*work)(
        struct job *j); /* in the thread: touches what is the job's, and what is held for it */
    void (*done)(struct job *j); /* in the loop */
    bool worked, finished;
};

void job_open(struct store *s);

/* False: the queue is full; the job is still the caller's. */
bool job_run(struct store *s, struct job *j, void (*work)(struct job *j),
             void (*done)(struct job *j));

/* Wait for all, and call what is to be done with them. At the store's end. */
void job_finish_all(struct store *s);

#endif
