/* http/explain_request.c - the tree for `weir -M URL`: the course that a request would take.
 *
 * A request without a client is led through: its server is chosen, what is rewritten is asked of
 * the modules (weir_module.explain), its location is found, and again for each new path. Of the
 * location's pipeline each hook is shown with the statements that want it, and what its module
 * says.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/str.h"
#include "http/core.h"
#include "http/core_ssl.h"
#include "http/explain.h"
#include "http/http.h"
#include "http/request.h"
#include "tls/context.h"
#include "wire/uri.h"

enum { ROUNDS = 10 }; /* of rewriting, as for a request */

struct weir_explain {
    cJSON *says; /* lines */
};

struct course {
    const struct wr_http *http;
    const struct wr_endpoint *endpoint;
    struct wr_request *r;
    cJSON *root;
};

void
weir_explain_say(weir_explain *to, const char *fmt, ...)
{
    char *line = NULL;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vasprintf(&line, fmt, args);
    va_end(args);
    WR_ASSERT(n >= 0);
    cJSON_AddItemToArray(to->says, cJSON_CreateString(line));
    free(line);
}

/* ---- Pieces. ---- */

void
wr_explain_add_text(cJSON *to, const char *key, weir_str text)
{
    char *copy = strndup(text.data != NULL ? text.data : "", text.len);

    WR_ASSERT(copy != NULL);
    cJSON_AddStringToObject(to, key, copy);
    free(copy);
}

void
wr_explain_add_place(cJSON *to, const struct wr_conf_node *node)
{
    if (node != NULL) {
        wr_explain_add_text(to, "file", node->source->name);
        cJSON_AddNumberToObject(to, "line", node->words[0].line);
    }
}

void
wr_explain_add_location(cJSON *to, const struct wr_location *loc)
{
    static const char *const kinds[] = {
        [WR_LOC_SERVER] = "none", [WR_LOC_PREFIX] = "prefix", [WR_LOC_PREFIX_FINAL] = "^~",
        [WR_LOC_EXACT] = "exact", [WR_LOC_REGEX] = "regex",   [WR_LOC_NAMED] = "named",
        [WR_LOC_BLOCK] = "block", [WR_LOC_BRANCH] = "branch",
    };

    cJSON_AddStringToObject(to, "kind", kinds[loc->kind]);
    wr_explain_add_text(to, "name", loc->name);
    wr_explain_add_place(to, loc->node);
}

/* The words of a statement as they may be written. */
static void
add_words(cJSON *to, const struct wr_conf_node *node)
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
    wr_explain_add_text(to, "directive", wr_strbuf_view(&b));
}

/* Does the statement o of block `at` hold in scope? */
static bool
holds(const struct wr_scope *scope, const struct wr_scope *at, const struct wr_scope_origin *o)
{
    const struct wr_scope_origin *nearest = wr_scope_origin(scope, o->slot, o->row);

    if (nearest == o || (o->row->flags & WEIR_D_MANY) == 0) {
        return nearest == o;
    }
    for (const struct wr_scope_origin *other = at->origins; other != NULL; other = other->next) {
        if (other == nearest) {
            return true;
        }
    }
    return false;
}

/* Those of the block `at`, and of the blocks around it before. */
static void
add_held(cJSON *list, const struct wr_scope *scope, const struct wr_scope *at, uint32_t slot)
{
    if (at == NULL) {
        return;
    }
    add_held(list, scope, at->parent, slot);
    for (const struct wr_scope_origin *o = at->origins; o != NULL; o = o->next) {
        if (o->slot == slot && holds(scope, at, o)) {
            cJSON *item = cJSON_CreateObject();
            add_words(item, o->node);
            wr_explain_add_place(item, o->node);
            cJSON_AddItemToArray(list, item);
        }
    }
}

/* The list `key` of the statements of the module in slot that hold in scope, those of outer blocks
 * first. */
static void
add_statements(cJSON *to, const char *key, const struct wr_scope *scope, uint32_t slot)
{
    cJSON *list = cJSON_GetObjectItem(to, key);

    add_held(list != NULL ? list : cJSON_AddArrayToObject(to, key), scope, scope, slot);
}

/* ---- Server. ---- */

static void
add_tls(struct course *c, const struct wr_server *server)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } versions[] = { { WR_TLS_1_0, "TLSv1" },
                     { WR_TLS_1_1, "TLSv1.1" },
                     { WR_TLS_1_2, "TLSv1.2" },
                     { WR_TLS_1_3, "TLSv1.3" } };
    const struct wr_server *shown = server->ssl != NULL ? server : c->endpoint->fallback;
    const struct wr_ssl_conf *conf = wr_ssl_conf(shown->base.conf);
    cJSON *o = cJSON_AddObjectToObject(c->root, "tls"), *list;

    list = cJSON_AddArrayToObject(o, "protocols");
    for (size_t i = 0; i < WR_COUNT(versions); i++) {
        if ((conf->protocols & versions[i].bit) != 0) {
            cJSON_AddItemToArray(list, cJSON_CreateString(versions[i].name));
        }
    }
    cJSON_AddBoolToObject(o, "http2", wr_endpoint_has_http2(c->endpoint, server));
    wr_explain_add_text(o, "shown_by", shown->name);
    add_statements(o, "because", shown->base.scope, wr_core_ssl.self->slot);
}

static void
add_server(struct course *c, const struct wr_server *server, enum wr_vhost_by by, weir_str name)
{
    static const char *const how[] = {
        [WR_VHOST_DEFAULT] = "default", [WR_VHOST_ONLY] = "only",     [WR_VHOST_EXACT] = "exact",
        [WR_VHOST_FRONT] = "wildcard",  [WR_VHOST_TAIL] = "wildcard", [WR_VHOST_REGEX] = "regex",
    };
    char room[WR_ADDR_TEXT];
    struct wr_strbuf text = wr_strbuf_over(room, sizeof(room));
    cJSON *o = cJSON_AddObjectToObject(c->root, "server");

    wr_addr_format(&c->endpoint->addr, false, &text);
    wr_explain_add_text(o, "name", server->name);
    wr_explain_add_place(o, server->base.node);
    wr_explain_add_text(o, "address", wr_strbuf_view(&text));
    cJSON_AddStringToObject(o, "by", how[by]);
    wr_explain_add_text(o, "matched", name);
    if (c->endpoint->ssl) {
        add_tls(c, server);
    }
}

/* ---- Phases. ---- */

/* What the module says of its hooks in this phase. */
static void
add_says(struct course *c, cJSON *to, const struct wr_order_hook *h, const struct wr_location *loc,
         uint32_t phase)
{
    weir_explain e = { .says = cJSON_AddArrayToObject(to, "says") };

    if (h->module->explain != NULL) {
        wr_request_enter(c->r, loc);
        c->r->phase = (uint8_t)phase;
        h->module->explain(&c->r->pub, loc->conf[h->slot], phase, &e);
    }
}

/* Does the hook before in the plan belong to the same module? */
static bool
goes_on(const struct wr_plan_phase *p, uint32_t i)
{
    return i != 0 && p->at[i - 1].slot == p->at[i].slot;
}

static cJSON *
explain_phase(struct course *c, const struct wr_location *loc, uint32_t phase)
{
    const struct wr_plan_phase *p = &loc->plan->phase[phase];
    const struct wr_order *order = &c->http->order;
    cJSON *o = cJSON_CreateObject();
    cJSON *hooks, *others;
    uint32_t next = 0;

    cJSON_AddStringToObject(o, "phase", wr_order_phase_name(phase));
    hooks = cJSON_AddArrayToObject(o, "hooks");
    others = cJSON_AddArrayToObject(o, "not_wanted");
    for (uint32_t i = 0; i < order->n[phase]; i++) {
        const struct wr_order_hook *h = &order->at[phase][i];
        cJSON *item;
        if (next == p->n || p->at[next].origin != h) {
            cJSON_AddItemToArray(others, cJSON_CreateString(h->module->name));
            continue;
        }
        item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "module", h->module->name);
        cJSON_AddNumberToObject(item, "rank", h->hook->rank);
        if (phase == WEIR_PHASE_BODY) {
            cJSON_AddBoolToObject(item, "files", (h->hook->flags & WEIR_HOOK_FILES) != 0);
        }
        if (!goes_on(p, next)) {
            add_statements(item, "because", loc->scope, h->slot);
            add_says(c, item, h, loc, phase);
        }
        cJSON_AddItemToArray(hooks, item);
        next++;
    }
    return o;
}

static void
add_phases(struct course *c, const struct wr_location *loc, cJSON *to, uint32_t first,
           uint32_t last)
{
    for (uint32_t phase = first; phase <= last; phase++) {
        if (phase != WEIR_PHASE_FIND_CONFIG && phase != WEIR_PHASE_POST_REWRITE &&
            phase != WEIR_PHASE_POST_ACCESS) {
            cJSON_AddItemToArray(to, explain_phase(c, loc, phase));
        }
    }
}

/* ---- Location. ---- */

/* Why a file does not go straight from the system to the client; nothing if it does. */
static void
add_sendfile(struct course *c, const struct wr_location *loc)
{
    const struct wr_files_conf *files = loc->conf[WR_SLOT_FILES];
    const struct wr_plan_phase *body = &loc->plan->phase[WEIR_PHASE_BODY];
    char text[256];

    text[0] = '\0';
    if (!files->sendfile) {
        (void)snprintf(text, sizeof(text), "off: \"sendfile off\"");
    } else if (c->endpoint->ssl) {
        (void)snprintf(text, sizeof(text), "off: the connection is encrypted");
    }
    for (uint32_t i = 0; i < body->n && text[0] == '\0'; i++) {
        if ((body->at[i].flags & WEIR_HOOK_FILES) == 0) {
            (void)snprintf(text, sizeof(text), "off where %s reads the body", body->at[i].module);
        }
    }
    if (text[0] != '\0') {
        cJSON_AddStringToObject(c->root, "sendfile", text);
    }
}

/* What was said while the path was that of the location, and what became of it. */
static void
add_rewrite(struct course *c, const struct wr_location *loc, cJSON *phase)
{
    cJSON *list = cJSON_GetObjectItem(c->root, "rewritten");
    cJSON *o = cJSON_CreateObject();

    if (list == NULL) {
        list = cJSON_AddArrayToObject(c->root, "rewritten");
    }
    wr_explain_add_location(o, loc);
    wr_explain_add_text(o, "to", c->r->pub.path);
    wr_explain_add_text(o, "query", c->r->pub.args);
    cJSON_AddItemToObject(o, "phase", phase);
    cJSON_AddItemToArray(list, o);
}

/* The location of the path that is left when all is rewritten; the phase in which it was not. NULL:
 * none, said. */
static const struct wr_location *
find_location(struct course *c, cJSON **phase)
{
    struct wr_request *r = c->r;
    const struct wr_location *loc = NULL;

    for (uint32_t round = 0; round <= ROUNDS; round++) {
        loc = wr_location_find(r, r->server->base.base, r->pub.path);
        if (loc == NULL) {
            return NULL;
        }
        loc = wr_location_limit(loc, r);
        wr_request_enter(r, loc);
        r->rewritten = false;
        r->pub.flags &= ~(uint32_t)WEIR_R_STAYED;
        *phase = explain_phase(c, loc, WEIR_PHASE_REWRITE);
        if (!r->rewritten) {
            return loc;
        }
        if (round < ROUNDS) {
            add_rewrite(c, loc, *phase);
        }
    }
    cJSON_AddTrueToObject(c->root, "loops");
    return loc;
}

/* What the location answers of itself; nothing if the pipeline runs. */
static void
add_answer(struct course *c, const struct wr_location *loc)
{
    const struct wr_loc_conf *conf = loc->conf[WR_SLOT_LOC];
    const char *answer = NULL;

    if (conf->internal && (c->r->pub.flags & WEIR_R_INTERNAL) == 0) {
        answer = "404: it is internal, and clients cannot ask for it";
    } else if (loc->adds_slash && c->r->pub.path.len < loc->name.len) {
        answer = "301: the path lacks its slash";
    }
    if (answer != NULL) {
        cJSON_AddStringToObject(c->root, "answer", answer);
    }
}

static void
add_location(struct course *c, const struct wr_location *loc)
{
    static const uint32_t slots[] = { WR_SLOT_LOC, WR_SLOT_FILES, WR_SLOT_BODY };
    const struct wr_location *plain = loc;

    while (plain->kind == WR_LOC_BLOCK) {
        plain = plain->outer;
    }
    wr_explain_add_location(cJSON_AddObjectToObject(c->root, "location"), loc);
    wr_explain_candidates(cJSON_AddArrayToObject(c->root, "candidates"), plain->base->inner,
                          c->r->pub.path, plain);
    for (size_t i = 0; i < WR_COUNT(slots); i++) {
        add_statements(c->root, "settings", loc->scope, slots[i]);
    }
    add_answer(c, loc);
    add_sendfile(c, loc);
}

/* ---- The whole. ---- */

static bool
read_path(struct wr_request *r, weir_str target)
{
    const struct wr_server_conf *c = r->server->base.conf[WR_SLOT_SERVER];
    struct wr_uri_rules rules = { .merge_slashes = c->merge_slashes,
                                  .decode_slash = c->encoded_slash };
    struct wr_err err;

    if (wr_uri_path(target, &rules, wr_pool_alloc(r->pub.pool, target.len + 1), &r->pub.path,
                    &r->pub.args, &err) != WR_OK) {
        wr_say(wr_log_process(), ERROR, "\"%.*s\" is no path: %s", WEIR_FMT(target), err.text);
        return false;
    }
    return true;
}

cJSON *
wr_explain_request(const struct wr_http *http, const struct wr_endpoint *e, struct wr_request *r,
                   weir_str host, weir_str target)
{
    struct course c = { .http = http, .endpoint = e, .r = r };
    const struct wr_server *server;
    const struct wr_location *loc;
    cJSON *phases, *phase = NULL;
    enum wr_vhost_by by;
    weir_str name;

    server = wr_vhost_choose(e, host, r, &by, &name);
    r->pub.method = WEIR_GET;
    r->pub.method_name = WEIR_STR("GET");
    r->pub.target = target;
    r->pub.host = host;
    r->server = server;
    wr_request_enter(r, &server->base);
    if (!read_path(r, target)) {
        return NULL;
    }
    c.root = cJSON_CreateObject();
    wr_explain_add_text(c.root, "path", r->pub.path);
    add_server(&c, server, by, name);
    phases = cJSON_CreateArray();
    r->rewritten = false;
    add_phases(&c, &server->base, phases, WEIR_PHASE_POST_READ, WEIR_PHASE_SERVER_REWRITE);
    if (r->rewritten) {
        add_rewrite(&c, &server->base, NULL);
    }
    loc = find_location(&c, &phase);
    if (loc == NULL) {
        cJSON_Delete(phases);
        cJSON_Delete(c.root);
        return NULL;
    }
    add_location(&c, loc);
    cJSON_AddItemToArray(phases, phase);
    add_phases(&c, loc, phases, WEIR_PHASE_POST_REWRITE, WEIR_PHASE_LOG);
    cJSON_AddItemToObject(c.root, "phases", phases);
    return c.root;
}
