/* http1/input.c - the worker's receive area, and what a connection takes along when it has to wait. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "http1/http1.h"

/* The receive area of this worker, and the unread bytes of the connection that is being served in it. */
static char area[WR_HTTP1_AREA];
struct wr_http1_input wr_http1_input;

enum { READS_A_TURN = 16 }; /* of one connection, however fast the client sends: others have their turn */
static unsigned reads_left;

ssize_t
wr_http1_read(struct wr_http1 *h, size_t most)
{
    struct wr_http1_input *in = &wr_http1_input;
    size_t room;
    ssize_t n;

    if (in->len == 0) {
        in->at = area;
    } else if (in->at != area) {
        memmove(area, in->at, in->len);
        in->at = area;
    }
    room = WR_MIN((size_t)WR_HTTP1_AREA - in->len, most);
    if (room == 0) {
        return -EAGAIN;
    }
    if (reads_left == 0) { /* no edge will tell that there is more */
        wr_http1_touch(h);
        return -EAGAIN;
    }
    reads_left--;
    n = wr_conn_recv(&h->conn, in->at + in->len, room);
    in->len += n > 0 ? (size_t)n : 0;
    return n;
}

void
wr_http1_input_begin(struct wr_http1 *h)
{
    reads_left = READS_A_TURN;
    wr_http1_input.at = area;
    wr_http1_input.len = h->held_len;
    if (h->held != NULL) {
        memcpy(area, h->held, h->held_len);
        free(h->held);
        h->held = NULL;
        h->held_len = 0;
    }
}

void
wr_http1_input_end(struct wr_http1 *h)
{
    struct wr_http1_input *in = &wr_http1_input;

    if (in->len != 0 && !h->conn.closed && h->state != WR_HTTP1_LINGER) {
        h->held = malloc(in->len);
        WR_ASSERT(h->held != NULL);
        memcpy(h->held, in->at, in->len);
        h->held_len = (uint32_t)in->len;
    }
    in->len = 0;
}
