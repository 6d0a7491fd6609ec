/* module/autoload.h - what gets into a registry: load_module, the index, the checks between modules. Used by registry.c's
 * callers through registry.h; here is what the two files share. */
#ifndef WR_MODULE_AUTOLOAD_H
#define WR_MODULE_AUTOLOAD_H

#include "module/registry.h"

/* Take in a module that has its slot and is not there yet. by_name: it came by load_module. */
void wr_registry_add(struct wr_registry *reg, const weir_module *m, bool by_name);

#endif
