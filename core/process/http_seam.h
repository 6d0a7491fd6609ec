/* process/http_seam.h - the http layer as something that may be left out of the link: its functions are weak here, so that a
 * server without it starts, reloads and stops all the same. */
#ifndef WR_PROCESS_HTTP_SEAM_H
#define WR_PROCESS_HTTP_SEAM_H

#include "http/http.h"

#pragma weak wr_http_builtin
#pragma weak wr_http_builtin_count
#pragma weak wr_http_create
#pragma weak wr_http_finish
#pragma weak wr_http_worker_start
#pragma weak wr_http_worker_stop
#pragma weak wr_http_explain

#endif
