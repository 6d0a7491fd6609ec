/* http/explain_request.c - the tree for `weir -M URL`: the course that a request would take.
 *
 * A request without a client is led through: its server is chosen, what is rewritten is asked of
 * the modules (weir_module.explain), its location is found, and again for each new path. Of the
 * location's pipeline each hook is shown with the statements that want it, and what its module
 * says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/str.h"
#include "http/core.h"
#include "http/error_page.h"
#include "http/explain.h"
#include "http/explain_course.h"
#include "http/http.h"
#include "http/request.h"
#include "http/variable.h"
#include "wire/uri.h"

enum { ROUNDS = 10 }; /* of rewriting, as for a request */

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
wr_explain_add_line(cJSON *list, weir_str text)
{
    char *copy = strndup(text.data, text.len);

    WR_ASSERT(copy != NULL);
    cJSON_AddItemToArray(list, cJSON_CreateString(copy));
    free(copy);
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

/* ---- Phases. ---- */

/* Has the module of the i-th hook one before it in the plan? It is asked once a phase. */
static bool
was_asked(const struct wr_plan_phase *p, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (p->at[k].slot == p->at[i].slot) {
            return true;
        }
    }
    return false;
}

/* The hooks of loc's plan, asked with the settings that the request has when it is their turn. */
static cJSON *
explain_phase(struct wr_course *c, const struct wr_location *loc, uint32_t phase)
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
        if (wr_explain_over(c) && phase < WEIR_PHASE_HEADERS) {
            break;
        }
        item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "module", h->module->name);
        cJSON_AddNumberToObject(item, "rank", h->hook->rank);
        if (phase == WEIR_PHASE_BODY) {
            cJSON_AddBoolToObject(item, "files", (h->hook->flags & WEIR_HOOK_FILES) != 0);
        }
        if (!was_asked(p, next)) {
            wr_explain_add_statements(item, "because", loc->scope, h->slot);
            wr_explain_hook(c, item, h, phase);
        }
        cJSON_AddItemToArray(hooks, item);
        next++;
    }
    return o;
}

static void
add_phases(struct wr_course *c, const struct wr_location *loc, cJSON *to, uint32_t first,
           uint32_t last)
{
    for (uint32_t phase = first; phase <= last && !c->r->moved; phase++) {
        if (phase != WEIR_PHASE_FIND_CONFIG && phase != WEIR_PHASE_POST_REWRITE &&
            phase != WEIR_PHASE_POST_ACCESS &&
            (c->answer == 0 || phase == WEIR_PHASE_HEADERS || phase > WEIR_PHASE_REQUEST_BODY)) {
            cJSON_AddItemToArray(to, explain_phase(c, loc, phase));
        }
        if (phase == WEIR_PHASE_ACCESS) {
            wr_explain_access_over(c);
        }
    }
}

/* ---- Location. ---- */

/* Why a file does not go straight from the system to the client; nothing if it does. */
static void
add_sendfile(struct wr_course *c, const struct wr_location *loc)
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
        cJSON_AddStringToObject(c->leg, "sendfile", text);
    }
}

/* What was said while the path was that of the location, and what became of it. */
static void
add_rewrite(struct wr_course *c, const struct wr_location *loc, cJSON *phase)
{
    cJSON *list = cJSON_GetObjectItem(c->leg, "rewritten");
    cJSON *o = cJSON_CreateObject();

    if (list == NULL) {
        list = cJSON_AddArrayToObject(c->leg, "rewritten");
    }
    wr_explain_add_location(o, loc);
    wr_explain_add_text(o, "to", c->r->pub.path);
    wr_explain_add_text(o, "query", c->r->pub.args);
    cJSON_AddItemToObject(o, "phase", phase);
    cJSON_AddItemToArray(list, o);
}

/* What the location answers of itself; nothing if the pipeline runs. */
static void
add_answer(struct wr_course *c, const struct wr_location *loc)
{
    const struct wr_loc_conf *conf = loc->conf[WR_SLOT_LOC];

    if (conf->internal && (c->r->pub.flags & WEIR_R_INTERNAL) == 0) {
        c->answer = 404;
        c->answered_by = "\"internal\": clients cannot ask for it";
    } else if (loc->adds_slash && c->r->pub.path.len < loc->name.len) {
        c->answer = 301;
        c->answered_by = "the location: the path lacks its slash";
    }
}

/* The location of the path that is left when all is rewritten; the phase in which it was not. It
 * begins with `loc`; NULL: with that of the path. NULL: none, said. */
static const struct wr_location *
find_location(struct wr_course *c, const struct wr_location *loc, cJSON **phase)
{
    struct wr_request *r = c->r;

    for (uint32_t round = 0; round <= ROUNDS; round++) {
        loc = round == 0 && loc != NULL ? loc : wr_location_find(r, r->loc->base, r->pub.path);
        if (loc == NULL) {
            wr_say(wr_log_process(), ERROR, "a regular expression failed: the answer is 500");
            return NULL;
        }
        wr_request_enter(r, loc);
        loc = r->loc;
        r->rewritten = false;
        r->pub.flags &= ~(uint32_t)WEIR_R_STAYED;
        add_answer(c, loc);
        *phase = c->answer == 0 ? explain_phase(c, loc, WEIR_PHASE_REWRITE) : NULL;
        if (!r->rewritten || c->answer != 0) {
            return r->loc;
        }
        if (round < ROUNDS) {
            add_rewrite(c, loc, *phase);
            wr_request_enter(r, r->loc->base);
        }
    }
    cJSON_AddTrueToObject(c->leg, "loops");
    c->answer = 500;
    return loc;
}

static void
add_location(struct wr_course *c, const struct wr_location *loc)
{
    static const uint32_t slots[] = { WR_SLOT_LOC, WR_SLOT_FILES, WR_SLOT_BODY };
    const struct wr_location *plain = loc;

    while (plain->kind == WR_LOC_BLOCK ||
           (plain->kind == WR_LOC_BRANCH && plain->base != plain && plain->outer != NULL)) {
        plain = plain->outer;
    }
    wr_explain_add_location(cJSON_AddObjectToObject(c->leg, "location"), loc);
    wr_explain_candidates(cJSON_AddArrayToObject(c->leg, "candidates"), plain->base->inner,
                          c->r->pub.path, plain);
    for (size_t i = 0; i < WR_COUNT(slots); i++) {
        wr_explain_add_statements(c->leg, "settings", loc->scope, slots[i]);
    }
    add_sendfile(c, loc);
}

/* ---- The whole. ---- */

/* Of variables that nobody has asked a module about. */
static void
ignore_unknown(void *data, weir_str name)
{
    (void)data;
    (void)name;
}

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

static void
note_unknown(void *data, weir_str name)
{
    *(weir_str *)data = name;
}

/* Where the error_page of the answer leads, if there is one. */
static void
add_error_page(struct wr_course *c)
{
    weir_str unknown = { NULL, 0 }, page;
    const struct wr_vars_watch watch = { note_unknown, &unknown }, *before = c->http->vars->watch;

    c->http->vars->watch = &watch;
    page = wr_error_page_target(c->r, (uint32_t)c->answer);
    c->http->vars->watch = before;
    if (unknown.data != NULL) {
        page = weir_print(c->r->pub.pool, "unknown: depends on $%.*s", WEIR_FMT(unknown));
    }
    if (page.len != 0) {
        wr_explain_add_text(c->root, "error_page", page);
    }
}

/* What is known of the answer, in words. */
static void
add_outcome(struct wr_course *c)
{
    char text[512];
    const char *unless = c->unless != NULL ? c->unless : "";

    if (c->answer != 0 && c->answered_by != NULL) {
        (void)snprintf(text, sizeof(text), "%d, by %s%s%s%s", c->answer, c->answered_by,
                       unless[0] != '\0' ? ", unless " : "", unless,
                       unless[0] != '\0' ? " answers before" : "");
        cJSON_AddStringToObject(c->root, "answer", text);
        if (c->answer >= 300 && !c->answers_itself) {
            add_error_page(c);
        }
        cJSON_AddNumberToObject(c->root, "status", c->answer);
    } else if (c->answer == 0 && unless[0] != '\0') {
        cJSON_AddStringToObject(c->root, "unless", unless);
    }
}

/* What the server's own phases say, unless the request comes to a named location. */
static const struct wr_location *
explain_server_phases(struct wr_course *c, cJSON *phases, uint32_t first)
{
    struct wr_request *r = c->r;

    if (r->loc->kind == WR_LOC_NAMED) {
        return r->loc;
    }
    add_phases(c, r->loc, phases, first, WEIR_PHASE_SERVER_REWRITE);
    if (r->rewritten) {
        add_rewrite(c, r->loc, NULL);
    }
    return NULL;
}

/* To where the request is answered, or goes on elsewhere in the server; false: it cannot, said. */
static bool
explain_leg(struct wr_course *c, uint32_t first)
{
    cJSON *phases = cJSON_AddArrayToObject(c->leg, "phases"), *phase = NULL;
    const struct wr_location *loc;

    c->r->moved = false;
    c->r->rewritten = false;
    c->settled = false;
    loc = explain_server_phases(c, phases, first);
    loc = c->answer == 0 ? find_location(c, loc, &phase) : c->r->loc;
    if (loc == NULL) {
        return false;
    }
    add_location(c, loc);
    if (phase != NULL) {
        cJSON_AddItemToArray(phases, phase);
    }
    add_phases(c, loc, phases, WEIR_PHASE_POST_REWRITE, WEIR_PHASE_LOG);
    return true;
}

/* The leg has ended elsewhere than it began: it is told of as one of those before the last. */
static void
add_moved(struct wr_course *c, cJSON *moved)
{
    bool named = c->r->loc->kind == WR_LOC_NAMED;

    cJSON_AddStringToObject(c->leg, "by", c->moved_by);
    wr_explain_add_text(c->leg, "to", named ? c->r->loc->name : c->r->pub.path);
    wr_explain_add_text(c->leg, "query", named ? WEIR_STR("") : c->r->pub.args);
    cJSON_AddItemToArray(moved, c->leg);
}

/* All legs: those that end elsewhere as "moved", of the last all in the tree itself. */
static bool
explain_course(struct wr_course *c)
{
    cJSON *moved = cJSON_AddArrayToObject(c->root, "moved");
    uint32_t first = WEIR_PHASE_POST_READ;
    bool good;

    for (;;) {
        c->leg = cJSON_CreateObject();
        good = explain_leg(c, first);
        if (!good || !c->r->moved) {
            break;
        }
        add_moved(c, moved);
        first = WEIR_PHASE_SERVER_REWRITE;
    }
    while (c->leg->child != NULL) {
        cJSON *item = cJSON_DetachItemViaPointer(c->leg, c->leg->child);
        cJSON_AddItemToObject(c->root, item->string, item);
    }
    cJSON_Delete(c->leg);
    add_outcome(c);
    return good;
}

cJSON *
wr_explain_request(const struct wr_http *http, const struct wr_endpoint *e, struct wr_request *r,
                   weir_str host, weir_str target)
{
    static const struct wr_vars_watch watch = { ignore_unknown, NULL };
    struct wr_course c = { .http = http, .endpoint = e, .r = r };
    const struct wr_server *server;
    enum wr_vhost_by by;
    weir_str name;

    wr_vars_set_watch(http->vars, &watch);
    server = wr_vhost_choose(e, host, r, &by, &name);
    r->pub.target = target;
    r->pub.host = host;
    r->line = weir_print(r->pub.pool, "%.*s %.*s HTTP/1.1", WEIR_FMT(r->pub.method_name),
                         WEIR_FMT(target));
    wr_request_enter(r, &server->base);
    if (!read_path(r, target)) {
        return NULL;
    }
    c.root = cJSON_CreateObject();
    wr_explain_add_text(c.root, "path", r->pub.path);
    wr_explain_server(&c, server, by, name);
    if (!explain_course(&c)) {
        cJSON_Delete(c.root);
        return NULL;
    }
    return c.root;
}
