/* wire/chunked.c - a state machine over the bytes of chunk lines; data is handed out whole.
 *
 * Nothing is tolerated here: a lone LF, a blank without an extension after it, a byte between data
 * and CRLF, all are how one reader is made to see another body than the next. Extensions are
 * checked by their grammar and otherwise ignored.
 */
#include "wire/chunked.h"

#include "base/num.h"
#include "wire/chars.h"

/* Named for what is awaited. */
enum awaited {
    SIZE,         /* a digit, or what may follow the digits */
    EXT_SEMI,     /* blanks, then ';' */
    EXT_NAME,     /* blanks, then a token's first byte */
    EXT_NAME_END, /* more of the token, or what may follow it */
    EXT_EQUALS,   /* blanks after the name, then '=', ';' */
    EXT_VALUE,    /* blanks, then a token's first byte or '"' */
    EXT_VALUE_END,
    EXT_QUOTED,
    EXT_ESCAPED, /* the byte after '\' */
    EXT_END,     /* after a quoted string */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    END
};

/* Refuse: no state has the number of a fault. */
#define NONE 255u

/* What follows a complete extension, or the digits: another one, or the line's end. */
static unsigned
after_part(char b)
{
    if (b == '\r') {
        return SIZE_LF;
    }
    return b == ';' ? EXT_NAME : NONE;
}

/* The next state in an extension, after byte b. chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS value
 * ] ) */
static unsigned
step_extension(unsigned awaited, char b)
{
    switch (awaited) {
    case EXT_SEMI:
        return wr_char_is_blank(b) ? EXT_SEMI : b == ';' ? EXT_NAME : NONE;
    case EXT_NAME:
        return wr_char_is_blank(b) ? EXT_NAME : wr_char_is(b, WR_CHAR_TOKEN) ? EXT_NAME_END : NONE;
    case EXT_NAME_END:
        if (wr_char_is(b, WR_CHAR_TOKEN)) {
            return EXT_NAME_END;
        }
        return wr_char_is_blank(b) ? EXT_EQUALS : b == '=' ? EXT_VALUE : after_part(b);
    case EXT_EQUALS:
        return wr_char_is_blank(b) ? EXT_EQUALS : b == '=' ? EXT_VALUE : b == ';' ? EXT_NAME : NONE;
    case EXT_VALUE:
        if (b == '"') {
            return EXT_QUOTED;
        }
        return wr_char_is_blank(b)            ? EXT_VALUE
               : wr_char_is(b, WR_CHAR_TOKEN) ? EXT_VALUE_END
                                              : NONE;
    case EXT_VALUE_END:
        if (wr_char_is(b, WR_CHAR_TOKEN)) {
            return EXT_VALUE_END;
        }
        return wr_char_is_blank(b) ? EXT_SEMI : after_part(b);
    case EXT_QUOTED:
        if (b == '"' || b == '\\') {
            return b == '"' ? EXT_END : EXT_ESCAPED;
        }
        return wr_char_is(b, WR_CHAR_QUOTED) ? EXT_QUOTED : NONE;
    case EXT_ESCAPED:
        return wr_char_is(b, WR_CHAR_VALUE) ? EXT_QUOTED : NONE;
    default: /* EXT_END */
        return wr_char_is_blank(b) ? EXT_SEMI : after_part(b);
    }
}

/* After a byte that follows the size: one of an extension, unless it begins the line's end. */
static enum wr_wire
move_on(struct wr_chunked *c, unsigned next, struct wr_fault *fault)
{
    if (next != SIZE_LF && ++c->extensions > WR_CHUNKED_EXTENSION_MAX) {
        return wr_fault_set(fault, 400, "chunk extensions are too long");
    }
    c->awaited = (uint8_t)next;
    return WR_OK;
}

/* A byte of the size or what ends it. */
static enum wr_wire
step_size(struct wr_chunked *c, char b, struct wr_fault *fault)
{
    int digit = weir_hex_digit((uint8_t)b);

    if (digit >= 0) {
        if (c->digits == WR_CHUNKED_DIGITS_MAX || c->left > (uint64_t)INT64_MAX >> 4) {
            return wr_fault_set(fault, 400, "chunk size is too large");
        }
        c->left = c->left << 4 | (uint64_t)digit;
        c->digits++;
        return WR_OK;
    }
    unsigned next = wr_char_is_blank(b) ? EXT_SEMI : after_part(b);
    if (c->digits == 0 || next == NONE) {
        return wr_fault_set(fault, 400, "malformed chunk size");
    }
    return move_on(c, next, fault);
}

/* One byte that is not data. */
static enum wr_wire
step(struct wr_chunked *c, char b, struct wr_fault *fault)
{
    unsigned next;

    switch (c->awaited) {
    case SIZE:
        return step_size(c, b, fault);
    case SIZE_LF:
        if (b != '\n') {
            return wr_fault_set(fault, 400, "chunk line does not end in CRLF");
        }
        c->awaited = c->left == 0 ? END : DATA;
        return WR_OK;
    case DATA_CR:
    case DATA_LF:
        if (b != (c->awaited == DATA_CR ? '\r' : '\n')) {
            return wr_fault_set(fault, 400, "chunk data does not end in CRLF");
        }
        c->awaited = c->awaited == DATA_CR ? DATA_LF : SIZE;
        c->digits = 0;
        return WR_OK;
    default:
        next = step_extension(c->awaited, b);
        if (next == NONE) {
            return wr_fault_set(fault, 400, "malformed chunk extension");
        }
        return move_on(c, next, fault);
    }
}

enum wr_wire
wr_chunked_decode(struct wr_chunked *c, const char *in, size_t len, size_t *used, weir_str *data,
                  struct wr_fault *fault)
{
    size_t at = 0;

    while (c->awaited != END) {
        if (at == len) {
            *used = len;
            *data = (weir_str){ in + len, 0 };
            return WR_MORE;
        }
        if (c->awaited == DATA) {
            size_t take = len - at < c->left ? len - at : (size_t)c->left;
            c->left -= take;
            c->awaited = c->left == 0 ? DATA_CR : DATA;
            *used = at + take;
            *data = (weir_str){ in + at, take };
            return WR_OK;
        }
        if (step(c, in[at], fault) != WR_OK) {
            return WR_BAD;
        }
        at++;
    }
    *used = at;
    *data = (weir_str){ in + at, 0 };
    return WR_OK;
}
