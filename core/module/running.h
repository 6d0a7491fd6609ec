/* module/running.h - whose code is running: written by the pipeline around every hook, read by the crash handler.
 *
 * Three plain stores a hook; no lock, no call. Cleared when the hook returns. The line of a request is copied when it begins.
 */
#ifndef WR_MODULE_RUNNING_H
#define WR_MODULE_RUNNING_H

#include <stdint.h>
#include <weir/request.h>

enum { WR_RUNNING_LINE = 256 };

struct wr_running {
    const char *volatile module; /* NULL: the server's own code */
    const weir_request *volatile request;
    volatile uint32_t phase; /* WEIR_PHASE_* */
    volatile uint32_t line_len;
    char line[WR_RUNNING_LINE]; /* the beginning of the last request line; outlives its request */
};

extern struct wr_running wr_running;

static inline void
wr_running_enter(const char *module, const weir_request *r, uint32_t phase)
{
    wr_running.module = module;
    wr_running.request = r;
    wr_running.phase = phase;
}

/* A request begins. */
static inline void
wr_running_note(weir_str line)
{
    uint32_t len = line.len < WR_RUNNING_LINE ? (uint32_t)line.len : WR_RUNNING_LINE;

    wr_running.line_len = 0;
    if (len != 0) {
        memcpy(wr_running.line, line.data, len);
    }
    wr_running.line_len = len;
}

static inline void
wr_running_leave(void)
{
    wr_running.module = NULL;
}

#endif
