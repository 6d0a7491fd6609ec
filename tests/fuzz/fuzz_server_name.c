/* A name that is read from a hello lies within it, and clean once is clean for good. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tls/server_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str name = { NULL, 0 };
    char clean[WR_SERVER_NAME_MAX], again[WR_SERVER_NAME_MAX];
    size_t len;

    if (!wr_server_name_parse((weir_str){ (const char *)data, size }, &name)) {
        WR_ASSERT(name.data == NULL);
        return 0;
    }
    WR_ASSERT(name.len >= 1 && name.len <= WR_SERVER_NAME_MAX);
    WR_ASSERT(name.data >= (const char *)data && name.data + name.len == (const char *)data + size);
    WR_ASSERT(memchr(name.data, '\0', name.len) == NULL);
    len = wr_server_name_clean(name, clean);
    WR_ASSERT(len == 0 || len == name.len || len == name.len - 1);
    WR_ASSERT(len == 0 || (wr_server_name_clean((weir_str){ clean, len }, again) == len &&
                           memcmp(clean, again, len) == 0));
    return 0;
}
