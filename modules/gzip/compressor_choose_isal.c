/* compressor_choose_isal.c - ISA-L serves what it can: a build with ISA-L.
 *
 * It is several times faster than zlib. Levels 7 to 9 ask for the smallest result, which is zlib's;
 * and a window or a search table that someone has set is zlib's too, as ISA-L's are fixed.
 */
#include "compressor_kind.h"

enum {
    LEVEL_MOST = 6,
    WINDOW_BITS = 15, /* gzip_window 32k */
    MEMORY_LEVEL = 8  /* gzip_hash 64k */
};

const struct compressor_kind *
compressor_choose(const weir_coding_shape *shape)
{
    if (shape->level <= LEVEL_MOST && shape->window_bits == WINDOW_BITS &&
        shape->memory == MEMORY_LEVEL) {
        return &compressor_isal;
    }
    return &compressor_zlib;
}
