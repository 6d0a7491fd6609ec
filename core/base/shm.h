/* base/shm.h - memory that processes share: anonymous regions, and a lock that survives its holder.
 *
 * A region is mapped before the workers are forked, so it stands at the same address in all of them and plain pointers into
 * it may be kept in it. It goes when the last process that has it unmaps it or ends; nothing has a name in the system.
 */
#ifndef WR_BASE_SHM_H
#define WR_BASE_SHM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct wr_shm {
    void *at;
    size_t size; /* bytes, whole pages */
};

/* Map size bytes (at least 1), zeroed, rounded up to whole pages. 0, or -errno with *shm untouched. Memory is taken from
 * the system page by page as it is first touched. */
int wr_shm_open(struct wr_shm *shm, size_t size);

/* Unmap it here; other processes keep theirs. Closing twice is fine. */
void wr_shm_close(struct wr_shm *shm);

/* A lock in shared memory. [any thread] */
struct wr_shm_mutex {
    pthread_mutex_t mutex;
};

/* Make it, once, before others can see it. 0 or -errno. */
int wr_shm_mutex_init(struct wr_shm_mutex *m);

/* Wait for it. True: taken, all is well. False: taken as well, but its last holder died with it, so what it guards may be
 * half changed. A lock that is already this thread's is a mistake of ours and ends the process. */
bool wr_shm_mutex_lock(struct wr_shm_mutex *m);

/* Take it if nobody has it. True: taken; *died says whether its last holder died with it. */
bool wr_shm_mutex_try(struct wr_shm_mutex *m, bool *died);

void wr_shm_mutex_unlock(struct wr_shm_mutex *m);

#endif
