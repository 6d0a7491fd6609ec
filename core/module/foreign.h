/* module/foreign.h - directives and variables of nginx that weir does not have: whose they are and what to use instead. */
#ifndef WR_MODULE_FOREIGN_H
#define WR_MODULE_FOREIGN_H

#include <weir/base.h>

/* "ngx_http_dav_module; weir has no WebDAV", or NULL when neither nginx nor a module that is widely used with it has such a
 * directive or variable (its name without the `$`). */
const char *wr_foreign_find(weir_str name);

#endif
