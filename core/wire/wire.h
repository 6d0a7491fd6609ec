/* wire/wire.h - what every parser of this layer answers. Parsers are pure: bytes in, values out, no allocation. */
#ifndef WR_WIRE_WIRE_H
#define WR_WIRE_WIRE_H

/* How reading a piece of the wire went. Out values are set on WR_OK only. */
enum wr_wire {
    WR_OK,   /* read */
    WR_MORE, /* correct so far, not complete */
    WR_BAD   /* cannot be right; the reason is in err where the parser takes one */
};

#endif
