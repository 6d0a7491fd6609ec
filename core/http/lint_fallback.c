/* http/lint_fallback.c - traps of what is tried next: try_files and error_page. */
#include "base/str.h"
#include "http/lint.h"
#include "http/location.h"
#include "http/settings.h"
#include "http/variable.h"

/* ---- try_files. ---- */

/* Is s the path of the request, perhaps with a slash or the query behind: "$uri/", "$uri?$args"? */
static bool
is_own_path(weir_str s)
{
    static const char *const names[] = { "$uri", "$document_uri", "${uri}" };

    s = weir_str_cut(s, 0, weir_str_find(s, '?'));
    if (weir_str_ends(s, WEIR_STR("$is_args$args"))) {
        s.len -= sizeof("$is_args$args") - 1;
    }
    while (s.len != 0 && s.data[s.len - 1] == '/') {
        s.len--;
    }
    while (s.len != 0 && s.data[0] == '/') {
        s = weir_str_cut(s, 1, SIZE_MAX);
    }
    for (size_t i = 0; i < WR_COUNT(names); i++) {
        if (weir_str_eq(s, weir_str_c(names[i]))) {
            return true;
        }
    }
    return false;
}

/* Do the same files stand in front of the last word whatever is asked for? */
static bool
tries_the_same(const struct wr_conf_node *n)
{
    for (uint32_t i = 1; i + 1 < n->n_words; i++) {
        if (weir_str_find(n->words[i].text, '$') != n->words[i].text.len) {
            return false;
        }
    }
    return true;
}

static void
check_try_loop(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    weir_str last = n->words[n->n_words - 1].text;
    bool fixed = last.len != 0 && last.data[0] == '/' && weir_str_find(last, '$') == last.len;
    bool loops = is_own_path(last);

    if (b->scope->where != WEIR_IN_LOCATION || b->loc->kind == WR_LOC_NAMED ||
        b->own[WR_LINT_REWRITE] != NULL) {
        return;
    }
    if (fixed && tries_the_same(n)) {
        weir_str path = weir_str_cut(last, 0, weir_str_find(last, '?'));
        loops = wr_location_find(NULL, b->loc->base, path) == b->loc;
    }
    if (loops) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_TRY_LOOP, wr_conf_place(n, n->n_words - 1),
                     "the last word is where to go on when no file is there: \"=404\"",
                     "\"%.*s\" comes to this location again: ten rounds, then 500", WEIR_FMT(last));
    }
}

static void
check_try_proxy(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    if (b->own[WR_LINT_PROXY_PASS] == NULL) {
        return;
    }
    for (uint32_t i = 1; i + 1 < n->n_words; i++) {
        if (wr_value_names(n->words[i].text, "uri")) {
            wr_lint_warn(b->cf, b->scope, WR_TRAP_TRY_PROXY, wr_conf_place(n, 0),
                         "let the last word be a named location that proxies",
                         "the files that \"try_files\" finds are not served: the \"proxy_pass\" in "
                         "%s answers",
                         wr_lint_where(b->cf, b->own[WR_LINT_PROXY_PASS]));
            return;
        }
    }
}

/* ---- error_page. ---- */

/* Where the page is fetched: a location by its name or by a path that is always the same; NULL: who
 * knows. */
static const struct wr_location *
page_location(const struct wr_lint_block *b, weir_str to)
{
    const struct wr_location *loc = NULL;

    if (b->loc == NULL || to.len == 0 || weir_str_find(to, '$') != to.len) {
        return NULL;
    }
    if (to.data[0] == '@') {
        loc = wr_location_named(b->loc->base, to);
    } else if (to.data[0] == '/') {
        loc = wr_location_find(NULL, b->loc->base, weir_str_cut(to, 0, weir_str_find(to, '?')));
    }
    return loc;
}

/* Is the status among those of the statement? */
static bool
is_for(const struct wr_conf_node *n, weir_str status)
{
    for (uint32_t i = 1; i + 1 < n->n_words; i++) {
        if (weir_str_eq(n->words[i].text, status)) {
            return true;
        }
    }
    return false;
}

/* Does what makes the error in this block make it for the page, too? */
static bool
same_denial(const struct wr_lint_block *b, const struct wr_lint_block *page, uint32_t name)
{
    const struct wr_lint_block *rules = b->held[name];

    return rules != NULL && rules == page->held[name] && !wr_lint_is(rules->own[name], 1, "off");
}

static void
check_denied(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    const struct wr_location *loc = page_location(b, wr_lint_word(n, n->n_words - 1));
    const struct wr_lint_block *page = loc != NULL ? wr_lint_block_of(b, loc->scope) : NULL;
    const char *by = NULL;

    if (page == NULL || page->held[WR_LINT_SATISFY] != NULL || page->own[WR_LINT_RETURN] != NULL) {
        return;
    }
    if (is_for(n, WEIR_STR("403")) && same_denial(b, page, WR_LINT_DENY) &&
        b->held[WR_LINT_ALLOW] == page->held[WR_LINT_ALLOW]) {
        by = "deny";
    } else if (is_for(n, WEIR_STR("401")) && same_denial(b, page, WR_LINT_AUTH_BASIC)) {
        by = "auth_basic";
    }
    if (by != NULL) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_ERROR_DENIED, wr_conf_place(n, n->n_words - 1),
                     "let the page's location allow it",
                     "the page is denied as well: the same \"%s\" holds for it", by);
    }
}

static void
check_error_loop(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    const struct wr_location *page = page_location(b, wr_lint_word(n, n->n_words - 1));
    const struct wr_loc_conf *here, *there;
    const struct wr_conf_node *back;

    if (page == NULL || page->kind == WR_LOC_SERVER) {
        return;
    }
    here = b->loc->conf[WR_SLOT_LOC];
    there = page->conf[WR_SLOT_LOC];
    back = wr_lint_block_of(b, page->scope)->own[WR_LINT_RETURN];
    if (back != NULL && there->recursive_error_pages && there->error_pages == here->error_pages &&
        is_for(n, wr_lint_word(back, 1))) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_ERROR_LOOP, wr_conf_place(n, n->n_words - 1), NULL,
                     "the page's location returns %.*s again, in %s", WEIR_FMT(back->words[1].text),
                     wr_lint_where(b->cf, back));
    }
}

const struct wr_lint_check wr_lint_fallbacks[] = {
    { WR_LINT_TRY_FILES, check_try_loop },
    { WR_LINT_TRY_FILES, check_try_proxy },
    { WR_LINT_ERROR_PAGE, check_denied },
    { WR_LINT_ERROR_PAGE, check_error_loop },
    { 0, NULL },
};
