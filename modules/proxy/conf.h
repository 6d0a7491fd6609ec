/* proxy/conf.h - setters and checks of conf.c, for the table of proxy.c. */
#ifndef PROXY_CONF_H
#define PROXY_CONF_H

#include "proxy.h"

int set_buffers(weir_conf *cf, const weir_directive *d, void *field);
int set_temp_path(weir_conf *cf, const weir_directive *d, void *field);
int set_next_upstream(weir_conf *cf, const weir_directive *d, void *field);
int set_bind(weir_conf *cf, const weir_directive *d, void *field);
int check_version(weir_conf *cf, const weir_directive *d, void *field);
int check_rate(weir_conf *cf, const weir_directive *d, void *field);
int check_socket_size(weir_conf *cf, const weir_directive *d, void *field);
int check_positive(weir_conf *cf, const weir_directive *d, void *field);

/* weir_module.check */
int proxy_check(weir_conf *cf, void *conf);

#endif
