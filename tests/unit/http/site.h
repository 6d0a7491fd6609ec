/* What the tests of sites share: a configuration's text made into a whole http block, as the server makes it, and requests in
 * it. Nothing is listened at. */
#ifndef WR_TEST_HTTP_SITE_H
#define WR_TEST_HTTP_SITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/tree.h"
#include "http/http.h"
#include "http/location.h"
#include "http/request.h"
#include "http/vhost.h"
#include "net/conn.h"

struct site {
    struct wr_http_home home; /* first: cf.owner points here */
    struct weir_pool *pool;
    struct wr_diag diag;
    struct wr_conf_tree tree;
    struct wr_registry registry;
    struct weir_conf cf;
    struct wr_conn conn;
    bool loaded;
};

static const weir_directive site_rows[] = {
    { .name = "http", .help = "", .where = WEIR_IN_MAIN, .type = WEIR_T_CUSTOM,
      .flags = WEIR_D_BLOCK | WR_D_SCOPE, .set = wr_http_block },
};
static weir_self site_self = WR_SELF;
static const weir_module site_main = { WR_BUILTIN(&site_self, "core.main"),
                                       .directives = WEIR_ITEMS(site_rows) };

/* Modules beside the server's own, set before loading. */
static const weir_module *site_extra[4];

/* Load text as a whole configuration file called a.conf. */
static inline bool
site_load_main(struct site *s, const char *text, bool compat)
{
    const weir_module *modules[32];
    uint32_t n = 0;

    memset(s, 0, sizeof(*s));
    s->pool = wr_pool_create("test", NULL);
    wr_diag_init(&s->diag, s->pool);
    if (!wr_conf_read_text(s->pool, WEIR_STR("a.conf"), weir_str_c(text), NULL, &s->diag, &s->tree)) {
        return false;
    }
    modules[n++] = &site_main;
    for (uint32_t i = 0; i < wr_http_builtin_count; i++) {
        modules[n++] = wr_http_builtin[i];
    }
    for (uint32_t i = 0; i < 4 && site_extra[i] != NULL; i++) {
        modules[n++] = site_extra[i];
    }
    wr_registry_init(&s->registry, s->pool, "/nonexistent", modules, n, NULL);
    if (!wr_registry_prepare(&s->registry, &s->tree, &s->diag)) {
        return false;
    }
    s->cf = (struct weir_conf){ .pool = s->pool, .diag = &s->diag, .space = &s->registry.space,
                                .owner = &s->home, .prefix = WEIR_STR("/prefix/"),
                                .compat_nginx = compat };
    (void)wr_http_create(&s->cf, &s->registry);
    (void)wr_scope_bind(&s->cf, wr_scope_create_main(&s->cf), s->tree.first);
    s->loaded = wr_http_finish(&s->cf, s->home.http);
    return s->loaded;
}

/* Load what stands in an http block. */
static inline bool
site_load(struct site *s, const char *http)
{
    char *text = NULL;
    bool good;

    assert_true(asprintf(&text, "http {\n%s\n}\n", http) > 0);
    good = site_load_main(s, text, false);
    free(text);
    return good;
}

/* Load what stands in a server that listens at 127.0.0.1:80. */
static inline bool
site_load_server(struct site *s, const char *server)
{
    char *text = NULL;
    bool good;

    assert_true(asprintf(&text, "server { listen 127.0.0.1:80;\n%s\n}\n", server) > 0);
    good = site_load(s, text);
    free(text);
    return good;
}

static inline void
site_fini(struct site *s)
{
    wr_pool_destroy(&s->pool);
}

/* The i-th diagnosis of kind as "LINE:COLUMN TEXT (HINT)"; "" past the last. Lines are those of the file: what site_load is
 * given begins at line 2, what site_load_server is given at line 3. */
static inline const char *
site_said(const struct site *s, uint32_t kind, unsigned i)
{
    static char line[4096];
    const struct wr_diagnosis *d = s->diag.first;

    line[0] = '\0';
    for (; d != NULL; d = d->next) {
        if (d->kind == kind && i-- == 0) {
            snprintf(line, sizeof(line), "%u:%u %s%s%s%s", d->place.line, d->place.column,
                     d->text.data, d->hint.data != NULL ? " (" : "",
                     d->hint.data != NULL ? d->hint.data : "", d->hint.data != NULL ? ")" : "");
            break;
        }
    }
    return line;
}

/* The first error of the configuration `http`, which has to have one. */
static inline const char *
site_error(const char *http)
{
    static char line[4096];
    struct site s;

    assert_false(site_load(&s, http));
    snprintf(line, sizeof(line), "%s", site_said(&s, WR_DIAG_ERROR, 0));
    site_fini(&s);
    return line;
}

/* Load, and fail with what was said when that does not work. */
static inline void
site_must(struct site *s, bool loaded)
{
    if (!loaded) {
        fail_msg("%s", site_said(s, WR_DIAG_ERROR, 0));
    }
}

static const struct wr_driver site_driver = { .name = "test" };

/* A GET request for path in the server with this number. */
static inline struct wr_request *
site_request(struct site *s, uint32_t server, const char *path)
{
    struct weir_pool *pool = wr_pool_create("request", s->pool);
    struct wr_request *r;

    s->conn.tag = WR_CONN_TAG;
    s->conn.transport = &wr_transport_plain;
    s->conn.io.fd = -1;
    r = wr_request_create(pool, &s->conn, &site_driver, NULL, s->home.http,
                          s->home.http->servers[server]);
    r->pub.path = weir_str_c(path);
    r->pub.method = WEIR_GET;
    r->pub.method_name = WEIR_STR("GET");
    r->pub.host = WEIR_STR("");
    return r;
}

/* The name of the location for path in the first server; "server" when it is the server's own block. */
static inline const char *
site_find(struct site *s, const char *path)
{
    static char name[256];
    struct wr_request *r = site_request(s, 0, path);
    const struct wr_location *loc = wr_location_find(r, &r->server->base, r->pub.path);

    assert_non_null(loc);
    snprintf(name, sizeof(name), "%s%.*s", loc->kind == WR_LOC_EXACT ? "=" : "",
             loc->kind == WR_LOC_SERVER ? 6 : (int)loc->name.len,
             loc->kind == WR_LOC_SERVER ? "server" : loc->name.data);
    wr_request_free(r);
    return name;
}

#endif
