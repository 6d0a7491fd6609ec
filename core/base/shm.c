/* base/shm.c - shared anonymous memory and the robust lock. */
#include "base/shm.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/num.h"

int
wr_shm_open(struct wr_shm *shm, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t whole = 0;
    void *at;

    if (size == 0 || !wr_num_add(size, page - 1, &whole)) {
        return -EINVAL;
    }
    whole -= whole % page;
    at = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1,
              0);
    if (at == MAP_FAILED) {
        return -errno;
    }
    *shm = (struct wr_shm){ .at = at, .size = whole };
    return 0;
}

void
wr_shm_close(struct wr_shm *shm)
{
    if (shm->at != NULL) {
        WR_ASSERT(munmap(shm->at, shm->size) == 0);
        *shm = (struct wr_shm){ .at = NULL, .size = 0 };
    }
}

int
wr_shm_mutex_init(struct wr_shm_mutex *m)
{
    pthread_mutexattr_t attr;
    int error = pthread_mutexattr_init(&attr);

    if (error != 0) {
        return -error;
    }
    WR_ASSERT(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0);
    WR_ASSERT(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0);
    WR_ASSERT(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK) == 0);
    error = pthread_mutex_init(&m->mutex, &attr);
    (void)pthread_mutexattr_destroy(&attr);
    return -error;
}

bool
wr_shm_mutex_lock(struct wr_shm_mutex *m)
{
    int error = pthread_mutex_lock(&m->mutex);

    if (error == EOWNERDEAD) {
        WR_ASSERT(pthread_mutex_consistent(&m->mutex) == 0);
        return false;
    }
    WR_ASSERT(error == 0);
    return true;
}

bool
wr_shm_mutex_try(struct wr_shm_mutex *m, bool *died)
{
    int error = pthread_mutex_trylock(&m->mutex);

    if (error == EBUSY || error == EDEADLK) { /* another, or we ourselves */
        return false;
    }
    *died = error == EOWNERDEAD;
    if (*died) {
        WR_ASSERT(pthread_mutex_consistent(&m->mutex) == 0);
    } else {
        WR_ASSERT(error == 0);
    }
    return true;
}

void
wr_shm_mutex_unlock(struct wr_shm_mutex *m)
{
    WR_ASSERT(pthread_mutex_unlock(&m->mutex) == 0);
}
