/* net/proxy_protocol.h - reading the header by which a balancer in front tells whose connection it passes on; versions 1
 * (text) and 2 (binary) of HAProxy's PROXY protocol. Pure: bytes in, values out.
 */
#ifndef WR_NET_PROXY_PROTOCOL_H
#define WR_NET_PROXY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/err.h"
#include "net/addr.h"

enum {
    WR_PROXY_PROTOCOL_LINE_MAX = 107,  /* a line of version 1, with its line end */
    WR_PROXY_PROTOCOL_HEAD_MIN = 16,   /* what every header of version 2 has */
    WR_PROXY_PROTOCOL_BYTES_MAX = 4096 /* a good limit for both, nginx's too */
};

/* As enum wr_wire, which is a layer this one does not see. */
enum wr_proxy_protocol_answer {
    WR_PROXY_PROTOCOL_OK,
    WR_PROXY_PROTOCOL_MORE, /* call again with more bytes */
    WR_PROXY_PROTOCOL_BAD   /* reason in err; close without an answer */
};

struct wr_proxy_protocol {
    uint32_t version; /* 1, 2 */
    /* Both of one family, or AF_UNSPEC when the header names none (UNKNOWN, or LOCAL, a check of the balancer's own): then
     * the connection's own addresses count. Of AF_UNIX only the family is kept. */
    union wr_peer_addr source, destination;
    weir_str tlvs; /* version 2: a view of the input, checked to hold whole TLVs; may be empty */
    size_t bytes;  /* how long the header is: what follows belongs to the next protocol */
};

/*
 * Read a header at the start of a connection.
 *
 * in         the bytes that came, from the first; nothing is taken from them
 * bytes_max  a longer header is refused, as soon as its length is known; at least WR_PROXY_PROTOCOL_LINE_MAX
 * header     out, on OK
 *
 * Bytes that cannot begin a header are refused at the first that does not fit.
 */
enum wr_proxy_protocol_answer wr_proxy_protocol_parse(weir_str in, size_t bytes_max,
                                                      struct wr_proxy_protocol *header,
                                                      struct wr_err *err);

/* The next TLV of *rest, which begins as header->tlvs: its type and value. False at the end. */
bool wr_proxy_protocol_tlv_next(weir_str *rest, uint8_t *type, weir_str *value);

/* The value of the first TLV of a type, absent when there is none. */
weir_str wr_proxy_protocol_tlv(weir_str tlvs, uint8_t type);

#endif
