/* http/coder.c - which states are kept, which stand in for one another, how many there may be. */
#include "http/coder.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "http/limits.h"

static struct {
    struct wr_coder *idle; /* the one given back last is first */
    uint32_t n_idle;
    uint32_t n_busy[2]; /* encoders, decoders */
    uint64_t busy_bytes[2];
    uint64_t busy_bytes_max;
} coders = { .busy_bytes_max = WR_LIMIT_CODERS_BYTES };

static const weir_coding_shape no_shape;

static bool
fits(const struct wr_coder *c, const weir_coding *coding, const weir_coding_shape *shape)
{
    return c->coding == coding && c->decodes == (shape == NULL) &&
           memcmp(&c->shape, shape != NULL ? shape : &no_shape, sizeof(no_shape)) == 0;
}

/* An idle one that fits, off the list. */
static struct wr_coder *
find_idle(const weir_coding *coding, const weir_coding_shape *shape)
{
    for (struct wr_coder **at = &coders.idle; *at != NULL; at = &(*at)->next) {
        struct wr_coder *c = *at;

        if (fits(c, coding, shape)) {
            *at = c->next;
            coders.n_idle--;
            return c;
        }
    }
    return NULL;
}

static void
destroy(struct wr_coder *c)
{
    if (c->decodes) {
        c->coding->decoder_close(c->state);
    } else {
        c->coding->encoder_close(c->state);
    }
    free(c);
}

static uint64_t
bytes_of(const weir_coding *coding, const weir_coding_shape *shape)
{
    return shape == NULL ? coding->decoder_bytes : coding->encoder_bytes(shape);
}

static struct wr_coder *
create(const weir_coding *coding, const weir_coding_shape *shape)
{
    struct wr_coder *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        return NULL;
    }
    c->coding = coding;
    c->decodes = shape == NULL;
    c->shape = shape != NULL ? *shape : no_shape;
    c->bytes = bytes_of(coding, shape);
    c->state = c->decodes ? coding->decoder_open() : coding->encoder_open(shape);
    if (c->state == NULL) {
        free(c);
        return NULL;
    }
    return c;
}

static bool
restart(struct wr_coder *c)
{
    bool (*fn)(void *) = c->decodes ? c->coding->decoder_restart : c->coding->encoder_restart;

    return fn != NULL && fn(c->state);
}

/* The one that has been idle longest makes room: what was asked for last is likely to be asked for again. */
static void
drop_oldest_idle(void)
{
    struct wr_coder **at = &coders.idle;

    while ((*at)->next != NULL) {
        at = &(*at)->next;
    }
    destroy(*at);
    *at = NULL;
    coders.n_idle--;
}

static void
take_back(struct wr_coder *c)
{
    coders.n_busy[c->decodes]--;
    coders.busy_bytes[c->decodes] -= c->bytes;
    if (c->bytes > WR_LIMIT_CODER_IDLE_BYTES || !restart(c)) {
        destroy(c);
        return;
    }
    if (coders.n_idle >= WR_LIMIT_CODERS_IDLE) {
        drop_oldest_idle();
    }
    c->next = coders.idle;
    coders.idle = c;
    coders.n_idle++;
}

static void
owner_ends(struct wr_owned *o)
{
    take_back(WR_CONTAINER(o, struct wr_coder, owned));
}

struct wr_coder *
wr_coder_take(weir_pool *owner, const weir_coding *coding, const weir_coding_shape *shape)
{
    bool decodes = shape == NULL;
    struct wr_coder *c;

    if (coders.n_busy[decodes] >= WR_LIMIT_CODERS_BUSY ||
        coders.busy_bytes[decodes] + bytes_of(coding, shape) > coders.busy_bytes_max) {
        return NULL;
    }
    c = find_idle(coding, shape);
    if (c == NULL) {
        c = create(coding, shape);
    }
    if (c != NULL) {
        coders.n_busy[decodes]++;
        coders.busy_bytes[decodes] += c->bytes;
        wr_pool_own(owner, &c->owned, owner_ends);
    }
    return c;
}

void
wr_coder_give(struct wr_coder *c)
{
    wr_pool_disown(&c->owned);
    take_back(c);
}

void
wr_coder_init(uint64_t bytes)
{
    coders.busy_bytes_max = bytes;
}

void
wr_coder_fini(void)
{
    while (coders.idle != NULL) {
        struct wr_coder *c = coders.idle;

        coders.idle = c->next;
        destroy(c);
    }
    coders.n_idle = 0;
}
