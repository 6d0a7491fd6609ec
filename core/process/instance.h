/* process/instance.h - this server: where its things are, and what outlives the configurations it
 * runs. */
#ifndef WR_PROCESS_INSTANCE_H
#define WR_PROCESS_INSTANCE_H

#include <stdbool.h>
#include <weir/base.h>

#include "base/err.h"
#include "conf/sites.h"
#include "module/zone.h"
#include "process/logfile.h"
#include "process/options.h"

struct wr_metrics;

struct wr_instance {
    struct weir_pool *pool; /* of the strings here */
    weir_str
        prefix; /* "/usr/local/weir/": absolute, ends in '/'; all of these are zero-terminated */
    const char *conf_path; /* absolute */
    const char *error_log; /* -e: absolute, or "stderr" */
    const char *modules;   /* folder of the bundled modules */
    weir_str globals;      /* -g; absent: none */
    bool testing;          /* -t: nothing is to be served, so an address in use is fine */
    char *const *argv;     /* a copy of the command line, for a new binary */
    int argc;
    const char
        *binary; /* the path of this program's file, also after another one has taken its place */
    struct wr_logfiles logs;
    struct wr_zone_list zones;
    struct wr_metrics *metrics;
    struct wr_sites sites;
};

/* Find the paths from the command line and what configure chose. argv is copied. False with the
 * reason in err. */
bool wr_instance_init(struct wr_instance *in, const struct wr_options *o, int argc,
                      char *const *argv, struct wr_err *err);
void wr_instance_fini(struct wr_instance *in);

/* path as an absolute one: relative paths are relative to the prefix. In pool, zero-terminated. */
weir_str wr_instance_path(const struct wr_instance *in, struct weir_pool *pool, weir_str path);

#endif
