/* http/driver.h - what a protocol (HTTP/1, HTTP/2) or a parent (subrequests) does for a request. The seam between http and
 * the drivers: http never knows which protocol a request came by.
 *
 * The request's side of the seam is in request.h (wr_request_*). All calls come from the loop; none re-enters the other side
 * before it returns, except where said.
 */
#ifndef WR_HTTP_DRIVER_H
#define WR_HTTP_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/body.h>

struct wr_request;

struct wr_driver {
    const char *name; /* "http/1.1", "h2", "subrequest" */

    /* The response head is final: format and gather it. last: no body follows (HEAD, 204, 304, empty). */
    void (*head)(struct wr_request *r, bool last);

    /* All of the answer at once, head and body: there are no trailers, its length is known, the status has a body. body lives
     * as long as the request. False: not like this now (the rate is limited, output waits), and nothing was done. NULL: never. */
    bool (*whole)(struct wr_request *r, weir_str body);

    /* An interim response (102, 103) with these fields, now. */
    void (*interim)(struct wr_request *r, uint32_t status, const weir_header *first);

    /* Take body bytes, in order; WEIR_BUF_LAST ends the response. The chain is empty afterwards. */
    void (*body)(struct wr_request *r, weir_chain *chain);

    /* Of a tunnel, with nothing on its way from the source: send these now, as far as the client takes them. How many went. NULL:
     * none ever. */
    size_t (*pass)(struct wr_request *r, weir_str bytes);

    /* How many more bytes the client's side can use now; 0: wait, wr_request_can_send will be called. */
    size_t (*room)(struct wr_request *r);

    /* Deliver the request body from now on (wr_body_push), as long as wr_body_wanted(), after a 100 Continue if one is owed;
     * called again when its reader has caught up. Of a tunnel (wr_response_is_tunnel): what the client sends until its end. */
    void (*want_body)(struct wr_request *r);

    /* The request has nothing more to say or do: finish sending, then free it (wr_request_free). error: the response was
     * cut; the peer must see that it is incomplete. */
    void (*finish)(struct wr_request *r, bool error);
};

#endif
