/* module/worker_self.h - what this process is: the answers to a module's weir_worker_*() and weir_module_at().
 *
 * Set by the process layer: in the master when a configuration becomes current, in a worker when it starts.
 */
#ifndef WR_MODULE_WORKER_SELF_H
#define WR_MODULE_WORKER_SELF_H

#include <stdint.h>
#include <weir/base.h>

struct wr_registry;

struct wr_worker_self {
    weir_pool *pool; /* the worker's; in the master its own */
    uint32_t index;
    uint32_t count;
    const struct wr_registry *registry;
};

/* What self says holds from now on; it is copied. */
void wr_worker_self_set(const struct wr_worker_self *self);

#endif
