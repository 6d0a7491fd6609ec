/* http/explain.c - `weir -M`: what is asked about, the address it would come to, and what modules
 * there are, as a tree of JSON or as text of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/str.h"
#include "http/explain.h"
#include "http/explain_client.h"
#include "http/http.h"
#include "module/explain.h"
#include "module/index.h"
#include "module/interface.h"
#include "module/loader.h"
#include "module/metric.h"
#include "wire/host.h"
#include "wire/uri.h"

/* ---- Modules. ---- */

/* The names of a table's rows: each begins with a pointer to its name. */
static void
add_names(cJSON *to, const char *key, weir_items items)
{
    cJSON *list = cJSON_AddArrayToObject(to, key);
    const char *row = items.at;

    for (uint32_t i = 0; i < items.count; i++, row += items.stride) {
        cJSON_AddItemToArray(list, cJSON_CreateString(*(const char *const *)(const void *)row));
    }
}

static void
add_hooks(cJSON *to, const weir_module *m)
{
    cJSON *list = cJSON_AddArrayToObject(to, "hooks");
    const weir_hook *h = m->hooks.at;

    for (uint32_t i = 0; i < m->hooks.count; i++) {
        const char *phase = wr_order_phase_name(h[i].phase);
        cJSON *hook = cJSON_CreateObject();
        cJSON_AddStringToObject(hook, "phase", phase != NULL ? phase : "?");
        cJSON_AddNumberToObject(hook, "rank", h[i].rank);
        cJSON_AddItemToArray(list, hook);
    }
}

/* Name, version and what is known of its file. */
static cJSON *
module_head(const weir_module *m)
{
    const struct wr_image *image = wr_loader_image_of(m);
    cJSON *o = cJSON_CreateObject();
    char abi[16];

    cJSON_AddStringToObject(o, "name", m->name);
    cJSON_AddStringToObject(o, "version", m->version != NULL ? m->version : "");
    cJSON_AddBoolToObject(o, "builtin", image == NULL);
    if (image != NULL) {
        (void)snprintf(abi, sizeof(abi), "%u.%u", image->note.abi_major, image->note.abi_minor);
        cJSON_AddStringToObject(o, "file", image->path);
        cJSON_AddStringToObject(o, "abi", abi);
        cJSON_AddStringToObject(o, "build_id", image->note.build_id);
        cJSON_AddStringToObject(o, "sha256", image->sha256);
    }
    return o;
}

/* The module in this bundled file among those that are not in use, made when it is new. */
static cJSON *
idle_module(cJSON *list, weir_str file)
{
    cJSON *o;

    cJSON_ArrayForEach (o, list) {
        if (weir_str_eq(weir_str_c(cJSON_GetObjectItem(o, "file")->valuestring), file)) {
            return o;
        }
    }
    o = cJSON_CreateObject();
    wr_explain_add_text(o, "file", file);
    cJSON_AddArrayToObject(o, "directives");
    cJSON_AddArrayToObject(o, "variables");
    cJSON_AddArrayToObject(o, "interfaces");
    cJSON_AddItemToArray(list, o);
    return o;
}

/* A module's file is called as the module. */
static bool
in_use(const struct wr_http *http, weir_str file)
{
    return wr_registry_find(http->registry,
                            weir_str_cut(file, 0, file.len - WR_MIN(file.len, 3u))) != NULL;
}

/* Bundled modules that this configuration has no need of, as the index knows them. */
static void
add_idle(cJSON *root, const struct wr_http *http)
{
    static const char *const keys[WR_INDEX_KINDS] = { [WR_INDEX_DIRECTIVE] = "directives",
                                                      [WR_INDEX_VARIABLE] = "variables",
                                                      [WR_INDEX_INTERFACE] = "interfaces" };
    cJSON *list = cJSON_AddArrayToObject(root, "not_in_use");

    for (uint32_t kind = 0; http->registry->index != NULL && kind < WR_INDEX_KINDS; kind++) {
        const struct wr_map *map = &http->registry->index->by_name[kind];
        for (size_t i = 0; keys[kind] != NULL && i < wr_map_count(map); i++) {
            const struct wr_index_entry *e = wr_map_entry(map, i)->value;
            for (; e != NULL; e = e->next) {
                if (!in_use(http, e->file)) {
                    cJSON_AddItemToArray(
                        cJSON_GetObjectItem(idle_module(list, e->file), keys[kind]),
                        cJSON_CreateString(e->name.data));
                }
            }
        }
    }
}

/* What another layer has to say. */
static void
add_others(cJSON *root, const struct wr_http *http)
{
    const weir_module *by;
    const struct wr_explain *other = wr_interface_find(http->registry, WEIR_STR(WR_EXPLAIN), &by);

    if (other != NULL) {
        other->add(root, http->scope->conf[by->self->slot]);
    }
}

static cJSON *
explain_modules(const struct wr_http *http)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list;
    char abi[16];

    (void)snprintf(abi, sizeof(abi), "%d.%d", WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
    cJSON_AddStringToObject(root, "server", "weir/" WR_VERSION);
    cJSON_AddStringToObject(root, "abi", abi);
    list = cJSON_AddArrayToObject(root, "modules");
    for (uint32_t i = 0; wr_registry_at(http->registry, i) != NULL; i++) {
        const weir_module *m = wr_registry_at(http->registry, i);
        cJSON *o = module_head(m);
        cJSON_AddStringToObject(o, "summary", m->summary != NULL ? m->summary : "");
        add_hooks(o, m);
        add_names(o, "directives", m->directives);
        add_names(o, "variables", m->variables);
        add_names(o, "metrics", m->metrics);
        add_names(o, "interfaces", m->interfaces);
        cJSON_AddItemToArray(list, o);
    }
    add_idle(root, http);
    add_others(root, http);
    return root;
}

/* ---- A request. ---- */

/* What "http://host:port/path?query", "https://..." or "/path" asks for. */
struct asked {
    weir_str authority, host, path;
    uint32_t port;   /* 0: any */
    bool tls, plain; /* nothing else will do */
};

static bool
parse_target(weir_str target, weir_str host, struct asked *a)
{
    bool tls = weir_str_starts(target, WEIR_STR("https://"));
    bool plain = weir_str_starts(target, WEIR_STR("http://"));
    weir_str authority = host;

    if (tls || plain) {
        target = weir_str_cut(target, weir_str_find(target, '/') + 2, SIZE_MAX);
        authority = weir_str_cut(target, 0, weir_str_find(target, '/'));
        target = weir_str_cut(target, authority.len, SIZE_MAX);
    }
    *a = (struct asked){ .authority = authority,
                         .host = WEIR_STR(""),
                         .path = target.len != 0 ? target : WEIR_STR("/"),
                         .tls = tls,
                         .plain = plain };
    return (authority.len == 0 || wr_host_parse(authority, &a->host, &a->port)) &&
           a->path.data[0] == '/';
}

/* The first endpoint of the port that has a server of that name, else the first of the port; NULL:
 * nobody listens there. */
static const struct wr_endpoint *
find_endpoint(const struct wr_http *http, const struct asked *a)
{
    struct weir_pool *pool = wr_pool_create("explain", NULL);
    weir_str host = weir_dup_lower(pool, a->host);
    const struct wr_endpoint *found = NULL;

    for (uint32_t i = 0; i < http->n_endpoints; i++) {
        const struct wr_endpoint *e = &http->endpoints[i];
        if ((a->port != 0 && wr_addr_port(&e->addr) != a->port) || (a->tls && !e->ssl) ||
            (a->plain && e->ssl)) {
            continue;
        }
        if (wr_vhost_find(e, host, NULL) != e->fallback || weir_str_eq(e->fallback->name, host)) {
            found = e;
            break;
        }
        found = found != NULL ? found : e;
    }
    wr_pool_destroy(&pool);
    return found;
}

/* ---- Out. ---- */

static bool
write_all(int fd, const char *text, size_t len)
{
    while (len != 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0) {
            return false;
        }
        text += n;
        len -= (size_t)n;
    }
    return true;
}

static bool
put(const cJSON *tree, bool json, int fd)
{
    char *text = json ? cJSON_Print(tree) : wr_explain_text(tree);
    bool good;

    WR_ASSERT(text != NULL);
    good = write_all(fd, text, strlen(text)) && (!json || write_all(fd, "\n", 1));
    free(text);
    return good;
}

static cJSON *
explain_request(const struct wr_http *http, const struct wr_endpoint *e,
                const struct wr_question *q, const struct asked *a)
{
    struct weir_pool *pool = wr_pool_create("explain", NULL);
    struct wr_explain_client client;
    struct wr_request *r = wr_explain_client_init(&client, pool, http, e, q, a->authority);
    cJSON *tree =
        r != NULL ? wr_explain_request(http, e, r, weir_dup_lower(pool, a->host), a->path) : NULL;

    wr_pool_destroy(&pool);
    return tree;
}

bool
wr_http_explain(const struct wr_http *http, const struct wr_question *q, bool json, int fd)
{
    const struct wr_endpoint *e;
    weir_str target = q->target;
    struct asked a;
    cJSON *tree = NULL;
    bool good;

    if (target.data == NULL) {
        tree = explain_modules(http);
    } else if (!parse_target(target, q->host, &a)) {
        wr_say(wr_log_process(), ERROR, "\"%.*s\" is no http:// URL, nor a path and a host",
               WEIR_FMT(target));
    } else if ((e = find_endpoint(http, &a)) == NULL) {
        wr_say(wr_log_process(), ERROR, "no server listens%s", a.port != 0 ? " at that port" : "");
    } else {
        tree = explain_request(http, e, q, &a);
    }
    if (tree == NULL) {
        return false;
    }
    good = put(tree, json, fd);
    cJSON_Delete(tree);
    return good;
}
