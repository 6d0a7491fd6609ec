/* upstream/side.h - bytes on their way through a stream in one direction: a heap buffer that is
 * taken from the front. */
#ifndef WR_UPSTREAM_SIDE_H
#define WR_UPSTREAM_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is an empty one. */
struct wr_side {
    uint8_t *data;
    size_t at;   /* first byte */
    size_t len;  /* bytes from there */
    size_t room; /* bytes at data */
};

/* Have room for at least `need` more bytes behind those held, of which there are then at most max.
 * False: that is too many. */
bool wr_side_reserve(struct wr_side *s, size_t need, size_t max);

/* Where the next byte goes, and how many fit. */
static inline uint8_t *
wr_side_tail(const struct wr_side *s, size_t *room)
{
    *room = s->room - s->at - s->len;
    return s->data + s->at + s->len;
}

/* The first n bytes, n <= len, are done with. An empty side holds no large memory. */
void wr_side_consume(struct wr_side *s, size_t n);

/* Forget the bytes and the memory. */
void wr_side_free(struct wr_side *s);

#endif
