/* tests/fuzz/fuzz_http1_head.c - request heads: one result for every split; what is accepted,
 * written anew in the plainest form, reads as the same. The first byte chooses limits, the second
 * the size of the pieces. */
#define HEAD      struct wr_request_head
#define READ_HEAD wr_http1_request_head
#include "head_pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

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
    read_anew(&again, &b, limits);
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
