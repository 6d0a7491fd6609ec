/* net/pressure.c - measuring the heap and deciding how far from the budget it is. */
#include "net/pressure.h"

#include <malloc.h>

#include "base/log.h"
#include "net/conn.h"

enum { IDLE_AT_ONCE = 256 };

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
