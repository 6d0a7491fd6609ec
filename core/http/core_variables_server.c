/* http/core_variables_server.c - variables of the server's block, of files, of the clock and of this process. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/file.h>
#include <weir/log.h>

#include "config.h"

#include "base/clock.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "http/core_variables.h"
#include "http/file.h"
#include "http/metrics.h"
#include "http/request.h"
#include "http/vhost.h"

static const weir_str absent = { NULL, 0 };

/* The nginx release whose configuration language is read here. */
#define NGINX_VERSION "1.31.5"

/* ---- The block and its files. ---- */

WR_VAR_GET(server_name)
{
    (void)conf, (void)name;
    return wr_request_of(r)->server->name;
}

WR_VAR_GET(document_root)
{
    (void)conf, (void)name;
    return wr_file_base(wr_request_of(r));
}

WR_VAR_GET(request_filename)
{
    (void)conf, (void)name;
    return weir_file_path(r, absent);
}

WR_VAR_GET(realpath_root)
{
    weir_str root = wr_file_root(wr_request_of(r));
    char real[PATH_MAX];

    (void)conf, (void)name;
    if (root.data == NULL || realpath(weir_dup(r->pool, root).data, real) == NULL) {
        return absent;
    }
    return weir_dup(r->pool, weir_str_c(real));
}

/* ---- The clock. ---- */

WR_VAR_GET(msec)
{
    (void)conf, (void)name;
    return wr_var_seconds(r->pool, (uint64_t)wr_clock.wall_s * 1000 + wr_clock.wall_ms);
}

/* The clock's texts change under way; a value that waits must not. */
WR_VAR_GET(time_iso8601)
{
    (void)conf, (void)name;
    return weir_dup(r->pool, weir_str_c(wr_clock.iso_time));
}

WR_VAR_GET(time_local)
{
    (void)conf, (void)name;
    return weir_dup(r->pool, (weir_str){ wr_clock.clf_time, wr_clock.clf_len });
}

/* ---- The process. ---- */

WR_VAR_GET(hostname)
{
    char room[256];

    (void)conf, (void)name;
    if (gethostname(room, sizeof(room) - 1) != 0) {
        return absent;
    }
    room[sizeof(room) - 1] = '\0';
    return weir_dup_lower(r->pool, weir_str_c(room));
}

WR_VAR_GET(pid)
{
    (void)conf, (void)name;
    return wr_var_number(r->pool, (uint64_t)getpid());
}

WR_VAR_GET(nginx_version)
{
    (void)r, (void)conf, (void)name;
    return WEIR_STR(NGINX_VERSION);
}

WR_VAR_GET(weir_version)
{
    (void)r, (void)conf, (void)name;
    return WEIR_STR(WR_VERSION);
}

/* ---- Connections of all workers, as the server's own metric counts them. ---- */

static weir_str
connections(weir_pool *pool, enum wr_shown state)
{
    weir_metric_view view = { .size = sizeof(view) };

    for (uint32_t i = 0; weir_metric_at(i, &view) == WEIR_OK; i++) {
        if (strcmp(view.name, "weir_connections") == 0) {
            return wr_var_number(pool, weir_metric_read(i, state));
        }
    }
    return absent;
}

WR_VAR_GET(connections_active)
{
    (void)conf, (void)name;
    return connections(r->pool, WR_SHOWN_ACTIVE);
}

WR_VAR_GET(connections_reading)
{
    (void)conf, (void)name;
    return connections(r->pool, WR_SHOWN_READING);
}

WR_VAR_GET(connections_writing)
{
    (void)conf, (void)name;
    return connections(r->pool, WR_SHOWN_WRITING);
}

WR_VAR_GET(connections_waiting)
{
    (void)conf, (void)name;
    return connections(r->pool, WR_SHOWN_WAITING);
}
