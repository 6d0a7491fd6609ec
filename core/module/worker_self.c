/* module/worker_self.c - the one record of what this process is, and the ABI's questions about it. */
#include "module/worker_self.h"

#include <stddef.h>
#include <weir/module.h>

#include "base/assert.h"
#include "config.h"
#include "module/registry.h"

static struct wr_worker_self self;

void
wr_worker_self_set(const struct wr_worker_self *now)
{
    self = *now;
}

weir_pool *
weir_worker_pool(void)
{
    WR_ASSERT(self.pool != NULL);
    return self.pool;
}

uint32_t
weir_worker_index(void)
{
    return self.index;
}

uint32_t
weir_worker_count(void)
{
    return self.count;
}

const weir_module *
weir_module_at(uint32_t i)
{
    return self.registry != NULL ? wr_registry_at(self.registry, i) : NULL;
}

const char *
weir_server_version(void)
{
    return WR_VERSION;
}

uint32_t
weir_server_abi_minor(void)
{
    return WEIR_ABI_MINOR;
}
