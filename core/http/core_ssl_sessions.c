/* http/core_ssl_sessions.c - sessions that all workers share, in a zone: a map of small values, which a session fills several of.
 *
 * A session's pieces are stored under its id and the number of the piece, each with a mark that is drawn for this session; one
 * that was pushed out, or is of another session, makes the whole one missing, and the handshake a full one.
 */
#include <string.h>
#include <weir/shm.h>

#include "base/assert.h"
#include "base/pool.h"
#include "http/core_ssl.h"
#include "tls/session.h"

enum {
    PIECE = 224,
    PIECES_MAX = (WR_TLS_SESSION_BYTES_MAX + PIECE - 1) / PIECE,
    ID_MAX = 32
};

struct piece {
    uint64_t mark;
    uint32_t total; /* bytes of the session */
    uint32_t len;   /* of them here */
    uint8_t bytes[PIECE];
};

/* A key: the id, and which piece. */
struct key {
    char text[ID_MAX + 1];
};

static weir_str
key_of(struct key *k, weir_str id, uint32_t i)
{
    memcpy(k->text, id.data, id.len);
    k->text[id.len] = (char)i;
    return (weir_str){ k->text, id.len + 1 };
}

static void
put(void *data, weir_str id, weir_str session, uint64_t seconds)
{
    struct piece p;
    struct key k;

    if (id.len > ID_MAX || session.len > (size_t)PIECE * PIECES_MAX) {
        return;
    }
    memset(&p, 0, sizeof(p));
    weir_random(&p.mark, sizeof(p.mark));
    p.total = (uint32_t)session.len;
    for (uint32_t i = 0; session.len != 0; i++) {
        p.len = (uint32_t)WR_MIN(session.len, (size_t)PIECE);
        memcpy(p.bytes, session.data, p.len);
        (void)weir_map_put(data, key_of(&k, id, i), &p, seconds * 1000);
        session.data += p.len;
        session.len -= p.len;
    }
}

static size_t
get(void *data, weir_str id, void *to, size_t room)
{
    struct piece p;
    struct key k;
    uint64_t mark = 0;
    size_t got = 0, total = 1;

    if (id.len > ID_MAX) {
        return 0;
    }
    for (uint32_t i = 0; got < total; i++) {
        if (weir_map_get(data, key_of(&k, id, i), &p) != WEIR_OK || p.total > room ||
            p.len > PIECE || p.len == 0 || p.len > p.total - got ||
            (i != 0 && (p.mark != mark || p.total != total))) {
            return 0;
        }
        mark = p.mark;
        total = p.total;
        memcpy((char *)to + got, p.bytes, p.len);
        got += p.len;
    }
    return got;
}

static void
take_away(void *data, weir_str id)
{
    struct key k;

    if (id.len <= ID_MAX) {
        (void)weir_map_remove(data, key_of(&k, id, 0)); /* without its beginning it is none */
    }
}

const struct wr_tls_sessions *
wr_ssl_sessions_claim(weir_conf *cf, weir_zone *zone)
{
    weir_map *map = weir_map_claim(cf, zone, "tls.sessions/1", sizeof(struct piece));
    struct wr_tls_sessions *s;

    if (map == NULL) {
        return NULL;
    }
    s = weir_alloc(weir_conf_pool(cf), sizeof(*s));
    *s = (struct wr_tls_sessions){ map, put, get, take_away };
    return s;
}
