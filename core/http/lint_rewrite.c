/* http/lint_rewrite.c - traps of if, return and rewrite. */
#include "base/num.h"
#include "base/str.h"
#include "http/lint.h"
#include "http/location.h"
#include "http/variable.h"

/* ---- Blocks of "if". ---- */

/* The place of the block's own first word. */
static struct wr_conf_place
place_of(const struct wr_lint_block *b)
{
    return wr_conf_place(b->loc->node, 0);
}

/* Is a request that enters the block sure to stay in it? */
static bool
keeps(const struct wr_lint_block *b)
{
    return b->own[WR_LINT_RETURN] == NULL && b->own[WR_LINT_REWRITE] == NULL;
}

/* Two that ask about one variable rarely hold both. */
static bool
ask_alike(const struct wr_conf_node *a, const struct wr_conf_node *b)
{
    return a->n_words > 1 && b->n_words > 1 && weir_str_eq(a->words[1].text, b->words[1].text);
}

/* Does a return or rewrite stand in it? */
static bool
leaves(const struct wr_conf_node *block)
{
    for (const struct wr_conf_node *n = block->first; n != NULL; n = n->next) {
        if (wr_lint_is(n, 0, "return") || wr_lint_is(n, 0, "rewrite")) {
            return true;
        }
    }
    return false;
}

/* Has the block settings, besides what is done in passing? */
static bool
sets(const struct wr_conf_node *block)
{
    static const char *const steps[] = {
        "set",         "return", "rewrite", "break", "rewrite_log", "uninitialized_variable_warn",
        "lint_ignore",
    };

    for (const struct wr_conf_node *n = block->first; n != NULL; n = n->next) {
        size_t i = 0;
        while (i < WR_COUNT(steps) && !wr_lint_is(n, 0, steps[i])) {
            i++;
        }
        if (i == WR_COUNT(steps)) {
            return true;
        }
    }
    return false;
}

/* The `if` in front of this one, in the same block, that has settings and keeps requests. */
static const struct wr_conf_node *
if_before(const struct wr_lint_block *b)
{
    const struct wr_conf_node *found = NULL;

    for (const struct wr_scope_origin *o = b->outer->scope->origins; o != NULL; o = o->next) {
        if (o->node == b->loc->node) {
            break;
        }
        if (wr_lint_is(o->node, 0, "if") && o->node->block && !leaves(o->node) && sets(o->node)) {
            found = o->node;
        }
    }
    return found;
}

static void
check_if(const struct wr_lint_block *b, const struct wr_conf_node *none)
{
    const struct wr_conf_node *first, *tries;

    (void)none;
    if (b->loc == NULL || b->scope->where != WEIR_IN_IF || !keeps(b)) {
        return;
    }
    first = if_before(b);
    if (first != NULL && !ask_alike(first, b->loc->node)) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_IF_LAST, place_of(b),
                     "the settings of a \"when\" add up",
                     "of this \"if\" and the one in %s, when both hold, only this one's settings "
                     "count",
                     wr_lint_where(b->cf, first));
    }
    tries = b->outer->own[WR_LINT_TRY_FILES];
    if (tries != NULL && b->own[WR_LINT_TRY_FILES] == NULL) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_IF_TRY_FILES, place_of(b), "in a \"when\" it does",
                     "in this \"if\" the \"try_files\" of %s does not hold",
                     wr_lint_where(b->cf, tries));
    }
}

/* ---- return. ---- */

/* What stands behind a return of the same block. */
static void
check_return(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    static const char *const steps[] = { "set", "return", "rewrite", "break", "if" };
    const struct wr_scope_origin *o = b->scope->origins;

    if (n != b->own[WR_LINT_RETURN]) {
        return;
    }
    while (o->node != n) {
        o = o->next;
    }
    for (o = o->next; o != NULL; o = o->next) {
        for (size_t i = 0; i < WR_COUNT(steps); i++) {
            if (wr_lint_is(o->node, 0, steps[i])) {
                wr_lint_warn(b->cf, b->scope, WR_TRAP_BEHIND_RETURN, wr_conf_place(o->node, 0),
                             NULL, "this \"%s\" is never done: the \"return\" in %s goes before it",
                             steps[i], wr_lint_where(b->cf, n));
            }
        }
    }
}

static void
check_redirect(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    static const char *const whole[] = { "request_uri", "args", "query_string" };
    weir_str to = wr_lint_word(n, 2);
    uint64_t code = 0;

    if (n->n_words == 2) { /* a URL alone */
        to = wr_lint_word(n, 1);
        code = 302;
    } else if (!weir_parse_number(wr_lint_word(n, 1), 999, &code)) {
        return;
    }
    for (size_t i = 0; i < WR_COUNT(whole); i++) {
        if (wr_value_names(to, whole[i])) {
            return;
        }
    }
    if ((code >= 301 && code <= 303) || code == 307 || code == 308) {
        if (wr_value_names(to, "uri") || wr_value_names(to, "document_uri")) {
            wr_lint_warn(b->cf, b->scope, WR_TRAP_RETURN_URI, wr_conf_place(n, n->n_words - 1),
                         "\"$request_uri\" has both as they came",
                         "the redirect loses the query: \"$uri\" is the decoded path alone");
        }
    }
}

/* ---- rewrite. ---- */

/* `rewrite ^/a\?id=(.*)$ ...`: a path has no query. */
static void
check_query(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    weir_str pattern = wr_lint_word(n, 1);

    for (size_t i = 0; i + 1 < pattern.len; i++) {
        if (pattern.data[i] == '\\' && pattern.data[++i] == '?') {
            wr_lint_warn(b->cf, b->scope, WR_TRAP_REWRITE_QUERY, wr_conf_place(n, 1),
                         "ask for $args or $arg_NAME by \"if\"",
                         "\"rewrite\" looks at the path, which has no query");
            return;
        }
    }
}

/* Is the statement the first step of its block? */
static bool
is_first(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    static const char *const steps[] = { "return", "rewrite", "break", "if", "when" };

    for (const struct wr_scope_origin *o = b->scope->origins; o->node != n; o = o->next) {
        for (size_t i = 0; i < WR_COUNT(steps); i++) {
            if (wr_lint_is(o->node, 0, steps[i])) {
                return false;
            }
        }
    }
    return true;
}

/* The path that the rewrite always goes to; "" when it is none, or not always the same. */
static weir_str
fixed_path(const struct wr_conf_node *n)
{
    weir_str to = wr_lint_word(n, 2);

    if (to.len == 0 || to.data[0] != '/' || weir_str_find(to, '$') != to.len ||
        (n->n_words > 3 && !wr_lint_is(n, 3, "last"))) {
        return WEIR_STR("");
    }
    return weir_str_cut(to, 0, weir_str_find(to, '?'));
}

static void
check_loop(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    weir_str path = fixed_path(n);
    const weir_regex *regex;

    if (path.len == 0 || b->scope->where != WEIR_IN_LOCATION || b->loc->kind == WR_LOC_NAMED ||
        !is_first(b, n) || b->own[WR_LINT_RETURN] != NULL ||
        wr_location_find(NULL, b->loc->base, path) != b->loc) {
        return;
    }
    regex = weir_regex_compile(b->cf, wr_lint_word(n, 1), 0);
    if (regex != NULL && weir_regex_match(NULL, regex, path) == WEIR_OK) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_REWRITE_LOOP, wr_conf_place(n, 2),
                     "\"break\" in place of \"last\" ends it",
                     "\"%.*s\" comes to this location again, and to this \"rewrite\": ten rounds, "
                     "then 500",
                     WEIR_FMT(path));
    }
}

const struct wr_lint_check wr_lint_rewrites[] = {
    { WR_LINT_NAMES, check_if },        { WR_LINT_RETURN, check_return },
    { WR_LINT_RETURN, check_redirect }, { WR_LINT_REWRITE, check_query },
    { WR_LINT_REWRITE, check_loop },    { 0, NULL },
};
