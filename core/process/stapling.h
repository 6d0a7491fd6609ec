/* process/stapling.h - who asks authorities what is stapled to our certificates. */
#ifndef WR_PROCESS_STAPLING_H
#define WR_PROCESS_STAPLING_H

#include <weir/module.h>

/* Built-in module "core.stapling": no directives of its own, those of core.ssl say what is wanted. */
extern const weir_module wr_stapling_module;

#endif
