/* http/response.h - from a handler's answer to the driver: header filters, the head, body filters, and the pump between the
 * source and a client that may be slow. */
#ifndef WR_HTTP_RESPONSE_H
#define WR_HTTP_RESPONSE_H

#include <stdbool.h>

#include "http/request.h"

/* Status and fields are set: run the header filters and give the head to the driver. body: what is there already, taken;
 * with WEIR_BUF_LAST when it is all. Further bytes come from r->source. */
void wr_response_begin(struct wr_request *r, weir_chain *body);

/* Status, fields and out_length are set, and body is all there is, in memory: answer in one piece if nothing has to see it on
 * its way. False: nothing was done, begin the response. */
bool wr_response_whole(struct wr_request *r, weir_str body);

/* Go on where it stopped: the client can take more, a subrequest is over. */
void wr_response_go(struct wr_request *r);

/* The header hook, body filter or source that waited was resumed with rc. */
void wr_response_resumed(struct wr_request *r, enum wr_calling calling, int rc);

/* Is a response under way? */
static inline bool
wr_response_begun(const struct wr_request *r)
{
    return r->answer != WR_ANSWER_NONE;
}

/* Has its source said that it has nothing now, and all that it gave before gone to the driver? */
static inline bool
wr_response_is_drained(const struct wr_request *r)
{
    return r->answer == WR_ANSWER_BODY && r->source_waits && r->queued.head == NULL && !r->ended;
}

/* Is it one that opens a tunnel? Then bytes go both ways as they are. [RFC 9110 15.2.2] */
static inline bool
wr_response_is_tunnel(const struct wr_request *r)
{
    return r->pub.status == 101 && r->source != NULL && wr_response_begun(r);
}

/* The built-in page for a status, as body of r's answer with r's fields; begins the response. */
void wr_response_page(struct wr_request *r, uint32_t status);

/* For the last header filter: make the built-in page for status the body of the response that is being filtered, in place of
 * what it had; its reason and the fields that describe that, or say how long it is fresh, go. Header filters do not run again. */
void wr_response_page_instead(struct wr_request *r, uint32_t status);

/* r's own response fields for changing. */
struct wr_fields *wr_response_fields(struct wr_request *r);

/* Take away fields with checksums that are not right any more; of_content: only those of the very bytes that are sent, as the
 * representation stays, of which they are a part. */
void wr_response_forget_digests(struct wr_request *r, bool of_content);

/* Forget fields and reason of a head that is not sent. */
void wr_response_clear_head(struct wr_request *r);

/* Forget status, fields and length of an answer that was not begun. */
void wr_response_clear(struct wr_request *r);

#endif
