/* net/resolve_channel.c - c-ares in the event loop: its sockets watched, its timeouts a timer, its
 * results made answers.
 *
 * The library chooses ids and ports, sends to the servers in turn, repeats, follows truncated answers
 * over TCP, and drops what does not belong to a question. What it hands out is counted and checked
 * here before anything else sees it.
 */
#include <arpa/nameser.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/strbuf.h"
#include "net/resolve_answer.h"
#include "net/resolve_live.h"

enum {
    FIRST_MS = 2 * 1000, /* what a server may take at first; twice as long in each further round */
    ROUNDS = 4,          /* so all of them together take 30 seconds for one server */
    LOAD_FIRST_MS = 500, /* while a configuration is read, which does not wait as long */
    UDP_BYTES = 1232     /* an answer that passes every network in one piece */
};

static const char system_conf[] = "/etc/resolv.conf";

/* ---- Sockets and time. ---- */

struct sock {
    struct wr_io io;
    struct wr_list link;
    struct wr_resolve_live *live;
};

/* When the library wants to be called next. */
static void
plan(struct wr_resolve_live *live)
{
    struct timeval room, *left = ares_timeout(live->channel, NULL, &room);

    if (left == NULL) {
        wr_timer_clear(wr_loop_self(), &live->timer);
        return;
    }
    wr_timer_clear(wr_loop_self(), &live->timer);
    wr_timer_set(wr_loop_self(), &live->timer,
                 (uint64_t)left->tv_sec * 1000 + (uint64_t)left->tv_usec / 1000 + 1);
}

static void
time_over(struct wr_timer *t)
{
    struct wr_resolve_live *live = WR_CONTAINER(t, struct wr_resolve_live, timer);

    ares_process_fd(live->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    plan(live);
}

static void
sock_ready(struct wr_io *io, uint32_t events)
{
    struct wr_resolve_live *live = WR_CONTAINER(io, struct sock, io)->live;
    uint32_t ended = events & (uint32_t)(EPOLLERR | EPOLLHUP | EPOLLRDHUP);
    ares_socket_t fd = io->fd;

    ares_process_fd(live->channel, (events & EPOLLIN) != 0 || ended != 0 ? fd : ARES_SOCKET_BAD,
                    (events & EPOLLOUT) != 0 || ended != 0 ? fd : ARES_SOCKET_BAD);
    plan(live); /* io may be gone */
}

static struct sock *
sock_find(struct wr_resolve_live *live, int fd)
{
    WR_LIST_EACH (at, &live->sockets) {
        struct sock *s = WR_CONTAINER(at, struct sock, link);
        if (s->io.fd == fd) {
            return s;
        }
    }
    return NULL;
}

static void
sock_drop(struct sock *s)
{
    wr_loop_remove(wr_loop_self(), &s->io);
    wr_list_remove(&s->link);
    free(s);
}

static void
sock_watch(struct wr_resolve_live *live, struct sock *s, int fd, uint32_t events)
{
    int rc;

    if (s == NULL) {
        s = calloc(1, sizeof(*s));
        WR_ASSERT(s != NULL);
        s->io = (struct wr_io){ .fd = fd, .ready = sock_ready };
        s->live = live;
        wr_list_add(&live->sockets, &s->link);
        rc = wr_loop_add(wr_loop_self(), &s->io, events);
    } else {
        rc = wr_loop_change(wr_loop_self(), &s->io, events);
    }
    if (rc != 0) { /* the question runs into its time */
        wr_log_errno(wr_log_process(), WR_LOG_ALERT, -rc, "a resolver's socket cannot be watched");
        sock_drop(s);
    }
}

/* Called by the library. fd is closed right after it is neither to be read nor written. */
static void
sock_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct wr_resolve_live *live = data;
    struct sock *s = sock_find(live, fd);

    if (readable != 0 || writable != 0) {
        sock_watch(live, s, fd, (readable != 0 ? (uint32_t)EPOLLIN : 0) |
                                    (writable != 0 ? (uint32_t)EPOLLOUT : 0));
    } else if (s != NULL) {
        sock_drop(s);
    }
}

/* ---- The channel. ---- */

bool
wr_resolve_speaks_v6(void)
{
    struct ifaddrs *all;
    bool found = false;

    if (getifaddrs(&all) != 0) {
        return true;
    }
    for (const struct ifaddrs *at = all; at != NULL && !found; at = at->ifa_next) {
        found = at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_INET6 &&
                (at->ifa_flags & IFF_LOOPBACK) == 0;
    }
    freeifaddrs(all);
    return found;
}

/* The servers as the library reads them: "192.0.2.1:53,[2001:db8::1]:53". */
static bool
set_servers(const struct wr_resolver *r, ares_channel channel)
{
    char room[WR_RESOLVE_SERVERS_MAX * WR_ADDR_TEXT];
    struct wr_strbuf text = wr_strbuf_over(room, sizeof(room) - 1);

    if (r->servers.count == 0) {
        return true;
    }
    WR_VEC_EACH (struct wr_addr, at, &r->servers) {
        if (text.len != 0) {
            wr_strbuf_byte(&text, ',');
        }
        wr_addr_format(at, false, &text);
    }
    room[text.len] = '\0';
    return !text.full && ares_set_servers_ports_csv(channel, room) == ARES_SUCCESS;
}

bool
wr_resolve_channel_init(ares_channel *channel, struct wr_resolve_live *live)
{
    char no_hosts[] = "b"; /* the file of hosts is read by net/hosts */
    char *no_domains[1] = { NULL };
    struct ares_options o = { .flags = ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
                              .timeout = FIRST_MS,
                              .tries = ROUNDS,
                              .ednspsz = UDP_BYTES,
                              .lookups = no_hosts,
                              .domains = no_domains,
                              .sock_state_cb = sock_state,
                              .sock_state_cb_data = live };
    int wanted = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS;
    int status;

    if (live != NULL) {
        wanted |= ARES_OPT_SOCK_STATE_CB;
    } else {
        wanted |= ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
        o.timeout = LOAD_FIRST_MS;
    }
    if (live != NULL && live->of->servers.count != 0) { /* whole names there, as in nginx */
        wanted |= ARES_OPT_DOMAINS | ARES_OPT_ROTATE | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;
    }
    status = ares_library_init(ARES_LIB_INIT_ALL);
    status = status == ARES_SUCCESS ? ares_init_options(channel, &o, wanted) : status;
    if (status == ARES_SUCCESS && live != NULL && !set_servers(live->of, *channel)) {
        ares_destroy(*channel);
        status = ARES_ENOMEM;
    }
    if (status != ARES_SUCCESS) {
        wr_say(wr_log_process(), ERROR, "no resolver: %s", ares_strerror(status));
    }
    return status == ARES_SUCCESS;
}

static bool
open_channel(struct wr_resolver *r)
{
    struct wr_resolve_live *live = r->live;

    if (!wr_resolve_channel_init(&live->channel, live)) {
        live->channel = NULL;
        return false;
    }
    live->timer.fire = time_over;
    live->v4 = r->ipv4;
    live->v6 = r->ipv6 && (r->servers.count != 0 || wr_resolve_speaks_v6());
    return true;
}

bool
wr_resolve_channel_open(struct wr_resolver *r)
{
    struct wr_resolve_live *live = r->live;
    struct stat now;

    if (r->servers.count == 0 && stat(system_conf, &now) == 0) {
        bool changed = now.st_ino != live->conf.st_ino || now.st_size != live->conf.st_size ||
                       now.st_mtim.tv_sec != live->conf.st_mtim.tv_sec ||
                       now.st_mtim.tv_nsec != live->conf.st_mtim.tv_nsec;
        if (changed && live->asking == 1) { /* only the one for which we are called */
            wr_resolve_channel_close(live);
        }
        live->conf = live->channel == NULL ? now : live->conf;
    }
    return live->channel != NULL || open_channel(r);
}

void
wr_resolve_channel_close(struct wr_resolve_live *live)
{
    if (live->channel == NULL) {
        return;
    }
    ares_destroy(live->channel);
    live->channel = NULL;
    wr_timer_clear(wr_loop_self(), &live->timer);
    while (!wr_list_empty(&live->sockets)) {
        sock_drop(WR_CONTAINER(live->sockets.next, struct sock, link));
    }
    ares_library_cleanup();
}

/* ---- Questions. ---- */

static void
got_addresses(void *data, int status, int timeouts, struct ares_addrinfo *found)
{
    struct wr_resolve_entry *e = data;

    (void)timeouts;
    e->recalled = status == ARES_ECANCELLED && e->resolver->live->recalling;
    if (e->recalled) {
        return;
    }
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) {
        wr_resolve_fail(e, WR_RESOLVE_SERVER);
    } else if (status != ARES_SUCCESS || found == NULL) {
        wr_resolve_fail(e, wr_resolve_code_of(status));
    } else {
        wr_resolve_complete(e, wr_resolve_answer_of(found));
    }
    if (found != NULL) {
        ares_freeaddrinfo(found);
    }
}

static void
got_records(void *data, int status, int timeouts, unsigned char *bytes, int len)
{
    struct wr_resolve_entry *e = data;

    (void)timeouts;
    e->recalled = status == ARES_ECANCELLED && e->resolver->live->recalling;
    if (e->recalled) {
        return;
    }
    if (status != ARES_SUCCESS || bytes == NULL || len < 0) {
        wr_resolve_fail(e, wr_resolve_code_of(status));
    } else {
        wr_resolve_srv_answered(e, bytes, (size_t)len);
    }
}

void
wr_resolve_channel_ask(struct wr_resolve_entry *e)
{
    struct wr_resolve_live *live = e->resolver->live;
    struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC };

    if (e->kind == WR_RESOLVE_SRV) {
        ares_query(live->channel, e->name, ns_c_in, ns_t_srv, got_records, e);
    } else {
        hints.ai_family = live->v4 && live->v6 ? AF_UNSPEC : live->v6 ? AF_INET6 : AF_INET;
        ares_getaddrinfo(live->channel, e->name, NULL, &hints, got_addresses, e);
    }
    plan(live);
}

void
wr_resolve_channel_recall(struct wr_resolve_live *live)
{
    live->recalling = true;
    ares_cancel(live->channel);
    live->recalling = false;
}
