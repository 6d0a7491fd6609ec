/* http/body_in.h - the request body: from the driver through the body filters to whoever wants it, whole or as it comes.
 *
 * Nothing is read before somebody asks. For weir_read_body up to client_body_buffer_size stays in memory, more goes to a
 * temporary file; for weir_stream_body the client is stopped there. The limit is checked by Content-Length before the first byte and by count for chunked bodies. */
#ifndef WR_HTTP_BODY_IN_H
#define WR_HTTP_BODY_IN_H

#include <stdbool.h>
#include <stddef.h>

#include "http/request.h"

/* The driver: bytes of the body, framing gone. last: the body is complete. Bytes are copied. Answers false when no more is
 * wanted (refused, too long): the driver stops reading and closes after the answer. */
bool wr_body_push(struct wr_request *r, const void *bytes, size_t len, bool last);

/* The driver, of a tunnel: bytes that need not be kept, as far as they can go at once. How many went: the others are to be
 * pushed. */
size_t wr_body_direct(struct wr_request *r, weir_str bytes);

/* Let r, which has not begun, have this body: views of the same bytes, which have to stay as long as r. It has been through
 * the filters of the request that it came with. */
void wr_body_lend(struct wr_request *r, const weir_chain *body);

/* The driver: the body cannot be completed (the client went away, bad chunk, too slow); status to answer, 0: none. */
void wr_body_failed(struct wr_request *r, uint32_t status);

/* Is the body wanted, not complete, and its reader not behind? The driver reads it only then. */
bool wr_body_wanted(const struct wr_request *r);

/* Has it all come, or failed, and whoever reads it will be told in this turn or the next? */
bool wr_body_due(const struct wr_request *r);

/* Is there a body that has not come to its end? */
bool wr_body_missing(const struct wr_request *r);

/* For variables: $request_body, $request_body_file. */
weir_str wr_body_text(struct wr_request *r);
weir_str wr_body_file(struct wr_request *r);

#endif
