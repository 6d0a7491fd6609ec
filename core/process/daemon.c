/* process/daemon.c - fork, setsid, and a parent that waits for good news. */
#include "process/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
wr_daemon_fill_standard(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        (void)close(fd);
    }
}

_Noreturn static void
wait_for_child(int from)
{
    char good;
    ssize_t n;

    do {
        n = read(from, &good, 1);
    } while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
}

bool
wr_daemon_leave(int *ready, struct wr_err *err)
{
    int ends[2], null;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return wr_err_set(err, "pipe() failed (%d: %s)", errno, strerror(errno));
    }
    pid = fork();
    if (pid < 0) {
        return wr_err_set(err, "fork() failed (%d: %s)", errno, strerror(errno));
    }
    if (pid > 0) {
        (void)close(ends[1]);
        wait_for_child(ends[0]);
    }
    (void)close(ends[0]);
    (void)setsid();
    (void)umask(0);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
        (void)close(null);
    }
    *ready = ends[1];
    return true;
}

void
wr_daemon_ready(int *ready)
{
    if (*ready >= 0) {
        (void)!write(*ready, "", 1);
        (void)close(*ready);
        *ready = -1;
    }
}
