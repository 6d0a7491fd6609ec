/* http/core_http2.c - core.http2: the directives of HTTP/2, and what nginx has given up of them.
 *
 * Those of a connection are read from the default server of its address: they are announced before a request is known.
 */
#include "http/core.h"

enum {
    HS = WEIR_IN_HTTP | WEIR_IN_SERVER,
    HSL = HS | WEIR_IN_LOCATION,
    FRAME_MAX = (1 << 24) - 1 /* bytes of a frame [RFC 9113 4.2] */
};

typedef struct wr_http2_conf conf;

static int
at_least_one(weir_conf *cf, const weir_directive *d, void *field)
{
    int64_t n = *(int64_t *)field;

    return n >= 1 && n <= INT32_MAX
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "\"%s\" directive invalid number", d->name);
}

static int
check_preread(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return *(uint64_t *)field <= INT32_MAX
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "the maximum body preread buffer size is %d", INT32_MAX);
}

static int
check_recv_buffer(weir_conf *cf, const weir_directive *d, void *field)
{
    uint64_t size = *(uint64_t *)field;

    return size >= 1024 && size <= INT32_MAX
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "\"%s\" must be 1k or more", d->name);
}

static int
check_chunk(weir_conf *cf, const weir_directive *d, void *field)
{
    uint64_t size = *(uint64_t *)field;

    (void)d;
    if (size == 0) {
        return weir_conf_error_at(cf, 1, "the http2 chunk size cannot be zero");
    }
    if (size > FRAME_MAX) {
        return weir_conf_error_at(cf, 1, "the http2 chunk size cannot be larger than %d", FRAME_MAX);
    }
    return WEIR_OK;
}

/* Directives that nginx still takes and no longer obeys, and those that do their work now. */
static int
obsolete(weir_conf *cf, const weir_directive *d, void *field)
{
    static const struct {
        const char *name, *now;
    } all[] = {
        { "http2_idle_timeout", "keepalive_timeout" },
        { "http2_max_field_size", "large_client_header_buffers" },
        { "http2_max_header_size", "large_client_header_buffers" },
        { "http2_max_requests", "keepalive_requests" },
        { "http2_recv_timeout", "client_header_timeout" },
    };

    (void)field;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i].name, d->name) == 0) {
            weir_conf_warn(cf, "the \"%s\" directive is obsolete, use the \"%s\" directive instead",
                           d->name, all[i].now);
            return WEIR_OK;
        }
    }
    weir_conf_warn(cf, "the \"%s\" directive is obsolete, ignored", d->name);
    return WEIR_OK;
}

#define OBSOLETE(name_, where_)                                                                    \
    { .name = name_, .help = "obsolete in nginx, too", .where = where_, .type = WEIR_T_CUSTOM,     \
      .min = 1, .max = 1, .flags = WEIR_D_MANY, .set = obsolete }

/* A row with a preset, nginx's where that is another, and a check of its value. */
#define CHECKED(f, X, name_, where_, preset_, compat_, set_, help_)                                \
    { .name = name_, .help = help_, .preset = preset_, .compat = compat_, .where = where_,         \
      .type = WEIR_T_##X, WEIR_FIELD_(conf, f, X), .set = set_ }

static const weir_directive rows[] = {
    WEIR_OPT(conf, on, FLAG, "http2", HS, "off",
             "HTTP/2 beside HTTP/1: agreed on by TLS, or begun by the client without it"),
    CHECKED(max_streams, INT, "http2_max_concurrent_streams", HS, "100", "128", at_least_one,
            "most requests of one connection that are answered at the same time"),
    CHECKED(preread, SIZE, "http2_body_preread_size", HS, "64k", NULL, check_preread,
            "bytes of a request's body that the client may send before they are asked for"),
    CHECKED(recv_buffer, SIZE, "http2_recv_buffer_size", WEIR_IN_HTTP, "256k", NULL,
            check_recv_buffer, "bytes that a worker reads at once"),
    CHECKED(chunk_size, SIZE, "http2_chunk_size", HSL, "16k", "8k", check_chunk,
            "longest piece of a body in one frame; less than 16k lets others in between sooner"),
    CHECKED(glitches, INT, "http2_max_glitches", HS, "1000", NULL, at_least_one,
            "how much useless work a client may make, in points, before its connection is closed"),
    CHECKED(updates, INT, "http2_max_window_updates", HS, "1000", NULL, at_least_one,
            "frames that open windows and cost no points, because answers were sent, and may be saved up"),
    OBSOLETE("http2_idle_timeout", HS),
    OBSOLETE("http2_max_concurrent_pushes", HS),
    OBSOLETE("http2_max_field_size", HS),
    OBSOLETE("http2_max_header_size", HS),
    OBSOLETE("http2_max_requests", HS),
    OBSOLETE("http2_push", HSL),
    OBSOLETE("http2_push_preload", HSL),
    OBSOLETE("http2_recv_timeout", HS),
    WR_CORE_NOTHING("http2_pool_size", HS, "request memory grows as it is needed"),
    WR_CORE_NOTHING("http2_streams_index_size", HS, "tables find their own size"),
};

static weir_self self = WR_SELF;

const weir_module wr_core_http2 = {
    WR_BUILTIN(&self, "core.http2"),
    .summary = "HTTP/2",
    .conf_size = sizeof(struct wr_http2_conf),
    .directives = WEIR_ITEMS(rows),
};
