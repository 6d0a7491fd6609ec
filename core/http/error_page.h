/* http/error_page.h - `error_page`: another answer for a status. */
#ifndef WR_HTTP_ERROR_PAGE_H
#define WR_HTTP_ERROR_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "http/request.h"

/* If r's block has an error_page for status: redirect r inside (its phase and path are set anew) or answer with a redirect
 * outside, and say true. False: the built-in page is to be sent. r->error_status is what the page's answer is to be sent with;
 * 0: with its own. */
bool wr_error_page_answer(struct wr_request *r, uint32_t status);

/* Where the error_page of r's block for status leads, evaluated; absent: there is none. For `weir -M`. */
weir_str wr_error_page_target(struct wr_request *r, uint32_t status);

/* The setter of `error_page`: adds to the list *field, a struct wr_error_page *. */
int wr_error_page_set(weir_conf *cf, const weir_directive *d, void *field);

#endif
