/* http/explain.c - `weir -M`: what modules there are, and how a request would run, as a tree of
 * JSON; explain_text.c makes text of the same tree, so that both say the same.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/str.h"
#include "http/explain.h"
#include "http/http.h"
#include "http/request.h"
#include "module/explain.h"
#include "module/index.h"
#include "module/interface.h"
#include "module/loader.h"
#include "module/metric.h"
#include "wire/host.h"
#include "wire/uri.h"

/* ---- Small pieces. ---- */

static void
add_text(cJSON *to, const char *key, weir_str text)
{
    char *copy = strndup(text.data != NULL ? text.data : "", text.len);

    WR_ASSERT(copy != NULL);
    cJSON_AddStringToObject(to, key, copy);
    free(copy);
}

/* "file" and "line" of a statement. */
static void
add_place(cJSON *to, const struct wr_conf_node *node)
{
    if (node != NULL) {
        add_text(to, "file", node->source->name);
        cJSON_AddNumberToObject(to, "line", node->words[0].line);
    }
}

/* The words of a statement as they may be written. */
static void
add_statement(cJSON *to, const struct wr_conf_node *node)
{
    char text[512];
    struct wr_strbuf b = wr_strbuf_over(text, sizeof(text));

    for (uint32_t i = 0; i < node->n_words; i++) {
        const struct wr_conf_word *w = &node->words[i];
        const char *quote = w->quoted ? "\"" : "";
        wr_strbuf_print(&b, i != 0 ? " %s" : "%s", quote);
        wr_strbuf_escaped(&b, wr_str_cut(w->text, 0, 100));
        wr_strbuf_print(&b, "%s", quote);
    }
    add_text(to, "directive", wr_strbuf_view(&b));
}

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
    add_text(o, "file", file);
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
    return wr_registry_find(http->registry, wr_str_cut(file, 0, file.len - WR_MIN(file.len, 3u))) !=
           NULL;
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

/* The module's directives that hold in scope, nearest ones of each row. */
static void
add_origins(cJSON *to, const struct wr_scope *scope, const struct wr_order_hook *hook)
{
    const weir_directive *row = hook->module->directives.at;
    cJSON *list = cJSON_AddArrayToObject(to, "because");

    for (uint32_t i = 0; i < hook->module->directives.count; i++) {
        const struct wr_scope_origin *o = wr_scope_origin(scope, hook->slot, &row[i]);
        if (o != NULL) {
            cJSON *item = cJSON_CreateObject();
            add_statement(item, o->node);
            add_place(item, o->node);
            cJSON_AddItemToArray(list, item);
        }
    }
}

static cJSON *
explain_phase(const struct wr_http *http, const struct wr_location *loc, uint32_t phase)
{
    const struct wr_plan_phase *p = &loc->plan->phase[phase];
    cJSON *o = cJSON_CreateObject();
    cJSON *hooks, *others;
    uint32_t next = 0;

    cJSON_AddStringToObject(o, "phase", wr_order_phase_name(phase));
    hooks = cJSON_AddArrayToObject(o, "hooks");
    others = cJSON_AddArrayToObject(o, "not_wanted");
    for (uint32_t i = 0; i < http->order.n[phase]; i++) {
        const struct wr_order_hook *h = &http->order.at[phase][i];
        cJSON *item;
        if (next == p->n || p->at[next].origin != h) {
            cJSON_AddItemToArray(others, cJSON_CreateString(h->module->name));
            continue;
        }
        next++;
        item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "module", h->module->name);
        cJSON_AddNumberToObject(item, "rank", h->hook->rank);
        if (phase == WEIR_PHASE_BODY) {
            cJSON_AddBoolToObject(item, "files", (h->hook->flags & WEIR_HOOK_FILES) != 0);
        }
        add_origins(item, loc->scope, h);
        cJSON_AddItemToArray(hooks, item);
    }
    return o;
}

static void
add_location(cJSON *root, const struct wr_location *loc)
{
    static const char *const kinds[] = {
        [WR_LOC_SERVER] = "none", [WR_LOC_PREFIX] = "prefix", [WR_LOC_PREFIX_FINAL] = "^~",
        [WR_LOC_EXACT] = "exact", [WR_LOC_REGEX] = "regex",   [WR_LOC_NAMED] = "named",
        [WR_LOC_BLOCK] = "block",  [WR_LOC_BRANCH] = "branch",
    };
    cJSON *o = cJSON_AddObjectToObject(root, "location");

    cJSON_AddStringToObject(o, "kind", kinds[loc->kind]);
    add_text(o, "name", loc->name);
    add_place(o, loc->node);
}

/* What "http://host:port/path?query", "https://..." or "/path" asks for. */
struct asked {
    weir_str host, path;
    uint32_t port; /* 0: any */
    bool tls;      /* nothing else will do */
};

static bool
parse_target(weir_str target, weir_str host, struct asked *a)
{
    bool tls = wr_str_starts(target, WEIR_STR("https://"));
    weir_str authority = host;

    if (tls || wr_str_starts(target, WEIR_STR("http://"))) {
        target = wr_str_cut(target, wr_str_find(target, '/') + 2, SIZE_MAX);
        authority = wr_str_cut(target, 0, wr_str_find(target, '/'));
        target = wr_str_cut(target, authority.len, SIZE_MAX);
    }
    *a = (struct asked){ .host = WEIR_STR(""), .path = target.len != 0 ? target : WEIR_STR("/"),
                          .tls = tls };
    return (authority.len == 0 || wr_host_parse(authority, &a->host, &a->port)) &&
           a->path.data[0] == '/';
}

static weir_str
lower(weir_pool *pool, weir_str s)
{
    weir_str copy = weir_dup(pool, s);
    char *to = (char *)(uintptr_t)copy.data;

    for (size_t i = 0; i < copy.len; i++) {
        to[i] = (char)wr_str_lower((uint8_t)to[i]);
    }
    return copy;
}

/* The first endpoint of the port that has a server of that name, else the first of the port; NULL:
 * nobody listens there. */
static const struct wr_endpoint *
find_endpoint(const struct wr_http *http, const struct asked *a)
{
    struct weir_pool *pool = wr_pool_create("explain", NULL);
    weir_str host = lower(pool, a->host);
    const struct wr_endpoint *found = NULL;

    for (uint32_t i = 0; i < http->n_endpoints; i++) {
        const struct wr_endpoint *e = &http->endpoints[i];
        if ((a->port != 0 && wr_addr_port(&e->addr) != a->port) || (a->tls && !e->ssl)) {
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

/* The tree for a request, in r's memory as far as it needs any; NULL: no such server, bad URL. */
static cJSON *
explain_request(const struct wr_http *http, const struct wr_endpoint *e, struct wr_request *r,
                const struct asked *a)
{
    const struct wr_server *server = wr_vhost_find(e, lower(r->pub.pool, a->host), r);
    const struct wr_server_conf *c = server->base.conf[WR_SLOT_SERVER];
    struct wr_uri_rules rules = { .merge_slashes = c->merge_slashes,
                                  .decode_slash = c->encoded_slash };
    const struct wr_location *loc;
    struct wr_err err;
    cJSON *root, *o, *phases;

    r->pub.method = WEIR_GET;
    wr_request_enter(r, &server->base);
    if (wr_uri_path(a->path, &rules, wr_pool_alloc(r->pub.pool, a->path.len + 1), &r->pub.path,
                    &r->pub.args, &err) != WR_OK) {
        wr_say(wr_log_process(), ERROR, "\"%.*s\" is no path: %s", WEIR_FMT(a->path), err.text);
        return NULL;
    }
    loc = wr_location_find(r, &server->base, r->pub.path);
    if (loc == NULL) {
        return NULL;
    }
    loc = wr_location_limit(loc, r);
    root = cJSON_CreateObject();
    add_text(root, "path", r->pub.path);
    o = cJSON_AddObjectToObject(root, "server");
    add_text(o, "name", server->name);
    add_place(o, server->base.node);
    add_location(root, loc);
    phases = cJSON_AddArrayToObject(root, "phases");
    for (uint32_t phase = WEIR_PHASE_POST_READ; phase <= WEIR_PHASE_LOG; phase++) {
        if (phase != WEIR_PHASE_FIND_CONFIG && phase != WEIR_PHASE_POST_REWRITE) {
            bool early = phase < WEIR_PHASE_FIND_CONFIG;
            cJSON_AddItemToArray(phases, explain_phase(http, early ? &server->base : loc, phase));
        }
    }
    return root;
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

bool
wr_http_explain(const struct wr_http *http, weir_str target, weir_str host, bool json, int fd)
{
    const struct wr_endpoint *e;
    struct weir_pool *pool;
    struct wr_conn conn;
    struct asked a;
    cJSON *tree = NULL;
    bool good;

    if (target.data == NULL) {
        tree = explain_modules(http);
    } else if (!parse_target(target, host, &a)) {
        wr_say(wr_log_process(), ERROR, "\"%.*s\" is no http:// URL, nor a path and a host",
               WEIR_FMT(target));
    } else if ((e = find_endpoint(http, &a)) == NULL) {
        wr_say(wr_log_process(), ERROR, "no server listens%s", a.port != 0 ? " at that port" : "");
    } else {
        static const struct wr_driver driver = { .name = "none" };
        memset(&conn, 0, sizeof(conn));
        conn.io.fd = -1;
        conn.transport = &wr_transport_plain;
        pool = wr_pool_create("explain", NULL);
        tree = explain_request(
            http, e, wr_request_create(pool, &conn, &driver, NULL, http, e->fallback), &a);
        wr_pool_destroy(&pool);
    }
    if (tree == NULL) {
        return false;
    }
    good = put(tree, json, fd);
    cJSON_Delete(tree);
    return good;
}
