/* wire/framing.h - what a head says about the message and the connection: where the body ends,
 * whether the connection stays, which host is meant. Decided here alone, before anything acts on
 * the request: two readings of one message are what request smuggling is made of. */
#ifndef WR_WIRE_FRAMING_H
#define WR_WIRE_FRAMING_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>
#include "wire/fault.h"
#include "wire/http1_head.h"

enum {
    WR_LENGTH_CHUNKED = -1,
    WR_LENGTH_UNTIL_CLOSE = -2 /* responses only */
};

struct wr_framing {
    int64_t length;       /* body bytes, or WR_LENGTH_* */
    bool length_given;    /* there was a Content-Length */
    bool close;           /* Connection has the option close */
    bool keep_alive;      /* ... keep-alive */
    bool upgrade;         /* ... upgrade, in a 1.1 message */
    bool nominated;       /* ... other options: fields to drop when forwarding */
    bool persistent;      /* the peer means the connection to stay after this message */
    bool expect_continue; /* a 1.1 request waits for 100 (Continue) */
    weir_str host; /* value of Host as received; absent if none. Not validated: wr_host_parse */
};

/*
 * What a request's fields say.
 *
 * base  the bytes that head's offsets count from
 *
 * WR_OK, or WR_BAD with 400 (lengths that are not one clean number, Transfer-Encoding beside
 * Content-Length or in 1.0, chunked not once and last, Host missing in 1.1 or doubled), 417 (an
 * expectation other than 100-continue), 501 (a coding other than chunked).  [RFC 9112 3.2, 6, 9.3;
 * RFC 9110 7.6.1, 10.1.1]
 */
enum wr_wire wr_framing_request(const char *base, const struct wr_request_head *head,
                                struct wr_framing *out, struct wr_fault *fault);

/* The same for a response to a request of that method; WR_BAD is always a 502. A response that
 * cannot have a body (to HEAD, 1xx, 204, 304) has length 0; length_given then is about the field
 * alone. [RFC 9112 6.3] */
enum wr_wire wr_framing_response(const char *base, const struct wr_response_head *head,
                                 uint32_t method, struct wr_framing *out, struct wr_fault *fault);

#endif
