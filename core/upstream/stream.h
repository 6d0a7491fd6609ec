/* upstream/stream.h - limits of the streams of <weir/event.h>, which stream.c implements. */
#ifndef WR_UPSTREAM_STREAM_H
#define WR_UPSTREAM_STREAM_H

enum {
    WR_STREAM_IN_MAX = 64 * 1024,        /* bytes that `received` may leave */
    WR_STREAM_OUT_FULL = 64 * 1024,      /* waiting bytes over which WEIR_AGAIN is said */
    WR_STREAM_OUT_MAX = 16 * 1024 * 1024, /* and over which nothing is taken */
    WR_STREAM_DEFAULT_MS = 60 * 1000     /* connect_ms and idle_ms */
};

#endif
