/* gzip.h - what gzip.c (directives) and filter.c (hooks) share: the configuration. */
#ifndef GZIP_GZIP_H
#define GZIP_GZIP_H

#include <weir/weir.h>

#include "compressor.h"

/* A regular expression of gzip_disable. */
struct gzip_agent {
    struct gzip_agent *next;
    const weir_regex *regex;
};

struct gzip_disabled {
    struct gzip_agent *agents;
    bool old_msie;
};

struct gzip_buffers {
    uint32_t number; /* checked, not needed: the server bounds what is under way */
    size_t size;     /* bytes; 0: GZIP_OUTPUT_SIZE */
    /* Made in check() of the outermost block, and each worker's own by fork. It stands here because
     * inner blocks inherit what a directive names. */
    struct compressor_pool *pool;
};

enum { GZIP_OUTPUT_SIZE = 8192, GZIP_OUTPUT_SIZE_MIN = 64, GZIP_OUTPUT_SIZE_MAX = 1 << 20 };

typedef struct {
    bool on;
    bool vary;
    bool no_buffer;        /* accepted, not used */
    uint64_t postpone;     /* accepted, not used */
    int64_t level;         /* 1 to 9 */
    uint64_t min_length;   /* bytes */
    uint64_t window;       /* bytes, a power of two */
    uint64_t hash;         /* bytes, a power of two */
    uint32_t http_version; /* 10 or 11 */
    uint32_t proxied;      /* GZIP_PROXIED_* */
    weir_strs types;       /* besides text/html */
    struct gzip_buffers buffers;
    struct gzip_disabled *disabled; /* NULL: none */
} gzip_conf;

/* Filled by the server. */
extern weir_metric *gzip_bytes_in, *gzip_bytes_out, *gzip_responses;

/* The hooks and $gzip_ratio, as the tables of gzip.c name them. */
int gzip_headers(weir_request *r, const void *conf);
int gzip_body(weir_request *r, const void *conf, weir_chain *in, weir_chain *out);
weir_str gzip_ratio(weir_request *r, const void *conf, weir_str name);

#endif
