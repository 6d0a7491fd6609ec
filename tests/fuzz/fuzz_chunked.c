/* tests/fuzz/fuzz_chunked.c - chunked bodies: one result for every split, nothing read past the
 * input, what is decoded is shorter than what came and, encoded anew, decodes to itself. The first
 * byte is the size of the pieces. */
#include "heads.h"

#include "wire/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct result {
    enum wr_wire rc; /* WR_OK: the end was reached */
    size_t used;
    size_t len;
    char data[TEXT_MAX];
};

static void
decode_in_pieces(struct result *r, const uint8_t *bytes, size_t len, size_t piece)
{
    struct wr_chunked c = { 0 };
    struct wr_fault fault;

    r->rc = WR_MORE;
    r->used = r->len = 0;
    for (size_t from = 0; from < len && r->rc == WR_MORE; from += piece) {
        size_t n = len - from < piece ? len - from : piece;
        char *in = exact_copy(bytes + from, n);
        size_t at = 0;
        while (r->rc == WR_MORE && at < n) {
            size_t used;
            weir_str data;
            r->rc = wr_chunked_decode(&c, in + at, n - at, &used, &data, &fault);
            if (r->rc == WR_BAD) {
                break;
            }
            PROPERTY(used <= n - at && data.data >= in + at);
            PROPERTY(data.data + data.len <= in + at + used);
            PROPERTY(r->rc == WR_OK || (data.len == 0 && used == n - at));
            memcpy(r->data + r->len, data.data, data.len);
            r->len += data.len;
            r->used += used;
            at += used;
            if (data.len != 0) {
                r->rc = WR_MORE;
            }
        }
        free(in);
    }
}

static void
encoded_anew_is_the_same(const struct result *r)
{
    static char text[2 * TEXT_MAX];
    static struct result again;
    struct wr_strbuf b = wr_strbuf_over(text, sizeof(text));

    for (size_t at = 0; at < r->len; at += 100) {
        size_t n = r->len - at < 100 ? r->len - at : 100;
        wr_strbuf_print(&b, "%zx\r\n", n);
        wr_strbuf_bytes(&b, r->data + at, n);
        wr_strbuf_lit(&b, "\r\n");
    }
    wr_strbuf_lit(&b, "0\r\n");
    PROPERTY(!b.full);
    decode_in_pieces(&again, (const uint8_t *)text, b.len, b.len);
    PROPERTY(again.rc == WR_OK && again.used == b.len && again.len == r->len);
    PROPERTY(memcmp(again.data, r->data, r->len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct result whole;
    static struct result pieces;

    if (len < 2 || len > TEXT_MAX) {
        return 0;
    }
    size_t piece = bytes[0] % 64u + 1;

    bytes++;
    len--;
    decode_in_pieces(&whole, bytes, len, len);
    decode_in_pieces(&pieces, bytes, len, piece);
    PROPERTY(whole.rc == pieces.rc);
    if (whole.rc != WR_BAD) {
        PROPERTY(whole.used == pieces.used && whole.len == pieces.len);
        PROPERTY(memcmp(whole.data, pieces.data, whole.len) == 0);
        PROPERTY(whole.len <= whole.used && whole.used <= len);
    }
    if (whole.rc == WR_OK) {
        encoded_anew_is_the_same(&whole);
    }
    return 0;
}
