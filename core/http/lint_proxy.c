/* http/lint_proxy.c - traps of what is passed on and added: proxy_pass, proxy_set_header,
 * add_header. */
#include "base/str.h"
#include "http/lint.h"
#include "http/location.h"
#include "http/variable.h"

/* ---- Fields that a block loses. ---- */

/* Does the block say this of the field as well, with whatever value? */
static bool
repeats(const struct wr_lint_block *b, weir_str directive, weir_str field)
{
    const struct wr_scope_origin *o = b->scope->origins;

    while (o != NULL && (!weir_str_eq(wr_lint_word(o->node, 0), directive) ||
                         !weir_str_ieq(wr_lint_word(o->node, 1), field))) {
        o = o->next;
    }
    return o != NULL;
}

/* The first statement of the outer block about a field of which the inner one says nothing; NULL: it repeats them all. */
static const struct wr_conf_node *
first_lost(const struct wr_lint_block *inner, const struct wr_lint_block *outer, weir_str directive)
{
    const struct wr_scope_origin *o = outer->scope->origins;

    while (o != NULL && (!weir_str_eq(wr_lint_word(o->node, 0), directive) ||
                         repeats(inner, directive, wr_lint_word(o->node, 1)))) {
        o = o->next;
    }
    return o != NULL ? o->node : NULL;
}

static void
check_lost(const struct wr_lint_block *b, const struct wr_conf_node *n, uint32_t name,
           enum wr_trap trap)
{
    const struct wr_lint_block *outer = b->outer != NULL ? b->outer->held[name] : NULL;
    weir_str directive = n->words[0].text;
    const struct wr_conf_node *lost =
        outer != NULL && n == b->own[name] ? first_lost(b, outer, directive) : NULL;

    if (lost != NULL) {
        wr_lint_warn(b->cf, b->scope, trap, wr_conf_place(n, 0), "repeat them here",
                     "this block's \"%.*s\" takes the place of those in %s, which are not added",
                     WEIR_FMT(directive), wr_lint_where(b->cf, lost));
    }
}

static void
check_add_header(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    if (b->held[WR_LINT_ADD_HEADER_INHERIT] == NULL) {
        check_lost(b, n, WR_LINT_ADD_HEADER, WR_TRAP_ADD_HEADER);
    }
}

static void
check_set_header(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    check_lost(b, n, WR_LINT_PROXY_SET_HEADER, WR_TRAP_SET_HEADER);
    if (weir_str_ieq(wr_lint_word(n, 1), WEIR_STR("Host")) &&
        (wr_lint_is(n, 2, "$http_host") || wr_lint_is(n, 2, "${http_host}"))) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_HTTP_HOST, wr_conf_place(n, 2),
                     "\"$host\" is the name that chose this server",
                     "\"$http_host\" is what the client sent, not what was made of it");
    }
}

/* The value of the block's own add_header for this field; absent if it has none. */
static weir_str
added(const struct wr_lint_block *b, weir_str field)
{
    for (const struct wr_scope_origin *o = b->scope->origins; o != NULL; o = o->next) {
        if (wr_lint_is(o->node, 0, "add_header") && weir_str_ieq(wr_lint_word(o->node, 1), field)) {
            return wr_lint_word(o->node, 2);
        }
    }
    return (weir_str){ NULL, 0 };
}

static void
check_cors(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    if (weir_str_ieq(wr_lint_word(n, 1), WEIR_STR("Access-Control-Allow-Origin")) &&
        wr_lint_is(n, 2, "$http_origin") &&
        weir_str_ieq(added(b, WEIR_STR("Access-Control-Allow-Credentials")), WEIR_STR("true"))) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_CORS, wr_conf_place(n, 2),
                     "let a \"map\" of \"$http_origin\" name the sites",
                     "any site may read what a user who is logged in may");
    }
}

/* ---- proxy_pass. ---- */

/* What stands behind scheme and authority in a URL; absent: nothing, or this is no URL. */
static weir_str
uri_of(weir_str url)
{
    weir_str none = { NULL, 0 };
    size_t at = 0;

    while (at < url.len && url.data[at] != ':') {
        at++;
    }
    if (!weir_str_starts(weir_str_cut(url, at, SIZE_MAX), WEIR_STR("://"))) {
        return none;
    }
    url = weir_str_cut(url, at + 3, SIZE_MAX);
    if (weir_str_starts(url, WEIR_STR("unix:"))) {
        at = 5 + weir_str_find(weir_str_cut(url, 5, SIZE_MAX), ':');
        return at < url.len ? weir_str_cut(url, at + 1, SIZE_MAX) : none;
    }
    for (at = 0; at < url.len && url.data[at] != '/' && url.data[at] != '?'; at++) {
        if (weir_str_starts(weir_str_cut(url, at, SIZE_MAX), WEIR_STR("$uri")) ||
            weir_str_starts(weir_str_cut(url, at, SIZE_MAX), WEIR_STR("$document_uri")) ||
            weir_str_starts(weir_str_cut(url, at, SIZE_MAX), WEIR_STR("$request_uri"))) {
            break; /* it begins with a slash */
        }
    }
    return at < url.len ? weir_str_cut(url, at, SIZE_MAX) : none;
}

/* The location that the block is or stands in. */
static const struct wr_location *
location_of(const struct wr_lint_block *b)
{
    const struct wr_location *loc = b->loc;

    while (loc->kind == WR_LOC_BLOCK || loc->kind == WR_LOC_BRANCH) {
        loc = loc->outer;
    }
    return loc;
}

static void
check_slash(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    const struct wr_location *loc = location_of(b);
    weir_str uri = uri_of(wr_lint_word(n, 1)), name = loc->name;
    bool slash = weir_str_ends(name, WEIR_STR("/"));

    if ((loc->kind != WR_LOC_PREFIX && loc->kind != WR_LOC_PREFIX_FINAL) || uri.len == 0 ||
        weir_str_find(wr_lint_word(n, 1), '$') != n->words[1].text.len ||
        weir_str_find(uri, '?') != uri.len || slash == weir_str_ends(uri, WEIR_STR("/"))) {
        return;
    }
    wr_lint_warn(b->cf, b->scope, WR_TRAP_PASS_SLASH, wr_conf_place(n, 1),
                 "let location and URI both end with a slash, or neither",
                 "the path \"%.*s%sx\" becomes \"%.*s%sx\"", WEIR_FMT(name), slash ? "" : "/",
                 WEIR_FMT(uri), slash ? "" : "/");
}

/* Does a rewrite of the block make the path of what the client sent, with its query? */
static bool
begins_anew(const struct wr_lint_block *b)
{
    const struct wr_scope_origin *o = b->scope->origins;

    while (o != NULL && (!wr_lint_is(o->node, 0, "rewrite") ||
                         !wr_value_names(wr_lint_word(o->node, 2), "request_uri"))) {
        o = o->next;
    }
    return o != NULL;
}

static void
check_variables(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    const struct wr_location *loc = location_of(b);
    weir_str url = wr_lint_word(n, 1), uri = uri_of(url);

    if (uri.len == 0 || weir_str_find(url, '$') == url.len) {
        return;
    }
    if (weir_str_find(uri, '$') == uri.len && loc->kind != WR_LOC_EXACT &&
        b->scope->where == WEIR_IN_LOCATION && b->own[WR_LINT_REWRITE] == NULL) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_PASS_VARIABLE, wr_conf_place(n, 1),
                     "with variables the path of the request is not put behind it",
                     "every request here asks for \"%.*s\"", WEIR_FMT(uri));
    } else if (!begins_anew(b) &&
               (wr_value_names(uri, "uri") || wr_value_names(uri, "document_uri")) &&
               !wr_value_names(uri, "args") && !wr_value_names(uri, "query_string")) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_PASS_VARIABLE, wr_conf_place(n, 1),
                     "\"$request_uri\" has both as they came",
                     "the query is not passed on: \"$uri\" is the decoded path alone");
    }
}

/* `rewrite ... break` beside a URI: the rewrite has the last word. */
static void
check_rewrite(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    weir_str url = wr_lint_word(n, 1), uri = uri_of(url);

    if (uri.len == 0 || weir_str_find(url, '$') != url.len) {
        return;
    }
    for (const struct wr_scope_origin *o = b->scope->origins; o != NULL; o = o->next) {
        if (wr_lint_is(o->node, 0, "rewrite") && wr_lint_is(o->node, 3, "break")) {
            wr_lint_warn(b->cf, b->scope, WR_TRAP_PASS_REWRITE, wr_conf_place(n, 1),
                         "put it into the \"rewrite\"",
                         "\"%.*s\" is left out where the \"rewrite\" in %s has changed the path",
                         WEIR_FMT(uri), wr_lint_where(b->cf, o->node));
            return;
        }
    }
}

const struct wr_lint_check wr_lint_proxies[] = {
    { WR_LINT_ADD_HEADER, check_add_header },
    { WR_LINT_ADD_HEADER, check_cors },
    { WR_LINT_PROXY_SET_HEADER, check_set_header },
    { WR_LINT_PROXY_PASS, check_slash },
    { WR_LINT_PROXY_PASS, check_variables },
    { WR_LINT_PROXY_PASS, check_rewrite },
    { 0, NULL },
};
