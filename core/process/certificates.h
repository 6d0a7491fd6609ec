/* process/certificates.h - certificates, and what else TLS reads from files, taken up while the server runs.
 *
 * Who may read the keys looks every few seconds: the master, which hands what it read to its workers, or a single process for
 * itself. What is not whole yet, or not good, changes nothing and is looked at again when it has changed again.
 */
#ifndef WR_PROCESS_CERTIFICATES_H
#define WR_PROCESS_CERTIFICATES_H

#include "event/loop.h"
#include "process/generation.h"

struct wr_certificates {
    struct wr_timer timer;
    struct wr_generation *const *current; /* whose certificates are looked at */
    /* Give the others number `index` of the bank, which fd holds; NULL: there are no others. */
    void (*hand_over)(void *data, uint32_t index, int fd);
    void *data;
};

/* Look from now on, in the loop of this thread, at the certificates of *current. */
void wr_certificates_watch(struct wr_certificates *c, struct wr_generation *const *current,
                           void (*hand_over)(void *data, uint32_t index, int fd), void *data);

/* In a worker: number `index` of g's bank is what fd holds, which is taken. */
void wr_certificates_take(struct wr_generation *g, uint32_t index, int fd);

#endif
