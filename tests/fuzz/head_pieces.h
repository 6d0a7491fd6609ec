/* tests/fuzz/head_pieces.h - a head read whole and in pieces: every split has one result. The target
 * says which head before it includes this: HEAD, the struct, and READ_HEAD, the reader. */
#ifndef WR_TESTS_FUZZ_HEAD_PIECES_H
#define WR_TESTS_FUZZ_HEAD_PIECES_H

#include "heads.h"

struct result {
    enum wr_wire rc;
    HEAD head;
    struct wr_fault fault;
    struct wr_head_field fields[FIELDS_MAX];
};

/* Hand in prefixes of growing length; piece 0: everything at once. */
static inline void
read_in_pieces(struct result *r, const uint8_t *bytes, size_t len, size_t piece,
               const struct wr_head_limits *limits)
{
    struct wr_head_scan scan = { 0 };
    size_t have = piece == 0 || piece > len ? len : piece;

    for (;;) {
        char *in = exact_copy(bytes, have);
        memset(r, 0, sizeof(*r));
        r->head.fields = r->fields;
        r->rc = READ_HEAD(in, have, &scan, limits, &r->head, &r->fault);
        free(in);
        if (r->rc != WR_MORE || have == len) {
            return;
        }
        have = len - have < piece ? len : have + piece;
    }
}

static inline void
same_result(const struct result *a, const struct result *b)
{
    HEAD x = a->head;

    PROPERTY(a->rc == b->rc);
    PROPERTY(a->fault.status == b->fault.status && a->fault.reason == b->fault.reason);
    if (a->rc == WR_OK) {
        x.fields = b->head.fields;
        PROPERTY(memcmp(&x, &b->head, sizeof(x)) == 0);
        PROPERTY(memcmp(a->fields, b->fields, x.n_fields * sizeof(a->fields[0])) == 0);
    }
}

/* Read b, a head in its plainest form, under limits that let it pass (": " may be longer than ":"):
 * it is a head, and all of it. */
static inline void
read_anew(struct result *again, const struct wr_strbuf *b, struct wr_head_limits limits)
{
    PROPERTY(!b->full);
    limits.line_max = limits.field_max = limits.head_max = TEXT_MAX;
    read_in_pieces(again, (const uint8_t *)b->data, b->len, 0, &limits);
    PROPERTY(again->rc == WR_OK);
    PROPERTY(again->head.bytes == b->len);
}

#endif
