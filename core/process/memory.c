/* process/memory.c - the machine's memory and the control group's limit. */
#include "process/memory.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <weir/base.h>

#include "base/assert.h"
#include "base/file.h"
#include "base/num.h"

uint64_t
wr_memory_limit_parse(const char *text)
{
    weir_str digits = { text, strspn(text, "0123456789") };
    uint64_t bytes;

    return weir_parse_number(digits, UINT64_MAX, &bytes) ? bytes : UINT64_MAX;
}

static uint64_t
group_limit(void)
{
    char text[32] = "";
    int fd = wr_file_open(AT_FDCWD, "/sys/fs/cgroup/memory.max", O_RDONLY, 0);

    if (fd >= 0) {
        ssize_t n = read(fd, text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = '\0';
        (void)close(fd);
    }
    return wr_memory_limit_parse(text);
}

uint64_t
wr_memory_share(uint32_t workers)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t all = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX;

    return WR_MIN(all, group_limit()) / 4 * 3 / WR_MAX(workers, 1u);
}
