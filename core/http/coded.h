/* http/coded.h - a response whose body is decoded, coded, or both on its way through the filters.
 *
 * What is done to the head stands in http/coded, who codes and with what in http/encode, what is done to the body in
 * http/coded_body; http/filter calls that at the places of the two stages.
 */
#ifndef WR_HTTP_CODED_H
#define WR_HTTP_CODED_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/coding.h>

#include "http/coder.h"
#include "http/request.h"

struct wr_coded_stage {
    const weir_coding *coding; /* NULL: there is no such stage */
    struct wr_coder *coder;    /* NULL: it is over, or there is no body */
    uint32_t at;               /* it runs in front of this BODY hook */
    bool more;                 /* it can make more of what it has */
    weir_chain in;             /* what it has not used */
    uint64_t bytes_in, bytes_out;
};

struct wr_coded {
    struct wr_coded_stage decode, encode;
    bool for_text;   /* it is decoded because filters want text */
    bool complete;   /* what the decoder has seen is a whole stream */
    bool behind_end; /* input that belongs to no stream any more is passed over */

    int64_t plain_length;    /* before it was to be coded; -1: unknown */
    weir_coding_shape shape; /* of the encoder */
    uint32_t q;              /* how welcome its coding is */
    int32_t preference;
    struct wr_keeping *keeping; /* what it makes is kept; NULL: it is not */
    weir_buf *buf; /* the encoder's output being filled, or NULL */
    uint8_t *room;
    size_t room_len, buf_size;
};

/* core.coding: http, server, location. */
struct wr_coding_conf {
    int64_t decode_max_ratio;  /* decode_max_ratio 100: output to input, past the first MiB */
    uint64_t decode_max_size;  /* decode_max_size 1g: bytes of one decoded body; 0: any */
    uint64_t compress_memory;  /* compress_memory a worker: 32m; http only */
    uint64_t coder_memory;     /* coder_memory a worker: 512m; http only */
};

static inline const struct wr_coding_conf *
wr_coding_conf(const struct wr_request *r)
{
    return r->pub.conf[WR_SLOT_CODING];
}

/* Does anything decode or code the body? */
bool wr_coded_runs(const struct wr_request *r);

/* Filters that want text, these of the plan's by bit, stay in r's response: have it decoded, or leave them out. 0, or a status to
 * answer with instead. */
uint32_t wr_coded_want_text(struct wr_request *r, uint64_t texts);

/* No header filter comes any more: code again what was decoded, and get the encoder. */
void wr_coded_settle(struct wr_request *r);

/* r is a 304 that need not tell in what coding the 200 came: its ETag is weak where the client has it so. [RFC 9110 15.4.5] */
void wr_coded_weaken_304(weir_request *r);

/* From here on r's body is to be coded so; the head says it. */
void wr_coded_use(struct wr_request *r, const weir_coding *coding, const weir_coding_shape *shape);

/* What of piece, which is taken, and of what was left before can go on now: put on piece. False: nothing can. */
bool wr_coded_decode(struct wr_request *r, weir_chain *piece);
bool wr_coded_encode(struct wr_request *r, weir_chain *piece);

/* Metrics: codings by their place among the label's values. core_coding.c */
enum wr_coding_bytes { WR_CODING_ENCODED_IN, WR_CODING_ENCODED_OUT, WR_CODING_DECODED_IN, WR_CODING_DECODED_OUT };
enum wr_coding_refusal { WR_CODING_RATIO, WR_CODING_SIZE, WR_CODING_BROKEN };
void wr_coding_count_bytes(const weir_coding *coding, enum wr_coding_bytes what, uint64_t n);
void wr_coding_count_response(const weir_coding *coding, bool decoded);
void wr_coding_count_refusal(enum wr_coding_refusal why);
void wr_coding_count_no_coder(bool decoder);
void wr_coding_count_hit(const weir_coding *coding);

#endif
