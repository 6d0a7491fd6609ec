/* tests/fuzz/heads.h - what the fuzz targets for heads share: limits drawn from the input, reading
 * in pieces. */
#ifndef WR_TESTS_FUZZ_HEADS_H
#define WR_TESTS_FUZZ_HEADS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/strbuf.h"
#include "wire/http1_head.h"

#define FIELDS_MAX 24
#define TEXT_MAX   65536

/* A property that must hold; a failure is a crash that the fuzzer reports. */
#define PROPERTY(cond)                                                                             \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The first byte chooses the limits and flags; most inputs get the usual ones. */
static inline struct wr_head_limits
limits_of(uint8_t choice)
{
    struct wr_head_limits limits = {
        .line_max = (choice & 1) != 0 ? 40 : 8192,
        .field_max = (choice & 2) != 0 ? 30 : 8192,
        .head_max = (choice & 4) != 0 ? 100 : 32768,
        .fields_max = (choice & 8) != 0 ? 3 : FIELDS_MAX,
        .empty_max = 4,
        .bare_lf = (choice & 16) != 0,
        .underscores = (choice & 32) != 0,
        .ignore_invalid = (choice & 64) != 0,
        .target_high = (choice & 128) != 0,
    };
    return limits;
}

/* A heap copy of exactly len bytes, so that reading past it is seen. */
static inline char *
exact_copy(const uint8_t *bytes, size_t len)
{
    char *copy = malloc(len + (len == 0));

    PROPERTY(copy != NULL);
    memcpy(copy, bytes, len);
    return copy;
}

static inline void
put_fields(struct wr_strbuf *b, const char *base, const struct wr_head_field *fields, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        wr_strbuf_bytes(b, base + fields[i].name_at, fields[i].name_len);
        wr_strbuf_lit(b, ": ");
        wr_strbuf_bytes(b, base + fields[i].value_at, fields[i].value_len);
        wr_strbuf_lit(b, "\r\n");
    }
    wr_strbuf_lit(b, "\r\n");
}

static inline int
same_slice(const char *a, uint32_t a_at, uint32_t a_len, const char *b, uint32_t b_at,
           uint32_t b_len)
{
    return a_len == b_len && memcmp(a + a_at, b + b_at, a_len) == 0;
}

static inline void
same_fields(const char *a, const struct wr_head_field *x, uint32_t n_x, const char *b,
            const struct wr_head_field *y, uint32_t n_y)
{
    PROPERTY(n_x == n_y);
    for (uint32_t i = 0; i < n_x; i++) {
        PROPERTY(x[i].id == y[i].id);
        PROPERTY(same_slice(a, x[i].name_at, x[i].name_len, b, y[i].name_at, y[i].name_len));
        PROPERTY(same_slice(a, x[i].value_at, x[i].value_len, b, y[i].value_at, y[i].value_len));
    }
}

/* No value begins or ends with a blank or holds a line break or NUL; no name is empty. */
static inline void
clean_fields(const char *base, const struct wr_head_field *fields, uint32_t n, uint32_t bytes)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct wr_head_field *f = &fields[i];
        const char *value = base + f->value_at;
        PROPERTY(f->name_len != 0 && f->name_at + f->name_len < f->value_at);
        PROPERTY(f->value_at + f->value_len < bytes);
        PROPERTY(memchr(value, '\r', f->value_len) == NULL);
        PROPERTY(memchr(value, '\n', f->value_len) == NULL);
        PROPERTY(memchr(value, '\0', f->value_len) == NULL);
        if (f->value_len != 0) {
            PROPERTY(value[0] != ' ' && value[0] != '\t');
            PROPERTY(value[f->value_len - 1] != ' ' && value[f->value_len - 1] != '\t');
        }
    }
}

#endif
