/* c-ares: names looked up without blocking. */
#include <ares.h>
#include <stddef.h>

int
main(void)
{
    return ares_version(NULL) == NULL;
}
