/* What is read of a name server's message beside the library: no read past its end, and no time that
 * no record can hold. The library's parsing goes with it, so that what we take from its lists is
 * what any bytes can make of them. */
#include <arpa/nameser.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "net/resolve_answer.h"
#include "net/resolve_live.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ares_srv_reply *list = NULL;
    char room[WR_RESOLVE_NAME];
    uint64_t ttl_ms = wr_resolve_answer_ttl(data, size);
    weir_str text = { (const char *)data, size };
    size_t len;

    WR_ASSERT(ttl_ms <= (uint64_t)INT32_MAX * 1000 && ttl_ms % 1000 == 0);
    if (size <= UINT16_MAX && ares_parse_srv_reply(data, (int)size, &list) == ARES_SUCCESS) {
        for (const struct ares_srv_reply *at = list; at != NULL; at = at->next) {
            len = wr_resolve_name(weir_str_c(at->host), room);
            WR_ASSERT(len < sizeof(room));
        }
        ares_free_data(list);
    }
    len = wr_resolve_name(text, room);
    WR_ASSERT(len == 0 || (len < sizeof(room) && room[len] == '\0' && len <= size));
    return 0;
}
