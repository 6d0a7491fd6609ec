/* module/running.h - whose code is running: written by the pipeline around every hook, read by the crash handler.
 *
 * Three plain stores a hook; no lock, no call. Cleared when the hook returns.
 */
#ifndef WR_MODULE_RUNNING_H
#define WR_MODULE_RUNNING_H

#include <stdint.h>
#include <weir/request.h>

struct wr_running {
    const char *volatile module; /* NULL: the server's own code */
    const weir_request *volatile request;
    volatile uint32_t phase; /* WEIR_PHASE_* */
};

extern struct wr_running wr_running;

static inline void
wr_running_enter(const char *module, const weir_request *r, uint32_t phase)
{
    wr_running.module = module;
    wr_running.request = r;
    wr_running.phase = phase;
}

static inline void
wr_running_leave(void)
{
    wr_running.module = NULL;
}

#endif
