/* Every shorter piece of a header that is read wants more; a header that is refused stays refused; TLVs tile their place. */
#include <string.h>

#include "base/assert.h"
#include "net/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum wr_proxy_protocol_answer
parse(weir_str in, struct wr_proxy_protocol *h)
{
    return wr_proxy_protocol_parse(in, WR_PROXY_PROTOCOL_BYTES_MAX, h, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str in = { (const char *)data, size }, rest, value;
    struct wr_proxy_protocol whole, part;
    enum wr_proxy_protocol_answer answer = parse(in, &whole), earlier = WR_PROXY_PROTOCOL_MORE;
    size_t tiled = 0;
    uint8_t type;

    for (size_t n = 0; n < size && n < 256; n++) {
        enum wr_proxy_protocol_answer a = parse((weir_str){ in.data, n }, &part);

        WR_ASSERT(earlier == WR_PROXY_PROTOCOL_MORE || a == earlier);
        earlier = a;
    }
    WR_ASSERT(earlier == WR_PROXY_PROTOCOL_MORE || answer == earlier);
    if (answer != WR_PROXY_PROTOCOL_OK) {
        return 0;
    }
    WR_ASSERT(whole.bytes <= size && whole.bytes <= WR_PROXY_PROTOCOL_BYTES_MAX);
    WR_ASSERT(parse((weir_str){ in.data, whole.bytes - 1 }, &part) == WR_PROXY_PROTOCOL_MORE);
    WR_ASSERT(parse((weir_str){ in.data, whole.bytes }, &part) == WR_PROXY_PROTOCOL_OK);
    WR_ASSERT(whole.source.family == whole.destination.family);
    rest = whole.tlvs;
    while (wr_proxy_protocol_tlv_next(&rest, &type, &value)) {
        tiled += 3 + value.len;
    }
    WR_ASSERT(tiled == whole.tlvs.len && tiled <= whole.bytes);
    return 0;
}
