/* net/pressure.c - measuring the heap and deciding how far from the budget it is. */
#include "net/pressure.h"

#include <malloc.h>

#include "base/log.h"
#include "base/pool.h"
#include "net/conn.h"

enum {
    IDLE_AT_ONCE = 256,
    GIVE_BACK_BYTES = 2 << 20, /* freed: worth the calls, and the faults when it is needed again */
    KEEP_BYTES = 256 * 1024    /* at the heap's end */
};

struct wr_pressure_state wr_pressure;

void
wr_pressure_setup(uint64_t budget)
{
    wr_pressure = (struct wr_pressure_state){ .budget = budget };
}

static enum wr_pressure
level_of(uint64_t used)
{
    uint64_t percent = used / (wr_pressure.budget / 100 + 1);

    return percent >= 95 ? WR_PRESSURE_FULL : percent >= 85 ? WR_PRESSURE_HIGH : WR_PRESSURE_NONE;
}

void
wr_pressure_look(void)
{
    struct mallinfo2 heap = mallinfo2();
    uint64_t used = heap.uordblks + heap.hblkhd;
    enum wr_pressure before = wr_pressure.level;

    wr_pressure.looked_ms = wr_clock.now_ms;
    wr_pressure.level = level_of(used);
    if (wr_pressure.level != WR_PRESSURE_NONE) {
        (void)wr_conn_drop_idle(IDLE_AT_ONCE);
    }
    if (wr_pressure.level > before) {
        wr_log_line(wr_log_process(), WR_LOG_WARN,
                    "memory is short: %llu of %llu bytes of worker_memory are in use",
                    (unsigned long long)used, (unsigned long long)wr_pressure.budget);
    }
}

void
wr_pressure_give_back(void)
{
    static size_t least; /* free bytes there were when they were fewest */
    size_t unused = mallinfo2().fordblks;

    if (unused > least + GIVE_BACK_BYTES) {
        wr_pool_trim();
        (void)malloc_trim(KEEP_BYTES);
        unused = least = mallinfo2().fordblks;
    }
    least = unused < least ? unused : least;
}
