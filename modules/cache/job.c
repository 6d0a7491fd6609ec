/* cache/job.c - jobs under way. The list is the loop's; `worked` is under the lock. */
#include "job.h"

#include <stdlib.h>

struct jobs {
    pthread_mutex_t lock;
    pthread_cond_t worked;
    struct job *first;
};

void
job_open(struct store *s)
{
    s->jobs = weir_zalloc(weir_worker_pool(), sizeof(*s->jobs));
    (void)pthread_mutex_init(&s->jobs->lock, NULL);
    (void)pthread_cond_init(&s->jobs->worked, NULL);
}

static void
finish(struct job *j)
{
    struct jobs *all = j->s->jobs;

    if (j->finished) {
        return;
    }
    j->finished = true;
    if (j->next != NULL) {
        j->next->before = j->before;
    }
    if (j->before != NULL) {
        j->before->next = j->next;
    } else {
        all->first = j->next;
    }
    j->done(j);
}

static void
ended(void *data)
{
    struct job *j = data;

    finish(j);
    free(j);
}

static void
run(void *data)
{
    struct job *j = data;
    struct jobs *all = j->s->jobs;

    j->work(j);
    (void)pthread_mutex_lock(&all->lock);
    j->worked = true;
    (void)pthread_cond_broadcast(&all->worked);
    (void)pthread_mutex_unlock(&all->lock);
}

bool
job_run(struct store *s, struct job *j, void (*work)(struct job *j), void (*done)(struct job *j))
{
    j->s = s;
    j->work = work;
    j->done = done;
    j->worked = j->finished = false;
    j->before = NULL;
    j->next = s->jobs->first;
    if (s->stopping || weir_offload(weir_worker_pool(), run, ended, ended, j) != WEIR_OK) {
        return false;
    }
    if (j->next != NULL) {
        j->next->before = j;
    }
    s->jobs->first = j;
    return true;
}

void
job_finish_all(struct store *s)
{
    struct jobs *all = s->jobs;

    while (all->first != NULL) {
        struct job *j = all->first;
        (void)pthread_mutex_lock(&all->lock);
        while (!j->worked) {
            (void)pthread_cond_wait(&all->worked, &all->lock);
        }
        (void)pthread_mutex_unlock(&all->lock);
        finish(j); /* freed when the loop comes to it */
    }
}
