/* http/lint.c - traps: what is valid and does something else than it seems to say.
 *
 * Every block of the http context is looked at once, those around it before; lists of checks
 * (lint.h) are asked about it and its statements. Each warning has an id (lint.def), which
 * `lint_ignore` in the block or around it silences.
 */
#include "http/lint.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"

static const char *const ids[WR_TRAPS] = {
#define WR_TRAP(name, id, says, instead) [WR_TRAP_##name] = id,
#include "http/lint.def"
#undef WR_TRAP
};

static const char *const names[WR_LINT_NAMES] = {
    [WR_LINT_ADD_HEADER] = "add_header",
    [WR_LINT_ADD_HEADER_INHERIT] = "add_header_inherit",
    [WR_LINT_ALIAS] = "alias",
    [WR_LINT_ALLOW] = "allow",
    [WR_LINT_AUTH_BASIC] = "auth_basic",
    [WR_LINT_BODY_MAX] = "client_max_body_size",
    [WR_LINT_DENY] = "deny",
    [WR_LINT_ERROR_PAGE] = "error_page",
    [WR_LINT_LIMIT_CONN_ZONE] = "limit_conn_zone",
    [WR_LINT_LIMIT_REQ_ZONE] = "limit_req_zone",
    [WR_LINT_PROXY_PASS] = "proxy_pass",
    [WR_LINT_PROXY_SET_HEADER] = "proxy_set_header",
    [WR_LINT_REAL_IP] = "set_real_ip_from",
    [WR_LINT_REQUEST_BUFFERING] = "proxy_request_buffering",
    [WR_LINT_RETURN] = "return",
    [WR_LINT_REWRITE] = "rewrite",
    [WR_LINT_ROOT] = "root",
    [WR_LINT_SATISFY] = "satisfy",
    [WR_LINT_SERVER_NAME] = "server_name",
    [WR_LINT_SSL_CIPHERS] = "ssl_ciphers",
    [WR_LINT_SSL_PROTOCOLS] = "ssl_protocols",
    [WR_LINT_TRY_FILES] = "try_files",
    [WR_LINT_WHEN] = "when",
};

static const struct wr_lint_check *const lists[] = { wr_lint_locations, wr_lint_rewrites,
                                                     wr_lint_fallbacks, wr_lint_proxies,
                                                     wr_lint_accesses,  wr_lint_servers };

/* ---- Silencing. ---- */

/* The trap of this id; WR_TRAPS: none. */
static uint32_t
find_trap(weir_str word)
{
    uint32_t trap = 0;

    while (trap < WR_TRAPS && !weir_str_eq(word, weir_str_c(ids[trap]))) {
        trap++;
    }
    return trap;
}

/* What the `lint_ignore` of one block name. */
struct ignored {
    const struct wr_scope *scope; /* first: the key */
    uint64_t traps;               /* 1 << enum wr_trap */
};
_Static_assert(WR_TRAPS <= 64, "a bit a trap");

/* What is said of scope; NULL: nothing. */
static struct ignored *
find_ignored(const struct wr_build *b, const struct wr_scope *scope)
{
    return wr_map_find(&b->ignored, (weir_str){ (const char *)&scope, sizeof(scope) });
}

int
wr_lint_ignore(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_build *b = wr_build_of(cf);
    struct ignored *to = find_ignored(b, cf->scope);
    int rc = WEIR_OK;

    (void)d;
    (void)field;
    if (to == NULL) {
        to = wr_pool_zalloc(wr_conf_scratch(cf), sizeof(*to));
        to->scope = cf->scope;
        (void)wr_map_add(&b->ignored, (weir_str){ (const char *)&to->scope, sizeof(to->scope) },
                         to);
    }
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        uint32_t trap = find_trap(weir_conf_arg(cf, i));
        if (trap == WR_TRAPS) {
            wr_diag_error(cf->diag, wr_conf_place(cf->node, i),
                          "a warning ends with its name in brackets; all stand in docs/lint.md",
                          "there is no warning \"%.*s\"", WEIR_FMT(weir_conf_arg(cf, i)));
            rc = WEIR_ERROR;
        } else {
            to->traps |= 1ull << trap;
        }
    }
    return rc;
}

static bool
is_ignored(const struct wr_build *b, const struct wr_scope *scope, enum wr_trap trap)
{
    for (; scope != NULL && wr_map_count(&b->ignored) != 0; scope = scope->parent) {
        const struct ignored *said = find_ignored(b, scope);
        if (said != NULL && (said->traps & 1ull << trap) != 0) {
            return true;
        }
    }
    return false;
}

void
wr_lint_warn(struct weir_conf *cf, const struct wr_scope *scope, enum wr_trap trap,
             struct wr_conf_place at, const char *hint, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    if (is_ignored(wr_build_of(cf), scope, trap)) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    wr_diag_add(cf->diag, WR_DIAG_WARN, at, hint, "%s [%s]", text, ids[trap]);
}

/* ---- Questions about statements. ---- */

const char *
wr_lint_where(struct weir_conf *cf, const struct wr_conf_node *n)
{
    return weir_print(wr_conf_scratch(cf), "%.*s:%u", WEIR_FMT(n->source->name), n->words[0].line)
        .data;
}

/* ---- The walk. ---- */

struct walk {
    struct weir_conf *cf;
    struct wr_map names;  /* of directives that are asked about, to enum wr_lint_name plus one */
    struct wr_map blocks; /* by scope to struct wr_lint_block, outer ones first */
};

static void
walk_init(struct walk *w, struct weir_conf *cf)
{
    w->cf = cf;
    wr_map_init(&w->blocks, wr_conf_scratch(cf), false);
    wr_map_init(&w->names, wr_conf_scratch(cf), false);
    for (uint32_t i = 0; i < WR_LINT_NAMES; i++) {
        (void)wr_map_add(&w->names, weir_str_c(names[i]), (void *)(uintptr_t)(i + 1));
    }
}

/* The directive of a statement, WR_LINT_NAMES for one that is not asked about. */
static uint32_t
name_of(const struct walk *w, const struct wr_scope_origin *o)
{
    uintptr_t i = (uintptr_t)wr_map_find(&w->names, weir_str_c(o->row->name));

    return i != 0 ? (uint32_t)i - 1 : WR_LINT_NAMES;
}

/* The block of scope, which is the index-th of the build's locations; loc NULL: the http block. */
static void
block_create(struct walk *w, const struct wr_scope *scope, const struct wr_location *loc,
             size_t index)
{
    struct wr_lint_block *b = wr_pool_zalloc(wr_conf_scratch(w->cf), sizeof(*b));
    weir_str outer = { (const char *)&scope->parent, sizeof(scope->parent) };

    b->scope = scope;
    b->loc = loc;
    b->index = index;
    b->cf = w->cf;
    b->outer = wr_map_find(&w->blocks, outer);
    if (b->outer != NULL) {
        memcpy(b->held, b->outer->held, sizeof(b->held));
    }
    for (const struct wr_scope_origin *o = scope->origins; o != NULL; o = o->next) {
        uint32_t name = name_of(w, o);
        b->answers = b->answers || (o->row->flags & WEIR_D_CONTENT) != 0;
        if (name != WR_LINT_NAMES && b->own[name] == NULL) {
            b->own[name] = o->node;
            b->held[name] = b;
        }
    }
    b->all = &w->blocks;
    (void)wr_map_add(&w->blocks, (weir_str){ (const char *)&b->scope, sizeof(b->scope) }, b);
}

const struct wr_lint_block *
wr_lint_block_of(const struct wr_lint_block *b, const struct wr_scope *scope)
{
    return wr_map_find(b->all, (weir_str){ (const char *)&scope, sizeof(scope) });
}

/* Ask about the statement, or about the block when n is NULL. */
static void
ask(const struct wr_lint_block *b, uint32_t name, const struct wr_conf_node *n)
{
    for (size_t i = 0; i < WR_COUNT(lists); i++) {
        for (const struct wr_lint_check *c = lists[i]; c->check != NULL; c++) {
            if (c->name == name) {
                c->check(b, n);
            }
        }
    }
}

static void
check_block(const struct walk *w, const struct wr_lint_block *b)
{
    ask(b, WR_LINT_NAMES, NULL);
    for (const struct wr_scope_origin *o = b->scope->origins; o != NULL; o = o->next) {
        uint32_t name = name_of(w, o);
        if (name != WR_LINT_NAMES) {
            ask(b, name, o->node);
        }
    }
}

void
wr_lint(struct weir_conf *cf, const struct wr_http *http)
{
    const struct wr_vec *all = &http->build->locations;
    struct walk w;

    walk_init(&w, cf);
    block_create(&w, http->scope, NULL, 0);
    for (size_t i = 0; i < all->count; i++) {
        const struct wr_location *loc = *wr_vec_at(all, struct wr_location *, i);
        block_create(&w, loc->scope, loc, i);
    }
    for (size_t i = 0; i < wr_map_count(&w.blocks); i++) {
        check_block(&w, wr_map_entry(&w.blocks, i)->value);
    }
    wr_lint_addresses(cf);
}
