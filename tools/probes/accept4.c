/* accept4: known to the running kernel (a bad descriptor is refused, but not as an unknown call). */
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

int
main(void)
{
    return accept4(-1, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) != -1 || errno == ENOSYS;
}
