/* module/descriptor.h - is what a module says of itself in order, and a copy of it in this server's shape.
 *
 * A module's structs may be shorter (an older module) or longer (a newer one) than ours: after the copy all are of our size,
 * with what the module does not know of reading as zero. Every later look at a module is at the copy.
 */
#ifndef WR_MODULE_DESCRIPTOR_H
#define WR_MODULE_DESCRIPTOR_H

#include <stdbool.h>
#include <weir/module.h>

#include "base/err.h"

/*
 * Check the sizes of `from` and copy it to *to, with item arrays of other strides made anew by malloc; those live as long
 * as the process, as the module does.
 *
 * False, *to untouched, with the reason in err.
 */
bool wr_descriptor_copy(const weir_module *from, weir_module *to, struct wr_err *err);

/* Check the contents of a module of our shape: names, fields inside the configuration struct, functions that must be
 * there, nothing twice. */
bool wr_descriptor_check(const weir_module *m, struct wr_err *err);

#endif
