/* upstream/server_conf.h - the parameters of `server` in upstream{}. */
#ifndef WR_UPSTREAM_SERVER_CONF_H
#define WR_UPSTREAM_SERVER_CONF_H

#include "conf/bind.h"
#include "upstream/group.h"

/* "server ADDRESS [parameters]", the statement being bound, for group u. WEIR_OK, or WEIR_ERROR
 * after all its mistakes are reported. */
int wr_server_conf_read(struct weir_conf *cf, weir_upstream *u);

/* "name=" with what follows it. */
bool wr_conf_has_name(weir_str word, weir_str name, weir_str *value);

#endif
