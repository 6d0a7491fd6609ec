/* net/listen.c - opening listening sockets, passing them from one generation or binary to the next,
 * closing them.
 *
 * A descriptor belongs to every generation that names it; the master closes it when the last one
 * has let it go. What can be set on a socket that listens already is set again at each take-over,
 * so that a reload changes backlog, buffers, keepalive.
 */
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/num.h"
#include "base/str.h"

enum { BACKLOG = 511, FDS_MAX = 1 << 20 };

static bool
refuse(struct wr_err *err, const struct wr_addr *addr, int error, const char *what)
{
    char text[WR_ADDR_TEXT];
    struct wr_strbuf b = wr_strbuf_over(text, sizeof(text));

    wr_addr_format(addr, false, &b);
    return wr_err_set(err, "%s %.*s failed (%d: %s)", what, (int)b.len, text, error,
                      strerror(error));
}

/* ---- Options. ---- */

/* Set an option whose failure is worth a line and no more. */
static void
set(int fd, const struct wr_addr *addr, int level, int name, int value, const char *what)
{
    if (setsockopt(fd, level, name, &value, sizeof(value)) != 0) {
        struct wr_err err;
        (void)refuse(&err, addr, errno, what);
        wr_say(wr_log_process(), WARN, "%s, ignored", err.text);
    }
}

static void
set_keepalive(int fd, const struct wr_addr *addr, const struct wr_listen_options *o)
{
    static const char what[] = "setsockopt(TCP_KEEP...) for";

    if (!o->keepalive_set) {
        return;
    }
    set(fd, addr, SOL_SOCKET, SO_KEEPALIVE, o->keepalive, "setsockopt(SO_KEEPALIVE) for");
    if (o->keep_idle > 0) {
        set(fd, addr, IPPROTO_TCP, TCP_KEEPIDLE, o->keep_idle, what);
    }
    if (o->keep_interval > 0) {
        set(fd, addr, IPPROTO_TCP, TCP_KEEPINTVL, o->keep_interval, what);
    }
    if (o->keep_count > 0) {
        set(fd, addr, IPPROTO_TCP, TCP_KEEPCNT, o->keep_count, what);
    }
}

/* What may be set before bind() and on a socket that listens: connections inherit it. */
static void
set_options(int fd, const struct wr_addr *addr, const struct wr_listen_options *o)
{
    if (o->rcvbuf > 0) {
        set(fd, addr, SOL_SOCKET, SO_RCVBUF, o->rcvbuf, "setsockopt(SO_RCVBUF) for");
    }
    if (o->sndbuf > 0) {
        set(fd, addr, SOL_SOCKET, SO_SNDBUF, o->sndbuf, "setsockopt(SO_SNDBUF) for");
    }
    if (addr->at.family != AF_UNIX) {
        set_keepalive(fd, addr, o);
        set(fd, addr, IPPROTO_TCP, TCP_NODELAY, 1, "setsockopt(TCP_NODELAY) for");
        if (o->fastopen > 0) {
            set(fd, addr, IPPROTO_TCP, TCP_FASTOPEN, o->fastopen, "setsockopt(TCP_FASTOPEN) for");
        }
    }
}

/* listen(), which may be repeated to change the backlog, and what needs a listening socket. 0 or
 * errno. */
static int
start_listening(int fd, const struct wr_addr *addr, const struct wr_listen_options *o)
{
    int deferred = 0;
    socklen_t len = sizeof(deferred);

    if (listen(fd, o->backlog != 0 ? o->backlog : BACKLOG) != 0) {
        return errno;
    }
    if (addr->at.family != AF_UNIX &&
        getsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &deferred, &len) == 0 &&
        (deferred != 0) != o->deferred) {
        set(fd, addr, IPPROTO_TCP, TCP_DEFER_ACCEPT, o->deferred,
            "setsockopt(TCP_DEFER_ACCEPT) for");
    }
    return 0;
}

/* ---- Unix sockets: files that outlive who made them. ---- */

/* Nobody answers at this file any more: its server died without removing it. */
static bool
unix_is_stale(const struct wr_addr *addr)
{
    struct stat st;
    bool stale;
    int fd;

    if (lstat(addr->at.un.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        return false;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    stale = connect(fd, &addr->at.any, addr->len) != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return stale;
}

static int
bind_unix(int fd, const struct wr_addr *addr, const struct wr_listen_options *o, bool tolerate)
{
    int rc = bind(fd, &addr->at.any, addr->len);

    if (rc != 0 && errno == EADDRINUSE && !tolerate && unix_is_stale(addr)) {
        (void)unlink(addr->at.un.sun_path);
        rc = bind(fd, &addr->at.any, addr->len);
    }
    if (rc == 0) {
        rc = chmod(addr->at.un.sun_path, o->unix_mode != 0 ? o->unix_mode : 0666);
    }
    return rc == 0 ? 0 : errno;
}

static void
remove_unix_file(const struct wr_addr *addr)
{
    if (addr->at.family == AF_UNIX && unlink(addr->at.un.sun_path) != 0 && errno != ENOENT) {
        wr_log_errno(wr_log_process(), WR_LOG_WARN, errno, "unlink() \"%s\" failed",
                     addr->at.un.sun_path);
    }
}

/* ---- Opening one. ---- */

static int
bind_socket(int fd, const struct wr_addr *addr, const struct wr_listen_options *o, bool tolerate)
{
    int on = 1, v6only = o->ipv6only;

    if (addr->at.family == AF_UNIX) {
        return bind_unix(fd, addr, o, tolerate);
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (o->reuseport && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) ||
        (addr->at.family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) != 0)) {
        return errno;
    }
    return bind(fd, &addr->at.any, addr->len) == 0 ? 0 : errno;
}

/* A new socket in *fd, or -1 there when the address is in use and that is fine. */
static bool
open_one(const struct wr_listen *l, bool tolerate_in_use, int *fd, struct wr_err *err)
{
    int sock = socket(l->addr.at.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const char *what = "bind() to";
    int error;

    if (sock < 0) {
        return refuse(err, &l->addr, errno, "socket() for");
    }
    set_options(sock, &l->addr, &l->options);
    error = bind_socket(sock, &l->addr, &l->options, tolerate_in_use);
    if (error == 0) {
        what = "listen() to";
        error = start_listening(sock, &l->addr, &l->options);
    }
    if (error == 0) {
        *fd = sock;
        return true;
    }
    (void)close(sock);
    *fd = -1;
    return (error == EADDRINUSE && tolerate_in_use) || refuse(err, &l->addr, error, what);
}

/* ---- Opening all. ---- */

static const struct wr_listen *
find(const struct wr_listen *list, const struct wr_addr *addr)
{
    while (list != NULL && !wr_addr_eq(&list->addr, addr)) {
        list = list->next;
    }
    return list;
}

static bool
holds(const struct wr_listen *list, int fd)
{
    for (; list != NULL; list = list->next) {
        for (uint32_t i = 0; i < list->n_fds; i++) {
            if (list->fds[i] == fd) {
                return true;
            }
        }
    }
    return false;
}

/* Take over what `from` has, as far as it is wanted. Answers how many. */
static uint32_t
take_over(struct wr_listen *l, const struct wr_listen *from, uint32_t wanted)
{
    uint32_t n = from != NULL ? WR_MIN(from->n_fds, wanted) : 0;

    for (uint32_t i = 0; i < n; i++) {
        l->fds[i] = from->fds[i];
        if (l->options.reuseport) {
            set(l->fds[i], &l->addr, SOL_SOCKET, SO_REUSEPORT, 1, "setsockopt(SO_REUSEPORT) for");
        }
        set_options(l->fds[i], &l->addr, &l->options);
        if (start_listening(l->fds[i], &l->addr, &l->options) != 0) {
            wr_log_errno(wr_log_process(), WR_LOG_ALERT, errno,
                         "listen() on a taken over socket failed");
        }
    }
    l->inherited = n != 0;
    return n;
}

static bool
open_entry(struct wr_listen *l, const struct wr_listen *have, uint32_t n_workers,
           bool tolerate_in_use, struct wr_err *err)
{
    uint32_t wanted = l->options.reuseport ? WR_MAX(n_workers, 1u) : 1;

    l->fds = calloc(wanted, sizeof(*l->fds));
    WR_ASSERT(l->fds != NULL);
    l->n_fds = take_over(l, find(have, &l->addr), wanted);
    while (l->n_fds < wanted) {
        int fd = -1;
        if (!open_one(l, tolerate_in_use, &fd, err)) {
            return false;
        }
        if (fd < 0) {
            break;
        }
        l->fds[l->n_fds++] = fd;
    }
    return true;
}

bool
wr_listen_open_all(struct wr_listen *want, const struct wr_listen *have, uint32_t n_workers,
                   bool tolerate_in_use, struct wr_err *err)
{
    for (struct wr_listen *l = want; l != NULL; l = l->next) {
        if (!open_entry(l, have, n_workers, tolerate_in_use, err)) {
            wr_listen_close_unused(want, have, true);
            return false;
        }
    }
    return true;
}

/* ---- Closing. ---- */

static void
forget_fds(struct wr_listen *l)
{
    free(l->fds);
    l->fds = NULL;
    l->n_fds = 0;
}

void
wr_listen_close_unused(struct wr_listen *have, const struct wr_listen *want, bool remove_unix_files)
{
    for (struct wr_listen *l = have; l != NULL; l = l->next) {
        bool kept = false;
        for (uint32_t i = 0; i < l->n_fds; i++) {
            if (holds(want, l->fds[i])) {
                kept = true;
            } else {
                (void)close(l->fds[i]);
            }
        }
        if (remove_unix_files && !kept && l->n_fds != 0) {
            remove_unix_file(&l->addr);
        }
        forget_fds(l);
    }
}

void
wr_listen_close_all(struct wr_listen *have, bool remove_unix_files)
{
    for (struct wr_listen *l = have; l != NULL; l = l->next) {
        for (uint32_t i = 0; i < l->n_fds; i++) {
            (void)close(l->fds[i]);
        }
        if (remove_unix_files && l->n_fds != 0) {
            remove_unix_file(&l->addr);
        }
        forget_fds(l);
    }
}

/* ---- To another binary. ---- */

void
wr_listen_export(const struct wr_listen *list, struct wr_strbuf *to)
{
    for (; list != NULL; list = list->next) {
        for (uint32_t i = 0; i < list->n_fds; i++) {
            wr_strbuf_num(to, (uint64_t)list->fds[i]);
            wr_strbuf_byte(to, ';');
        }
    }
}

/* Add fd to the entry of its address, or make one. */
static bool
import_one(struct wr_listen **list, weir_pool *pool, int fd, struct wr_err *err)
{
    struct wr_addr addr = { .len = sizeof(addr.at) };
    struct wr_listen *l;
    int *fds;

    memset(&addr.at, 0, sizeof(addr.at));
    if (getsockname(fd, &addr.at.any, &addr.len) != 0) {
        return wr_err_set(err, "getsockname() of the inherited socket #%d failed (%d: %s)", fd,
                          errno, strerror(errno));
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    for (l = *list; l != NULL && !wr_addr_eq(&l->addr, &addr); l = l->next) {
    }
    if (l == NULL) {
        l = wr_pool_zalloc(pool, sizeof(*l));
        l->addr = addr;
        l->next = *list;
        *list = l;
    }
    fds = realloc(l->fds, (l->n_fds + 1) * sizeof(*fds));
    WR_ASSERT(fds != NULL);
    fds[l->n_fds++] = fd;
    l->fds = fds;
    return true;
}

struct wr_listen *
wr_listen_import(weir_pool *pool, weir_str text, struct wr_err *err)
{
    struct wr_listen *list = NULL;

    while (text.len != 0) {
        size_t end = weir_str_find(text, ';');
        uint64_t fd = 0;
        if (end == text.len || !weir_parse_number(weir_str_cut(text, 0, end), FDS_MAX, &fd)) {
            (void)wr_err_set(err, "invalid socket number in \"%.*s\"", WEIR_FMT(text));
            wr_listen_close_all(list, false);
            return NULL;
        }
        if (!import_one(&list, pool, (int)fd, err)) {
            wr_listen_close_all(list, false);
            return NULL;
        }
        text = weir_str_cut(text, end + 1, text.len);
    }
    return list;
}
