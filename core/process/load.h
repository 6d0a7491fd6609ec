/* process/load.h - making a generation while faulty sites step aside.
 *
 * A load whose faults all stand in files of `sites` is made again with these in an earlier form (conf/sites.h), so that one
 * site's mistake costs that site alone. Every fault is told, of every pass.
 */
#ifndef WR_PROCESS_LOAD_H
#define WR_PROCESS_LOAD_H

#include "process/generation.h"

/* How what there is to say is told: wr_diag_print's arguments. */
struct wr_load_report {
    int fd;
    uint32_t kinds;
    bool console; /* fd is where the process log goes as well: nothing is to be there twice */
};

/* A loaded generation, or one that failed for good when *ok is false: then it is only good to be destroyed. */
struct wr_generation *wr_load(struct wr_instance *in, const struct wr_load_report *report, bool *ok);

/* Say which sites are not served as their files are now; answers how many. */
uint32_t wr_load_faulty_sites(const struct wr_sites *sites);

#endif
