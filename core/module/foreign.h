/* module/foreign.h - nginx directives that weir does not have: whose they are and what to use instead. */
#ifndef WR_MODULE_FOREIGN_H
#define WR_MODULE_FOREIGN_H

#include <weir/base.h>

/* "ngx_http_dav_module; weir has no WebDAV", or NULL when nginx has no such directive either. */
const char *wr_foreign_find(weir_str directive);

#endif
