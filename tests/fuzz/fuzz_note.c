/* Any bytes may be given to the checks of a module file; what they answer holds, and nothing is read past the end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weir/module.h>

#include "module/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct wr_note_info info = { 0 };
    struct wr_err err = { "" };
    uint8_t *copy = malloc(len + (len == 0)); /* aligned, and its end is watched */

    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, len);
    if (wr_note_check_bytes(copy, len, &info, &err)) {
        if (info.abi_major != WEIR_ABI_MAJOR || err.text[0] != '\0' ||
            strnlen(info.odd_names, sizeof(info.odd_names)) == sizeof(info.odd_names)) {
            abort();
        }
    } else if (err.text[0] == '\0' || info.imports != 0) {
        abort();
    }
    free(copy);
    return 0;
}
