/* http/coded_body.c - bytes through a decoder or an encoder, a bounded part at a time.
 *
 * Whatever comes in, a call makes at most a few buffers; what is left stays here, and the pump comes back for it before it takes
 * anything new, once the client can take more. So a body that grows a hundredfold waits in its small form.
 */
#include "base/assert.h"
#include "http/coded.h"
#include "http/filter.h"
#include "http/kept.h"
#include "http/limits.h"
#include "net/buf.h"

enum {
    DECODED_AT_ONCE = 32 * 1024,
    ENCODED_AT_ONCE = 64 * 1024,
    ENCODED_INPUT = 128 * 1024, /* bytes that are looked at in one go, however little comes out */
    ENCODED_STEP = 32 * 1024,
    ENCODED_BUF = 8192, /* usual size of an output buffer */
    ENCODED_ROOM = 16   /* least room an encoder is called with */
};

/* b with `len` bytes in it. One that is nearly empty is copied: what waits for a client is counted in bytes, not in rooms. */
static weir_buf *
trim(struct wr_request *r, weir_buf *b, size_t len, size_t size)
{
    weir_buf *small;

    b->len = len;
    if (len > size / 4) {
        return b;
    }
    small = weir_buf_copy(r->pub.pool, (weir_str){ (const char *)b->data, len });
    weir_buf_drop(b);
    return small;
}

/* A filter has put a file out: only those that take files may get one. */
static bool
is_file(struct wr_request *r, const weir_buf *b)
{
    if (!(b->flags & WEIR_BUF_FILE) || b->len == 0) {
        return false;
    }
    wr_say(&r->log, ERROR, "a filter sends a file into a body that is coded");
    return true;
}

/* ---- Decoding. ---- */

/* Has the body grown past what is allowed? */
static bool
refuse_bomb(struct wr_request *r, const struct wr_coded_stage *s)
{
    const struct wr_coding_conf *conf = wr_coding_conf(r);
    uint64_t ratio = (uint64_t)conf->decode_max_ratio;

    if (s->bytes_out > WR_LIMIT_DECODE_FREE && s->bytes_out / ratio >= s->bytes_in) {
        wr_say(&r->log, ERROR, "a \"%s\" body of %llu bytes has become more than %llu times as long",
               s->coding->name, (unsigned long long)s->bytes_in, (unsigned long long)ratio);
        wr_coding_count_refusal(WR_CODING_RATIO);
        return true;
    }
    if (conf->decode_max_size != 0 && s->bytes_out > conf->decode_max_size) {
        wr_say(&r->log, ERROR, "a \"%s\" body has become longer than decode_max_size",
               s->coding->name);
        wr_coding_count_refusal(WR_CODING_SIZE);
        return true;
    }
    return false;
}

static bool
refuse_broken(struct wr_request *r, const char *what)
{
    wr_say(&r->log, ERROR, "a \"%s\" body %s", r->coded->decode.coding->name, what);
    wr_coding_count_refusal(WR_CODING_BROKEN);
    return false;
}

/* Decode b's bytes into `to`. False: refused. */
static bool
decode_some(struct wr_request *r, weir_buf *b, weir_coding_io *io)
{
    struct wr_coded *c = r->coded;
    struct wr_coded_stage *s = &c->decode;
    size_t had = io->out_len;
    int rc;

    io->in = b->data;
    io->in_len = b->len;
    rc = s->coding->decode(s->coder->state, io);
    s->bytes_in += b->len - io->in_len;
    s->bytes_out += had - io->out_len;
    if (rc == WEIR_ERROR) {
        return refuse_broken(r, "cannot be decoded");
    }
    c->complete = rc == WEIR_DONE;
    c->behind_end = c->complete && io->in_len != 0;
    s->more = rc == WEIR_AGAIN;
    wr_buf_consume(b, b->len - (c->behind_end ? 0 : io->in_len));
    return !refuse_bomb(r, s);
}

/* b is used up: its marks go on. False: the body ends and the stream does not. */
static bool
end_of_input(struct wr_request *r, weir_buf *b, weir_chain *out)
{
    struct wr_coded *c = r->coded;
    uint32_t marks = b->flags & (WEIR_BUF_LAST | WEIR_BUF_FLUSH);

    if (marks & WEIR_BUF_LAST && !c->complete && c->decode.bytes_in != 0) {
        return refuse_broken(r, "ends too early");
    }
    if (marks != 0) {
        weir_chain_push(out, weir_buf_mark(r->pub.pool, marks));
    }
    if (marks & WEIR_BUF_LAST) {
        wr_coder_give(c->decode.coder);
        c->decode.coder = NULL;
    }
    (void)weir_chain_pop(&c->decode.in);
    weir_buf_drop(b);
    return true;
}

/* Decode the first buffer. False: refused. */
static bool
decode_buffer(struct wr_request *r, weir_buf *b, weir_chain *out)
{
    struct wr_coded *c = r->coded;
    weir_coding_io io = { .out_len = DECODED_AT_ONCE };
    uint8_t *room;
    weir_buf *made;
    bool good;

    if (c->behind_end) {
        wr_buf_consume(b, b->len);
    }
    if (b->len == 0 && !c->decode.more) {
        return end_of_input(r, b, out);
    }
    made = weir_buf_new(r->pub.pool, DECODED_AT_ONCE, &room);
    io.out = room;
    good = decode_some(r, b, &io);
    if (io.out_len == DECODED_AT_ONCE || !good) {
        weir_buf_drop(made);
    } else {
        made = trim(r, made, DECODED_AT_ONCE - io.out_len, DECODED_AT_ONCE);
        weir_chain_push(out, made);
        wr_coding_count_bytes(c->decode.coding, WR_CODING_DECODED_OUT, made->len);
    }
    return good;
}

bool
wr_coded_decode(struct wr_request *r, weir_chain *piece)
{
    struct wr_coded_stage *s = &r->coded->decode;
    uint64_t before = s->bytes_in;
    weir_chain out = { NULL, NULL };

    weir_chain_take(&s->in, piece);
    while (s->coder != NULL && s->in.head != NULL && weir_chain_len(&out) < DECODED_AT_ONCE) {
        if (is_file(r, s->in.head) || !decode_buffer(r, s->in.head, &out)) {
            wr_chain_drop(&out);
            wr_response_cut(r);
            return false;
        }
    }
    wr_coding_count_bytes(s->coding, WR_CODING_DECODED_IN, s->bytes_in - before);
    *piece = out;
    return out.head != NULL;
}

/* ---- Coding. ---- */

static void
open_buffer(struct wr_request *r)
{
    struct wr_coded *c = r->coded;

    c->buf_size = ENCODED_BUF;
    c->buf = weir_buf_new(r->pub.pool, c->buf_size, &c->room);
    c->room_len = c->buf_size;
}

static void
push_buffer(struct wr_request *r, uint32_t marks, weir_chain *out)
{
    struct wr_coded *c = r->coded;

    c->buf = trim(r, c->buf, c->buf_size - c->room_len, c->buf_size);
    c->buf->flags |= marks;
    c->encode.bytes_out += c->buf->len;
    wr_coding_count_bytes(c->encode.coding, WR_CODING_ENCODED_OUT, c->buf->len);
    if (c->keeping != NULL) {
        wr_keeping_add(c->keeping, c->buf->data, c->buf->len);
    }
    weir_chain_push(out, c->buf);
    c->buf = NULL;
}

/* The encoder has used b up and done what its marks ask for. */
static void
encoded_buffer(struct wr_request *r, weir_buf *b, weir_chain *out)
{
    struct wr_coded *c = r->coded;
    uint32_t marks = b->flags & (WEIR_BUF_LAST | WEIR_BUF_FLUSH);

    if (marks != 0) {
        push_buffer(r, marks, out);
    }
    if (marks & WEIR_BUF_LAST) {
        wr_coder_give(c->encode.coder);
        c->encode.coder = NULL;
        if (c->keeping != NULL) {
            wr_keeping_finish(c->keeping, c->encode.bytes_in);
        }
    }
    (void)weir_chain_pop(&c->encode.in);
    weir_buf_drop(b);
}

/* Code what is left of the first buffer until it is used up or a buffer is full. */
static bool
encode_buffer(struct wr_request *r, weir_buf *b, weir_chain *out)
{
    struct wr_coded *c = r->coded;
    size_t step = WR_MIN(b->len, (size_t)ENCODED_STEP);
    uint32_t flush = step != b->len                ? WEIR_CODING_MORE
                     : b->flags & WEIR_BUF_LAST    ? WEIR_CODING_END
                     : b->flags & WEIR_BUF_FLUSH   ? WEIR_CODING_SYNC
                                                   : WEIR_CODING_MORE;
    weir_coding_io io = { .in = b->data, .in_len = step };
    int rc = WEIR_OK;

    if (c->buf != NULL && c->room_len < ENCODED_ROOM) {
        push_buffer(r, 0, out);
    }
    if (c->buf == NULL) {
        open_buffer(r);
    }
    io.out = c->room;
    io.out_len = c->room_len;
    if (flush != WEIR_CODING_MORE || b->len != 0) {
        rc = c->encode.coding->encode(c->encode.coder->state, &io, flush);
    }
    c->encode.bytes_in += step - io.in_len;
    wr_buf_consume(b, step - io.in_len);
    c->room = io.out;
    c->room_len = io.out_len;
    if (rc == WEIR_OK && b->len == 0) {
        encoded_buffer(r, b, out);
    } else if (rc == WEIR_AGAIN) {
        push_buffer(r, 0, out);
    }
    return rc == WEIR_OK || rc == WEIR_AGAIN;
}

bool
wr_coded_encode(struct wr_request *r, weir_chain *piece)
{
    struct wr_coded_stage *s = &r->coded->encode;
    uint64_t before = s->bytes_in;
    weir_chain out = { NULL, NULL };

    weir_chain_take(&s->in, piece);
    while (s->coder != NULL && s->in.head != NULL && weir_chain_len(&out) < ENCODED_AT_ONCE &&
           s->bytes_in - before < ENCODED_INPUT) {
        if (is_file(r, s->in.head) || !encode_buffer(r, s->in.head, &out)) {
            wr_say(&r->log, ERROR, "coding a response with \"%s\" failed", s->coding->name);
            wr_chain_drop(&out);
            wr_response_cut(r);
            return false;
        }
    }
    wr_coding_count_bytes(s->coding, WR_CODING_ENCODED_IN, s->bytes_in - before);
    *piece = out;
    return out.head != NULL;
}
