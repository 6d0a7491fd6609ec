/* nghttp2: HTTP/2 framing and HPACK. */
#include <nghttp2/nghttp2.h>

int
main(void)
{
    return nghttp2_version(0) == NULL;
}
