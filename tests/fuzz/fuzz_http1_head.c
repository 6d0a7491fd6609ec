/* tests/fuzz/fuzz_http1_head.c - request heads: one result for every split; what is accepted,
 * written anew in the plainest form, reads as the same. The first byte chooses limits, the second
 * the size of the pieces. */
#include "heads.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct result {
    enum wr_wire rc;
    struct wr_request_head head;
    struct wr_fault fault;
    struct wr_head_field fields[FIELDS_MAX];
};

/* Hand in prefixes of growing length; piece 0: everything at once. */
static void
read_in_pieces(struct result *r, const uint8_t *bytes, size_t len, size_t piece,
               const struct wr_head_limits *limits)
{
    struct wr_head_scan scan = { 0 };
    size_t have = piece == 0 || piece > len ? len : piece;

    for (;;) {
        char *in = exact_copy(bytes, have);
        memset(r, 0, sizeof(*r));
        r->head.fields = r->fields;
        r->rc = wr_http1_request_head(in, have, &scan, limits, &r->head, &r->fault);
        free(in);
        if (r->rc != WR_MORE || have == len) {
            return;
        }
        have = len - have < piece ? len : have + piece;
    }
}

static void
same_result(const struct result *a, const struct result *b)
{
    struct wr_request_head x = a->head;

    PROPERTY(a->rc == b->rc);
    PROPERTY(a->fault.status == b->fault.status && a->fault.reason == b->fault.reason);
    if (a->rc == WR_OK) {
        x.fields = b->head.fields;
        PROPERTY(memcmp(&x, &b->head, sizeof(x)) == 0);
        PROPERTY(memcmp(a->fields, b->fields, x.n_fields * sizeof(a->fields[0])) == 0);
    }
}

static void
written_anew_is_the_same(const char *in, const struct result *r, struct wr_head_limits limits)
{
    static char text[TEXT_MAX];
    struct wr_strbuf b = wr_strbuf_over(text, sizeof(text));
    struct result again;

    wr_strbuf_bytes(&b, in + r->head.method_at, r->head.method_len);
    wr_strbuf_lit(&b, " ");
    wr_strbuf_bytes(&b, in + r->head.target_at, r->head.target_len);
    wr_strbuf_print(&b, " HTTP/1.%u\r\n", r->head.version - 10);
    put_fields(&b, in, r->fields, r->head.n_fields);
    PROPERTY(!b.full);
    limits.line_max = limits.field_max = limits.head_max =
        TEXT_MAX; /* ": " may be longer than ":" */
    read_in_pieces(&again, (const uint8_t *)text, b.len, 0, &limits);
    PROPERTY(again.rc == WR_OK);
    PROPERTY(again.head.bytes == b.len);
    PROPERTY(again.head.method == r->head.method && again.head.version == r->head.version);
    PROPERTY(same_slice(in, r->head.method_at, r->head.method_len, text, again.head.method_at,
                        again.head.method_len));
    PROPERTY(same_slice(in, r->head.target_at, r->head.target_len, text, again.head.target_at,
                        again.head.target_len));
    same_fields(in, r->fields, r->head.n_fields, text, again.fields, again.head.n_fields);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct result whole;
    struct result pieces;

    if (len < 2 || len > TEXT_MAX / 2) {
        return 0;
    }
    struct wr_head_limits limits = limits_of(bytes[0]);
    size_t piece = bytes[1] % 32u + 1;

    bytes += 2;
    len -= 2;
    read_in_pieces(&whole, bytes, len, 0, &limits);
    read_in_pieces(&pieces, bytes, len, piece, &limits);
    same_result(&whole, &pieces);
    if (whole.rc == WR_OK) {
        PROPERTY(whole.head.bytes <= len && whole.head.bytes <= limits.head_max);
        PROPERTY(whole.head.n_fields <= limits.fields_max);
        clean_fields((const char *)bytes, whole.fields, whole.head.n_fields, whole.head.bytes);
        written_anew_is_the_same((const char *)bytes, &whole, limits);
    } else if (whole.rc == WR_MORE) {
        PROPERTY(len < limits.head_max);
    } else {
        PROPERTY(whole.fault.reason != NULL && whole.fault.status >= 400);
    }
    return 0;
}
