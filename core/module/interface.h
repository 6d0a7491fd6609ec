/* module/interface.h - tables of functions found by id: what modules offer one another and what the server offers.
 *
 * The server's own tables stand in the `interfaces` of its built-in modules, so there is one way to find either.
 */
#ifndef WR_MODULE_INTERFACE_H
#define WR_MODULE_INTERFACE_H

#include "module/registry.h"

/* The interface called id and whose it is; NULL when no module of the registry offers it. by may be NULL. */
const void *wr_interface_find(const struct wr_registry *reg, weir_str id, const weir_module **by);

#endif
