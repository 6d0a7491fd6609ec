/* process/main_conf.h - the directives outside http: processes, users, limits, logs; two built-in
 * modules. */
#ifndef WR_PROCESS_MAIN_CONF_H
#define WR_PROCESS_MAIN_CONF_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/conf.h>
#include <weir/module.h>

#include "base/log.h"

/* Which processors workers run on: nothing, masks for each in turn, or one processor each. */
struct wr_affinity {
    bool on, automatic;
    uint32_t n;
    const cpu_set_t *
        masks; /* the last one also for workers after it; automatic: one, of those to choose from */
};

struct wr_thread_pool {
    uint32_t threads, queue;
};

/* core.main. Blocks of http have it for error_log alone. */
struct wr_main_conf {
    struct wr_log_sink error_log; /* first, for the http layer: where lines of this block go */
    bool daemon, master;
    uint32_t workers;      /* worker_processes; "auto" is counted already */
    weir_str user, group;  /* absent: as built; group absent beside a user: the user's own */
    int64_t rlimit_nofile; /* 0: as it is */
    uint64_t rlimit_core;  /* 0: no core files */
    struct wr_affinity affinity;
    int32_t priority;
    uint64_t shutdown_timeout_ms; /* 0: none */
    uint64_t memory;              /* worker_memory: bytes of heap of a worker; 0: a share of the machine's */
    uint64_t watchdog_ms;         /* 0: off */
    uint64_t max_rss;             /* bytes; 0: no limit */
    weir_str pid;
    weir_strs env; /* "NAME" or "NAME=value" */
    weir_str working_directory;
    struct wr_thread_pool threads; /* thread_pool default */
    uint32_t debug_points;
    uint32_t compat;
};

/* core.events: the events block, or the presets without one. */
struct wr_events_conf {
    int64_t connections; /* worker_connections */
    uint32_t method;     /* use */
    bool multi_accept;
    weir_strs debug_connection;
};

extern const weir_module wr_main_module, wr_events_module;

/* The values of worker_cpu_affinity and of "user" are checked where they are read; this is the part
 * without a configuration: "0101" as a set of processors, the last digit being the first. False for
 * anything else. */
bool wr_affinity_parse(weir_str mask, cpu_set_t *set);

/* The processors of worker `index`. False when it may run on all. */
bool wr_affinity_of(const struct wr_affinity *a, uint32_t index, cpu_set_t *set);

/* How many processors this process may use, at least 1. */
uint32_t wr_affinity_processors(void);

#endif
