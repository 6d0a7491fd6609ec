/* net/hosts.c - lines "ADDRESS NAME..." into a table. The file is the operator's: what is no line of
 * that form is passed over, as every reader of it does. */
#include "net/hosts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "base/str.h"
#include "net/resolve.h"

void
wr_hosts_init(struct wr_hosts *h, const char *path)
{
    *h = (struct wr_hosts){ .path = path };
    h->loopback[0].v4.sin_family = AF_INET;
    h->loopback[0].v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    h->loopback[1].v6.sin6_family = AF_INET6;
    h->loopback[1].v6.sin6_addr = in6addr_loopback;
}

void
wr_hosts_fini(struct wr_hosts *h)
{
    wr_pool_destroy(&h->pool);
    h->names = NULL;
    h->checked_ms = 0;
}

/* ---- Lines. ---- */

/* The next word of *line, which is moved behind it; empty at the end. */
static weir_str
take_word(weir_str *line)
{
    size_t from = 0, to;

    while (from < line->len && (line->data[from] == ' ' || line->data[from] == '\t' ||
                                line->data[from] == '\r')) {
        from++;
    }
    for (to = from; to < line->len && line->data[to] != ' ' && line->data[to] != '\t' &&
                    line->data[to] != '\r';) {
        to++;
    }
    weir_str word = weir_str_cut(*line, from, to - from);
    *line = weir_str_cut(*line, to, line->len);
    return word;
}

static bool
parse_address(weir_str word, union wr_peer_addr *addr)
{
    char text[INET6_ADDRSTRLEN];

    if (word.len == 0 || word.len >= sizeof(text)) {
        return false;
    }
    memcpy(text, word.data, word.len);
    text[word.len] = '\0';
    memset(addr, 0, sizeof(*addr));
    if (inet_pton(AF_INET, text, &addr->v4.sin_addr) == 1) {
        addr->family = AF_INET;
    } else if (inet_pton(AF_INET6, text, &addr->v6.sin6_addr) == 1) {
        addr->family = AF_INET6;
    }
    return addr->family != AF_UNSPEC;
}

static void
add(struct wr_hosts *h, weir_str name, const union wr_peer_addr *addr)
{
    char room[WR_RESOLVE_NAME];
    size_t len = wr_resolve_name(name, room);
    weir_str key = { room, len };
    struct wr_vec *addrs;

    if (len == 0) {
        return;
    }
    addrs = wr_map_find(h->names, key);
    if (addrs == NULL) {
        addrs = wr_pool_alloc(h->pool, sizeof(*addrs));
        wr_vec_init_of(addrs, h->pool, union wr_peer_addr);
        wr_map_add(h->names, weir_dup(h->pool, key), addrs);
    }
    if (addrs->count < WR_RESOLVE_ADDRS_MAX) {
        memcpy(wr_vec_add(addrs), addr, sizeof(*addr));
    }
}

static void
read_line(struct wr_hosts *h, weir_str line)
{
    union wr_peer_addr addr;
    weir_str word;

    line = weir_str_cut(line, 0, weir_str_find(line, '#'));
    if (!parse_address(take_word(&line), &addr)) {
        return;
    }
    while ((word = take_word(&line)).len != 0) {
        add(h, word, &addr);
    }
}

static void
read_file(struct wr_hosts *h)
{
    weir_str text;

    h->pool = wr_pool_create("hosts", NULL);
    h->names = wr_pool_alloc(h->pool, sizeof(*h->names));
    wr_map_init(h->names, h->pool, false);
    if (wr_file_read(AT_FDCWD, h->path, h->pool, WR_HOSTS_BYTES_MAX, &text) != 0) {
        return;
    }
    while (text.len != 0) {
        size_t end = weir_str_find(text, '\n');
        read_line(h, weir_str_cut(text, 0, end));
        text = weir_str_cut(text, end + 1, text.len);
    }
}

/* ---- Questions. ---- */

static bool
has_changed(const struct wr_hosts *h, const struct stat *now)
{
    return h->was.st_ino != now->st_ino || h->was.st_size != now->st_size ||
           h->was.st_mtim.tv_sec != now->st_mtim.tv_sec ||
           h->was.st_mtim.tv_nsec != now->st_mtim.tv_nsec;
}

static void
refresh(struct wr_hosts *h)
{
    struct stat now = { .st_size = -1 }; /* as it stays for a file that is not there */

    if (h->checked_ms != 0 && wr_clock.now_ms - h->checked_ms < WR_HOSTS_CHECK_MS) {
        return;
    }
    if (stat(h->path, &now) != 0) {
        now = (struct stat){ .st_size = -1 };
    }
    if (h->pool == NULL || has_changed(h, &now)) {
        wr_hosts_fini(h);
        read_file(h);
        h->was = now;
    }
    h->checked_ms = wr_clock.now_ms;
}

weir_items
wr_hosts_find(struct wr_hosts *h, weir_str name)
{
    const struct wr_vec *addrs;

    refresh(h);
    addrs = wr_map_find(h->names, name);
    if (addrs != NULL) {
        return wr_vec_items(addrs);
    }
    if (weir_str_eq(name, WEIR_STR("localhost")) || weir_str_ends(name, WEIR_STR(".localhost"))) {
        return (weir_items)WEIR_ITEMS(h->loopback);
    }
    return (weir_items){ NULL, 0, sizeof(union wr_peer_addr) };
}
