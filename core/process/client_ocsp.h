/* process/client_ocsp.h - who asks authorities about the certificates that clients show. */
#ifndef WR_PROCESS_CLIENT_OCSP_H
#define WR_PROCESS_CLIENT_OCSP_H

#include <weir/module.h>

/* Built-in module "core.client_ocsp": no directives of its own, those of core.ssl say what is wanted. */
extern const weir_module wr_client_ocsp_module;

#endif
