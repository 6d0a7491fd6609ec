/* http/subrequest.h - requests to this server on behalf of another: with their own course, and a driver that collects. */
#ifndef WR_HTTP_SUBREQUEST_H
#define WR_HTTP_SUBREQUEST_H

#include "http/request.h"

/* r is ending: end its subrequests without calling anybody back. */
void wr_subrequest_cancel_all(struct wr_request *r);

/* Are there any in the background, which r's end has to wait for? */
bool wr_subrequest_lingers(const struct wr_request *r);

/* Does the body of r, a subrequest, become part of its parent's? */
bool wr_subrequest_is_part(const struct wr_request *r);

/* The body that a WEIR_BUF_SUB buffer stands for: put it in its place. False: it has not come yet, and wr_response_go is called
 * when it has; or it is not whole, and r's response is cut. */
bool wr_subrequest_take(struct wr_request *r, weir_buf *b, weir_chain *body);

#endif
