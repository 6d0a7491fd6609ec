/* process/generation.h - one configuration made ready: read, checked, its modules initialised, its
 * sockets and logs open.
 *
 * Built whole beside the one in force; a fault leaves that untouched. Listening sockets, log files
 * and zones pass from the old one to the new. The master keeps the current one only; workers of
 * older ones have their copies by fork.
 */
#ifndef WR_PROCESS_GENERATION_H
#define WR_PROCESS_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/vec.h"
#include "conf/bind.h"
#include "conf/diag.h"
#include "conf/tree.h"
#include "http/http.h"
#include "module/registry.h"
#include "net/listen.h"
#include "process/instance.h"
#include "process/main_conf.h"

#define WR_GENERATION_TAG WR_TAG('g', 'e', 'n', 'r')

struct wr_generation {
    struct wr_http_home home; /* first: what http finds behind cf->owner */
    uint32_t tag;
    struct weir_pool *pool;
    struct wr_instance *instance;
    struct wr_diag diag;
    struct weir_pool *reading;         /* the tree and what else only the load needs; NULL: settled */
    struct wr_conf_tree tree;
    struct wr_registry registry;
    struct weir_conf cf;
    struct wr_scope *scope;          /* main */
    const struct wr_main_conf *conf; /* after a load without faults */
    const struct wr_events_conf *events;
    struct wr_listen *listens;
    struct wr_vec folders; /* weir_str: folders.h */
};

/* Empty, in a pool of its own. */
struct wr_generation *wr_generation_create(struct wr_instance *in);

/* Read the configuration, bind it, initialise its modules. False after errors in g->diag; g is to
 * be destroyed then. */
bool wr_generation_load(struct wr_generation *g);

/* After the load, when all it had to say is printed, in a server: give up the tree and what else only the load needed. The
 * nodes and origins of scopes are gone then, so -T and -M cannot be answered any more. */
void wr_generation_settle(struct wr_generation *g);

/* In a forked child: g is another process's. It is not touched again, so its memory need not be kept here. */
void wr_generation_forget(struct wr_generation *g);

/* Open what it listens at, taking over from `have`. False with the reason in err. */
bool wr_generation_open(struct wr_generation *g, const struct wr_listen *have, struct wr_err *err);

/* End it in this process. Its sockets must have been closed or passed on. */
void wr_generation_destroy(struct wr_generation **g);

/* The generation that cf reads. */
struct wr_generation *wr_generation_of(const struct weir_conf *cf);

/* In a worker: let connections come to the right place, start the modules; and stop them. */
bool wr_generation_worker_start(struct wr_generation *g);
void wr_generation_worker_stop(struct wr_generation *g);

/* weir -M. False: no such server, bad URL. */
bool wr_generation_explain(const struct wr_generation *g, const struct wr_question *q, bool json,
                           int fd);

/* The argument of the statement `name` of the main context, the last one; absent: there is none.
 * For what has to be known before, or without, binding. */
weir_str wr_generation_word(const struct wr_conf_tree *tree, const char *name);

#endif
