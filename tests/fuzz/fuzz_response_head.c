/* tests/fuzz/fuzz_response_head.c - an origin's heads: one result for every split, written anew
 * they read as the same, what is refused is a 502. The first byte chooses limits, the second the
 * size of the pieces. */
#define HEAD      struct wr_response_head
#define READ_HEAD wr_http1_response_head
#include "head_pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
written_anew_is_the_same(const char *in, const struct result *r, struct wr_head_limits limits)
{
    static char text[TEXT_MAX];
    struct wr_strbuf b = wr_strbuf_over(text, sizeof(text));
    struct result again;

    wr_strbuf_print(&b, "HTTP/1.%u %u ", r->head.version - 10, r->head.status);
    wr_strbuf_bytes(&b, in + r->head.reason_at, r->head.reason_len);
    wr_strbuf_lit(&b, "\r\n");
    put_fields(&b, in, r->fields, r->head.n_fields);
    read_anew(&again, &b, limits);
    PROPERTY(again.head.status == r->head.status && again.head.version == r->head.version);
    PROPERTY(same_slice(in, r->head.reason_at, r->head.reason_len, text, again.head.reason_at,
                        again.head.reason_len));
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
        PROPERTY(whole.head.status >= 100 && whole.head.status <= 599);
        clean_fields((const char *)bytes, whole.fields, whole.head.n_fields, whole.head.bytes);
        written_anew_is_the_same((const char *)bytes, &whole, limits);
    } else if (whole.rc == WR_BAD) {
        PROPERTY(whole.fault.reason != NULL && whole.fault.status == 502);
    }
    return 0;
}
