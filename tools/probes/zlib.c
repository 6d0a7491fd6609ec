/* zlib: checksums and the fallback compressor. */
#include <zlib.h>

int
main(void)
{
    return zlibVersion()[0] != '1';
}
