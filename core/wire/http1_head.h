/* wire/http1_head.h - HTTP/1 heads: the request line or status line and the header fields, to
 * offsets.
 *
 * One strict reader for what clients and what origins send: CRLF only, tokens for names, no folded
 * lines, no blank before a colon, no control bytes. It allocates nothing and keeps nothing but a
 * resume point; the fields go to an array of the caller's (one a worker, with room for
 * limits->fields_max).
 *
 * The answer depends on the bytes alone: whether they came at once or one by one, and whatever came
 * of the calls before, the same bytes give the same result, and once it is WR_BAD more bytes do not
 * change it.
 */
#ifndef WR_WIRE_HTTP1_HEAD_H
#define WR_WIRE_HTTP1_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "wire/fault.h"
#include "wire/wire.h"

/* Offsets count from the first byte handed in. The value has no blanks or tabs around it and may be
 * empty. */
struct wr_head_field {
    uint32_t name_at;
    uint32_t name_len;
    uint32_t value_at;
    uint32_t value_len;
    uint16_t id;    /* WEIR_H_*, 0 for names that have none */
    uint16_t flags; /* WEIR_HEADER_* */
};

/* Where in the fields array those are that frame the message or name its host: Content-Length,
 * Transfer-Encoding, Connection, Expect, Host. */
struct wr_head_marks {
    uint32_t n; /* may be more than `at` has room for: then all fields have to be looked at */
    uint32_t at[4];
};

struct wr_head_limits {
    uint32_t line_max;  /* bytes of the first line with its line end; longer: 414 */
    uint32_t field_max; /* bytes of one field line with its line end, 2 at least; longer: 431 */
    uint32_t head_max;  /* bytes of the whole head; longer: 431, or 414 while in the first line */
    uint32_t
        fields_max;     /* field lines, the dropped ones too; more: 431. Room of the fields array */
    uint32_t empty_max; /* empty lines taken before a request line; weir: 4. Responses: none */
    bool bare_lf;       /* a lone LF ends a line, too */
    bool underscores;   /* names with '_' are kept; else such fields are dropped */
    bool ignore_invalid; /* fields whose name is not a token are dropped; else 400 */
    bool target_high;    /* bytes 80..ff are allowed in the target; else 400 */
};

/* Where to go on when the head was incomplete; zeroed before a head's first byte, and zero again
 * after WR_OK. */
struct wr_head_scan {
    uint32_t at;    /* the first line not yet complete; the lines before it are right */
    uint32_t lines; /* field lines before it */
};

struct wr_request_head {
    uint32_t method; /* WEIR_GET, ..., WEIR_METHOD_OTHER */
    uint32_t method_at;
    uint32_t method_len;
    uint32_t target_at;
    uint32_t target_len; /* at least 1 */
    uint32_t version;    /* 10 or 11; 1.2 and later count as 11 */
    uint32_t bytes;      /* of the whole head with the empty line; the body follows */
    uint32_t n_fields;
    struct wr_head_marks marks;
    struct wr_head_field *fields; /* set by the caller before the call: room for fields_max */
};

struct wr_response_head {
    uint32_t status;  /* 100..599 */
    uint32_t version; /* 10 or 11 */
    uint32_t reason_at;
    uint32_t reason_len;
    uint32_t bytes;
    uint32_t n_fields;
    struct wr_head_marks marks;
    struct wr_head_field *fields; /* as above */
};

/* A trailer section, or any run of field lines ended by an empty line. */
struct wr_head_section {
    uint32_t bytes;
    uint32_t n_fields;
    struct wr_head_field *fields; /* as above */
};

/*
 * Read a request head.
 *
 * in, len  the bytes there are, from the head's first one; bytes past the head are not looked at
 * scan     the resume point of this head; a later call hands in the same bytes and more
 * out      on WR_OK; its fields array is overwritten in any case
 * fault    on WR_BAD: 400, 414, 431 or 505 and why
 *
 * WR_OK, WR_MORE (right so far, not complete), WR_BAD. Work is linear in the bytes but for the line
 * that is incomplete, which is read again at each call.  [RFC 9112 2.2, 3, 5]
 */
enum wr_wire wr_http1_request_head(const char *in, size_t len, struct wr_head_scan *scan,
                                   const struct wr_head_limits *limits, struct wr_request_head *out,
                                   struct wr_fault *fault);

/* The same for an origin's response head; any fault is a 502. A missing reason phrase may lack the
 * blank before it, too. [RFC 9112 4] */
enum wr_wire wr_http1_response_head(const char *in, size_t len, struct wr_head_scan *scan,
                                    const struct wr_head_limits *limits,
                                    struct wr_response_head *out, struct wr_fault *fault);

/* The same for field lines alone: what follows the last chunk. Faults are 400 and 431. [RFC
 * 9112 7.1.2] */
enum wr_wire wr_http1_section(const char *in, size_t len, struct wr_head_scan *scan,
                              const struct wr_head_limits *limits, struct wr_head_section *out,
                              struct wr_fault *fault);

#endif
