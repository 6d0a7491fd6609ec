/* Workers that share a group in a zone: each a configuration of its own over the same regions. */
#ifndef TEST_UPSTREAM_WORKER_H
#define TEST_UPSTREAM_WORKER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/pool.h"
#include "module/registry.h"
#include "module/zone.h"
#include "upstream/balance.h"
#include "upstream/share.h"

/* One worker of a configuration with group "g". */
struct worker {
    weir_pool *pool;
    struct wr_diag diag;
    struct wr_registry registry;
    struct weir_conf cf;
    weir_upstream *u;
    struct wr_share *share;
};

static struct wr_zone_list regions; /* of the master */

static inline int
worker_setup(void **state)
{
    (void)state;
    wr_zone_list_init(&regions);
    wr_clock.now_ms = 1000000;
    return 0;
}

static inline struct wr_group_server
worker_server(uint32_t max_conns)
{
    return (struct wr_group_server){
        .weight = 1, .max_fails = 1, .fail_timeout_ms = 10000, .max_conns = max_conns
    };
}

static inline void
worker_load(struct worker *w, const char *zone, uint32_t peers, uint32_t max_conns)
{
    struct wr_group_server settings = worker_server(max_conns);

    memset(w, 0, sizeof(*w));
    w->pool = wr_pool_create("test", NULL);
    wr_diag_init(&w->diag, w->pool);
    wr_registry_init(&w->registry, w->pool, "/nowhere", NULL, 0, &regions);
    w->cf.pool = w->pool;
    w->cf.diag = &w->diag;
    w->cf.space = &w->registry.space;
    w->cf.make_zone = wr_zone_make;
    w->u = wr_group_create(w->pool, WEIR_STR("g"));
    w->u->zone = weir_zone_find(&w->cf, weir_str_c(zone));
    assert_int_equal(weir_zone_claim(&w->cf, w->u->zone, WR_SHARE_LAYOUT, wr_share_fresh, NULL),
                     WEIR_OK);
    for (uint32_t i = 0; i < peers; i++) {
        weir_str at = weir_print(w->pool, "127.0.0.%u:80", i + 1);
        assert_true(wr_group_add(w->u, at, 0, &settings, NULL));
    }
}

static inline void
worker_start(struct worker *w)
{
    w->share = wr_share_join(w->u->zone, w->pool);
    assert_non_null(w->share);
    wr_share_join_group(w->share, w->u);
}

static inline void
worker_stop(struct worker *w)
{
    wr_share_leave_group(w->u);
    wr_share_leave(w->share);
    wr_pool_destroy(&w->pool);
}

#endif
