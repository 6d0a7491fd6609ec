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

/* The trap that word i of `lint_ignore` names; WR_TRAPS: none. */
static uint32_t
find_trap(weir_str word)
{
    uint32_t trap = 0;

    while (trap < WR_TRAPS && !weir_str_eq(word, weir_str_c(ids[trap]))) {
        trap++;
    }
    return trap;
}

int
wr_lint_ignore(weir_conf *cf, const weir_directive *d, void *field)
{
    int rc = WEIR_OK;

    (void)d;
    (void)field;
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        if (find_trap(weir_conf_arg(cf, i)) == WR_TRAPS) {
            wr_diag_error(cf->diag, wr_conf_place(cf->node, i),
                          "a warning ends with its name in brackets; all stand in docs/lint.md",
                          "there is no warning \"%.*s\"", WEIR_FMT(weir_conf_arg(cf, i)));
            rc = WEIR_ERROR;
        }
    }
    return rc;
}

static bool
names_trap(const struct wr_conf_node *n, enum wr_trap trap)
{
    for (uint32_t i = 1; i < n->n_words; i++) {
        if (find_trap(n->words[i].text) == trap) {
            return true;
        }
    }
    return false;
}

static bool
is_ignored(const struct wr_scope *scope, enum wr_trap trap)
{
    for (; scope != NULL; scope = scope->parent) {
        for (const struct wr_scope_origin *o = scope->origins; o != NULL; o = o->next) {
            if (o->row->set == wr_lint_ignore && names_trap(o->node, trap)) {
                return true;
            }
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

    if (is_ignored(scope, trap)) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    wr_diag_add(cf->diag, WR_DIAG_WARN, at, hint, "%s [%s]", text, ids[trap]);
}

/* ---- Questions about statements. ---- */

bool
wr_lint_has_variable(weir_str s, const char *name)
{
    size_t len = strlen(name);

    for (size_t at = wr_str_find(s, '$'); at < s.len;
         at += 1 + wr_str_find(wr_str_cut(s, at + 1, SIZE_MAX), '$')) {
        weir_str rest = wr_str_cut(s, at + 1, SIZE_MAX);
        bool brace = wr_str_starts(rest, WEIR_STR("{"));
        rest = wr_str_cut(rest, brace ? 1 : 0, SIZE_MAX);
        if (!wr_str_starts(rest, weir_str_c(name))) {
            continue;
        }
        char next = rest.len > len ? rest.data[len] : ' ';
        if (brace ? next == '}'
                  : strchr("abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
                           next) == NULL) {
            return true;
        }
    }
    return false;
}

const char *
wr_lint_where(struct weir_conf *cf, const struct wr_conf_node *n)
{
    return weir_print(wr_conf_scratch(cf), "%.*s:%u", WEIR_FMT(n->source->name), n->words[0].line)
        .data;
}

/* ---- The walk. ---- */

/* Which of the directives this is, from 1; NULL: none that is asked about. */
static struct wr_map *
name_map(struct weir_conf *cf)
{
    struct wr_map *map = wr_pool_alloc(wr_conf_scratch(cf), sizeof(*map));

    wr_map_init(map, wr_conf_scratch(cf), false);
    for (uint32_t i = 0; i < WR_LINT_NAMES; i++) {
        (void)wr_map_add(map, weir_str_c(names[i]), (void *)(uintptr_t)(i + 1));
    }
    return map;
}

/* The directive of a statement, WR_LINT_NAMES for one that is not asked about. */
static uint32_t
name_of(const struct wr_map *map, const struct wr_scope_origin *o)
{
    uintptr_t i = (uintptr_t)wr_map_find(map, weir_str_c(o->row->name));

    return i != 0 ? (uint32_t)i - 1 : WR_LINT_NAMES;
}

/* The block of scope, whose settings are loc's; NULL: the http block. */
static const struct wr_lint_block *
block_create(struct weir_conf *cf, struct wr_map *seen, const struct wr_map *map,
             const struct wr_scope *scope, const struct wr_location *loc)
{
    struct wr_lint_block *b = wr_pool_zalloc(wr_conf_scratch(cf), sizeof(*b));
    weir_str outer = { (const char *)&scope->parent, sizeof(scope->parent) };

    b->scope = scope;
    b->loc = loc;
    b->cf = cf;
    b->outer = wr_map_find(seen, outer);
    if (b->outer != NULL) {
        memcpy(b->held, b->outer->held, sizeof(b->held));
    }
    for (const struct wr_scope_origin *o = scope->origins; o != NULL; o = o->next) {
        uint32_t name = name_of(map, o);
        b->answers = b->answers || (o->row->flags & WEIR_D_CONTENT) != 0;
        if (name != WR_LINT_NAMES && b->own[name] == NULL) {
            b->own[name] = o->node;
            b->held[name] = b;
        }
    }
    wr_map_add(seen, (weir_str){ (const char *)&b->scope, sizeof(b->scope) }, b);
    return b;
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
check_block(const struct wr_lint_block *b, const struct wr_map *map)
{
    ask(b, WR_LINT_NAMES, NULL);
    for (const struct wr_scope_origin *o = b->scope->origins; o != NULL; o = o->next) {
        uint32_t name = name_of(map, o);
        if (name != WR_LINT_NAMES) {
            ask(b, name, o->node);
        }
    }
}

void
wr_lint(struct weir_conf *cf, const struct wr_http *http)
{
    const struct wr_map *map = name_map(cf);
    struct wr_map seen;

    wr_map_init(&seen, wr_conf_scratch(cf), false);
    check_block(block_create(cf, &seen, map, http->scope, NULL), map);
    WR_VEC_EACH (struct wr_location *, loc, &http->build->locations) {
        check_block(block_create(cf, &seen, map, (*loc)->scope, *loc), map);
    }
    wr_lint_addresses(cf);
}
