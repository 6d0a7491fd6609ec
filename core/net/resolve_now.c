/* net/resolve_now.c - a channel of its own, driven by poll() until all is answered or time is over. */
#include "net/resolve_now.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "net/resolve_answer.h"
#include "net/resolve_live.h"

enum { CHUNK = 256 }; /* questions under way at a time */

struct batch {
    struct wr_resolve_now *names;
    size_t n;
    size_t next; /* not asked yet */
    size_t open; /* asked, and not answered */
    uint64_t limit_ms;
    ares_channel channel;
    struct wr_hosts hosts;
};

struct asked {
    struct batch *batch;
    struct wr_resolve_now *name;
};

static void
got(void *data, int status, int timeouts, struct ares_addrinfo *found)
{
    struct asked *q = data;

    (void)timeouts;
    q->batch->open--;
    if (status == ARES_SUCCESS && found != NULL) {
        q->name->answer = wr_resolve_answer_of(found);
    } else if (status != ARES_EDESTRUCTION) {
        q->name->answer = wr_resolved_create(wr_resolve_code_of(status), 0);
    }
    if (found != NULL) {
        ares_freeaddrinfo(found);
    }
    free(q);
}

static bool
from_hosts(struct batch *b, struct wr_resolve_now *n, weir_str key)
{
    weir_items found = wr_hosts_find(&b->hosts, key);
    const union wr_peer_addr *addrs = found.at;

    if (found.count == 0) {
        return false;
    }
    n->answer = wr_resolved_create(WR_RESOLVE_FOUND, found.count);
    for (uint32_t i = 0; i < found.count; i++) {
        n->answer->at[n->answer->count++].addr = addrs[i];
    }
    return true;
}

static void
ask(struct batch *b, struct wr_resolve_now *n)
{
    struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT,
                                         .ai_family = wr_resolve_speaks_v6() ? AF_UNSPEC : AF_INET };
    char key[WR_RESOLVE_NAME];
    size_t len = wr_resolve_name(n->name, key);
    struct asked *q;

    n->answer = NULL;
    n->refused = len == 0;
    if (len == 0 || from_hosts(b, n, (weir_str){ key, len }) || b->channel == NULL) {
        return;
    }
    q = calloc(1, sizeof(*q));
    WR_ASSERT(q != NULL);
    *q = (struct asked){ b, n };
    b->open++;
    ares_getaddrinfo(b->channel, key, NULL, &hints, got, q);
}

/* Wait for the library's sockets, and let it read. */
static void
wait_once(struct batch *b, uint64_t left_ms)
{
    ares_socket_t socks[ARES_GETSOCK_MAXNUM];
    struct pollfd polls[ARES_GETSOCK_MAXNUM];
    struct timeval room, max = { (time_t)(left_ms / 1000), (suseconds_t)(left_ms % 1000 * 1000) };
    const struct timeval *tv = ares_timeout(b->channel, &max, &room);
    int bits = ares_getsock(b->channel, socks, ARES_GETSOCK_MAXNUM), n = 0;

    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        short events = (short)((ARES_GETSOCK_READABLE(bits, i) ? POLLIN : 0) |
                               (ARES_GETSOCK_WRITABLE(bits, i) ? POLLOUT : 0));
        if (events != 0) {
            polls[n++] = (struct pollfd){ .fd = socks[i], .events = events };
        }
    }
    if (poll(polls, (nfds_t)n, (int)(tv->tv_sec * 1000 + tv->tv_usec / 1000 + 1)) <= 0) {
        n = 0;
    }
    for (int i = 0; i < n; i++) {
        if (polls[i].revents != 0) {
            ares_process_fd(b->channel, polls[i].fd,
                            (polls[i].events & POLLOUT) != 0 ? polls[i].fd : ARES_SOCKET_BAD);
        }
    }
    ares_process_fd(b->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what timed out */
}

void
wr_resolve_now(struct wr_resolve_now *names, size_t n, uint64_t at_most_ms)
{
    struct batch b = { .names = names, .n = n };

    wr_clock_update();
    b.limit_ms = wr_clock.now_ms + at_most_ms;
    wr_hosts_init(&b.hosts, "/etc/hosts");
    if (!wr_resolve_channel_init(&b.channel, NULL)) {
        b.channel = NULL;
    }
    while (b.next < n || b.open != 0) {
        while (b.next < n && b.open < CHUNK) {
            ask(&b, &names[b.next++]);
        }
        wr_clock_update();
        if (wr_clock.now_ms >= b.limit_ms) {
            break;
        }
        if (b.open != 0) {
            wait_once(&b, b.limit_ms - wr_clock.now_ms);
        }
    }
    if (b.channel != NULL) {
        ares_destroy(b.channel);
        ares_library_cleanup();
    }
    wr_hosts_fini(&b.hosts);
}

void
wr_resolve_now_end(struct wr_resolve_now *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        wr_resolved_unref(&names[i].answer);
    }
}
