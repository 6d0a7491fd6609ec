/* A configuration as the loaders of one see it: pool, diagnoses, registry, and the weir_conf that modules are given. */
#ifndef TEST_REGISTRY_SETUP_H
#define TEST_REGISTRY_SETUP_H

#include "doubles.h"

#include "base/pool.h"
#include "conf/bind.h"
#include "conf/diag.h"
#include "module/registry.h"

struct setup {
    struct weir_pool pool;
    struct wr_diag diag;
    struct wr_registry reg;
    struct weir_conf cf;
};

static inline void
setup_init(struct setup *s, const char *folder, const weir_module *const *builtin, uint32_t n,
           struct wr_zone_list *zones)
{
    memset(s, 0, sizeof(*s));
    wr_pool_init(&s->pool, "test", NULL);
    wr_diag_init(&s->diag, &s->pool);
    wr_registry_init(&s->reg, &s->pool, folder, builtin, n, zones);
    s->cf.pool = &s->pool;
    s->cf.diag = &s->diag;
    s->cf.space = &s->reg.space;
    s->cf.make_zone = wr_zone_make;
}

static inline void
setup_fini(struct setup *s)
{
    wr_pool_fini(&s->pool);
}

/* The last diagnosis holds part. */
static inline void
said(const struct setup *s, const char *part)
{
    assert_non_null(s->diag.last);
    if (strstr(s->diag.last->text.data, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", s->diag.last->text.data, part);
    }
}

#endif
