/* net/hosts.h - /etc/hosts as a table, read again when the file has changed. */
#ifndef WR_NET_HOSTS_H
#define WR_NET_HOSTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <weir/base.h>

#include "base/pool.h"
#include "net/addr.h"

enum {
    WR_HOSTS_BYTES_MAX = 4 << 20, /* a larger file is not read */
    WR_HOSTS_CHECK_MS = 5 * 1000  /* it is not looked at more often */
};

struct wr_hosts {
    const char *path;
    struct weir_pool *pool;  /* of the table; NULL: not read yet, or the file is not there */
    struct wr_map *names;    /* struct wr_vec of union wr_peer_addr by name in lower case */
    struct stat was;         /* the file as it was read */
    uint64_t checked_ms;     /* 0: never */
    union wr_peer_addr loopback[2];
};

/* An empty one; nothing is read before the first question. path must live as long. */
void wr_hosts_init(struct wr_hosts *h, const char *path);
void wr_hosts_fini(struct wr_hosts *h);

/* The addresses of name (in lower case, no dot at its end), with port 0, in the order of the file:
 * union wr_peer_addr, good until the next question. An unknown "localhost" and names below it are
 * the loopback's. [RFC 6761 6.3] Empty: it has none. */
weir_items wr_hosts_find(struct wr_hosts *h, weir_str name);

#endif
