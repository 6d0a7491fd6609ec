/* process/affinity.c - sets of processors from text, and which of them a worker runs on. */
#include <sched.h>

#include "base/assert.h"
#include "process/main_conf.h"

bool
wr_affinity_parse(weir_str mask, cpu_set_t *set)
{
    cpu_set_t found;

    CPU_ZERO(&found);
    if (mask.len == 0 || mask.len > CPU_SETSIZE) {
        return false;
    }
    for (size_t i = 0; i < mask.len; i++) {
        char c = mask.data[mask.len - 1 - i];
        if (c != '0' && c != '1') {
            return false;
        }
        if (c == '1') {
            CPU_SET(i, &found);
        }
    }
    *set = found;
    return true;
}

/* The n-th processor of from, counting around. */
static void
pick(const cpu_set_t *from, uint32_t n, cpu_set_t *set)
{
    uint32_t count = (uint32_t)CPU_COUNT(from), seen = 0;

    CPU_ZERO(set);
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, from) && seen++ == n % count) {
            CPU_SET(i, set);
        }
    }
}

bool
wr_affinity_of(const struct wr_affinity *a, uint32_t index, cpu_set_t *set)
{
    if (!a->on || a->n == 0) {
        return false;
    }
    if (a->automatic) {
        if (CPU_COUNT(&a->masks[0]) == 0) {
            return false;
        }
        pick(&a->masks[0], index, set);
        return true;
    }
    *set = a->masks[WR_MIN(index, a->n - 1)];
    return true;
}

uint32_t
wr_affinity_processors(void)
{
    cpu_set_t set;
    int n;

    if (sched_getaffinity(0, sizeof(set), &set) != 0) {
        return 1;
    }
    n = CPU_COUNT(&set);
    return n > 0 ? (uint32_t)n : 1;
}
