/* C17 with the GNU library: what every file of weir takes for granted. */
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/epoll.h>

_Static_assert(sizeof(void *) == 8, "weir wants a 64-bit system");

int
main(void)
{
    size_t sum;

    if (__builtin_add_overflow((size_t)1, (size_t)2, &sum)) {
        return 1;
    }
    return sum == 3 ? 0 : 1;
}
