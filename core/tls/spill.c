/* tls/spill.c - a client that does not speak TLS after all: what was read of it is read again, plainly, and then the descriptor.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tls/stream.h"

struct spill {
    size_t at, len;
    uint8_t bytes[];
};

static ssize_t
spill_recv(struct wr_conn *c, void *to, size_t room)
{
    struct spill *spill = c->transport_state;
    size_t n = WR_MIN(room, spill->len - spill->at);

    memcpy(to, spill->bytes + spill->at, n);
    spill->at += n;
    c->can_read = true; /* the descriptor has not been asked since */
    if (spill->at == spill->len) {
        c->transport = &wr_transport_plain;
        c->transport_state = NULL;
        free(spill);
    }
    return (ssize_t)n;
}

static ssize_t
spill_send(struct wr_conn *c, const struct iovec *pieces, int n, bool more)
{
    return wr_transport_plain.send(c, pieces, n, more);
}

static void
spill_end(struct wr_conn *c)
{
    free(c->transport_state);
}

static const struct wr_transport spill_transport = {
    .name = "plain", .recv = spill_recv, .send = spill_send, .end = spill_end
};

void
wr_tls_stream_spill(struct wr_tls_stream *s)
{
    struct wr_conn *c = s->conn;
    struct spill *spill = malloc(sizeof(*spill) + s->held_len);

    WR_ASSERT(spill != NULL && s->held_len != 0);
    spill->at = 0;
    spill->len = s->held_len;
    memcpy(spill->bytes, s->held, s->held_len);
    wr_tls_stream_end(s);
    c->transport = &spill_transport;
    c->transport_state = spill;
}
