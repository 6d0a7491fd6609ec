/* http/settings.h - the structs that the server's own http directives fill, one a concern, as any module's.
 *
 * They are built-in modules with fixed slots. A block that has no directive of a concern shares its parent's struct, so the
 * concerns are cut by what people write together. Read them through the wr_*_conf accessors of request.h.
 */
#ifndef WR_HTTP_SETTINGS_H
#define WR_HTTP_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/conf.h>

#include "base/pool.h"

struct wr_error_page;
struct wr_types;
struct wr_type;

/* The slots of built-in modules: the order of wr_http_builtin[] (http/core_http.c). */
enum wr_http_slot {
    WR_SLOT_MAIN,   /* core.main: process/main_conf; it begins with the block's wr_log_sink */
    WR_SLOT_SERVER, /* core.server */
    WR_SLOT_LOC,    /* core.location */
    WR_SLOT_FILES,  /* core.files */
    WR_SLOT_BODY,   /* core.body */
    WR_SLOT_HTTP2,  /* core.http2 */
    WR_SLOT_CODING, /* core.coding */
    WR_SLOT_BUILTIN /* how many; further built-in modules may follow */
};

/* core.server: what holds before a location is known; http and server. */
struct wr_server_conf {
    uint64_t header_timeout_ms;   /* client_header_timeout 20s (compat 60s) */
    uint64_t header_buffer_size;  /* client_header_buffer_size 1k */
    uint32_t large_buffers;       /* large_client_header_buffers 4 8k: how many */
    uint64_t large_buffer_size;   /* and how large: the longest line; number x size: the longest head */
    int64_t max_headers;          /* 200 (compat 1000) */
    bool ignore_invalid_headers;  /* on */
    bool underscores_in_headers;  /* off */
    bool merge_slashes;           /* on */
    bool encoded_slash;           /* off: %2f in a path is 400; compat on: decoded as nginx */
    bool bare_lf;                 /* off; compat on */
    int64_t background_max;       /* background_requests of a worker: 512; http only */
    uint64_t background_ms;       /* background_timeout 1h; 0: none */
};

/* core.location: answering; http, server, location, if. */
struct wr_loc_conf {
    uint64_t keepalive_timeout_ms; /* 65s (compat 75s); 0: no keep-alive */
    uint64_t keepalive_header_s;   /* second argument: Keep-Alive: timeout=; 0: none */
    int64_t keepalive_requests;    /* 1000 */
    uint64_t keepalive_time_ms;    /* 1h */
    uint64_t keepalive_min_ms;     /* keepalive_min_timeout: grace of idle ones at shutdown, 1s (compat 0) */
    uint32_t keepalive_disable;    /* WR_BROWSER_*, msie6 */
    uint32_t lingering_close;      /* 0 off, 1 on, 2 always */
    uint64_t lingering_time_ms;    /* 30s */
    uint64_t lingering_timeout_ms; /* 5s */
    uint64_t send_timeout_ms;      /* 30s (compat 60s) between two successful writes */
    uint64_t send_min_rate;        /* bytes a second after 20 s: 240 (compat 0: off) */
    weir_value *limit_rate;        /* bytes a second, 0: off */
    weir_value *limit_rate_after;
    bool tcp_nopush, tcp_nodelay;
    bool reset_timedout;           /* reset_timedout_connection off */
    bool chunked;                  /* chunked_transfer_encoding on */
    uint32_t satisfy;              /* 0 all, 1 any */
    uint64_t suspend_ms;           /* suspend_timeout 60s */
    uint64_t filter_keep;          /* filter_keep_size 1m */
    uint64_t filter_whole;         /* filter_whole_size 8m */
    uint64_t auth_delay_ms;        /* 0: none */
    bool internal;                 /* LOCAL */
    bool absolute_redirect;        /* on */
    bool server_name_in_redirect;  /* off */
    bool port_in_redirect;         /* on */
    uint32_t server_tokens;        /* 0 off (weir), 1 on, 2 build; compat on */
    bool recursive_error_pages;    /* off */
    bool log_subrequest;           /* off */
    bool msie_padding, msie_refresh; /* accepted */
    uint64_t postpone_output;      /* accepted: output is gathered anyway */
    struct wr_error_page *error_pages; /* CUSTOM; NULL: none */
};

/* core.files: what files are, and how they are sent; http, server, location, if. */
struct wr_files_conf {
    weir_value *root;    /* "html" */
    weir_value *alias;   /* NULL: root */
    weir_str alias_for;  /* the beginning of the path that alias replaces; empty: all of it (a regex location's alias) */
    bool sendfile;
    uint64_t sendfile_max_chunk; /* 2m */
    uint64_t directio, read_ahead; /* accepted */
    bool etag;                   /* on */
    uint32_t if_modified_since;  /* 0 off, 1 exact, 2 before */
    int64_t max_ranges;          /* 16 (compat: no limit, INT64_MAX); 0: ranges off */
    bool log_not_found;          /* on */
    uint32_t symlinks;           /* disable_symlinks: 0 off, 1 on, 2 if_not_owner */
    weir_value *symlinks_from;   /* from= */
    bool cache;                  /* open_file_cache max=N inactive=T; off */
    int64_t cache_max;
    uint64_t cache_inactive_ms;  /* 60s */
    uint64_t cache_valid_ms;     /* open_file_cache_valid 60s */
    int64_t cache_min_uses;      /* 1 */
    bool cache_errors;           /* off */
    uint64_t hot_size;           /* weir's hot_file_size: largest file kept in memory, 32k; 0: none */
    uint64_t hot_memory;         /* hot_file_memory a worker: 64m; http only */
    const struct wr_types *types; /* types { }: CUSTOM */
    weir_str default_type;       /* text/plain */
    const struct wr_type *other_type; /* the same as a type; check() makes it */
};

/* core.body: request bodies; http, server, location, if. */
struct wr_body_conf {
    uint64_t max_size;      /* client_max_body_size 1m; 0: no limit */
    uint64_t buffer_size;   /* client_body_buffer_size 16k: more goes to a file */
    uint64_t timeout_ms;    /* client_body_timeout 30s (compat 60s) */
    uint64_t min_rate;      /* bytes a second after 20 s: 500 (compat 0) */
    weir_str temp_path;     /* client_body_temp_path and its levels */
    uint32_t temp_levels[3];
    uint32_t in_file_only;  /* 0 off, 1 on, 2 clean */
    bool in_single_buffer;
};

/* core.http2: http, server; the chunk size also location. */
struct wr_http2_conf {
    bool on;
    int64_t max_streams;  /* http2_max_concurrent_streams 100 (compat 128) */
    uint64_t preread;     /* http2_body_preread_size 64k: a stream's first receive window */
    uint64_t recv_buffer; /* http2_recv_buffer_size 256k */
    uint64_t chunk_size;  /* http2_chunk_size 16k (compat 8k) */
    int64_t glitches;     /* http2_max_glitches 1000 */
    int64_t updates;      /* http2_max_window_updates 1000 */
};

#endif
