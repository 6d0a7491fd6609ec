/* http/limits.h - what bounds a request where no directive does, or none has spoken yet: value, unit, what happens there. */
#ifndef WR_HTTP_LIMITS_H
#define WR_HTTP_LIMITS_H

enum {
    WR_LIMIT_REWRITES = 10,     /* internal redirects and rewrites of one request; then 500, as nginx */
    WR_LIMIT_SUBREQUESTS = 50,  /* levels of subrequests; then WEIR_LIMIT */
    WR_LIMIT_BODY_MS = 24 * 3600 * 1000, /* a whole request body; client_body_timeout and the minimum rate come first */
    WR_LIMIT_REQUEST_POOL = 16 << 20, /* bytes a request's pool may hold for weir_try_alloc */
    WR_LIMIT_DECODE_FREE = 1 << 20, /* bytes of a decoded body before decode_max_ratio is looked at */
    WR_LIMIT_CODERS_IDLE = 16,   /* encoders and decoders a worker keeps: some MiB */
    WR_LIMIT_CODERS_BUSY = 1024, /* of each at work in a worker */
    WR_LIMIT_CODERS_BYTES = 512 << 20, /* coder_memory: what encoders at work take together, and decoders */
    WR_LIMIT_CODER_IDLE_BYTES = 8 << 20, /* one that takes more is not kept */
    WR_LIMIT_PULL = 64 * 1024,  /* bytes asked from a source at once */
    WR_LIMIT_OUTPUT = 256 * 1024, /* bytes that may wait for a slow client before the source is paused */
    WR_LIMIT_BRANCHES = 256,    /* blocks of `when` in a server, each as often as those in front of it make it differ */
    WR_LIMIT_CAPTURES = 10,     /* $0..$9 */
    WR_LIMIT_REGEX_MATCH = 100000, /* PCRE2 match limit: backtracking steps */
    WR_LIMIT_VALUE = 1 << 20,   /* bytes of one evaluated value */
    WR_LIMIT_MULTIPART_RANGES = 16 /* ranges of one answer, unless max_ranges says less */
};

#endif
