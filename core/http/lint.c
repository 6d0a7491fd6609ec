/* http/lint.c - traps: what is valid and does something else than it seems to say. Each warning has
 * an id, which `lint_ignore` in the block or around it silences. Only what is certain is said.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/str.h"
#include "http/build.h"

enum trap {
    TRAP_ADD_HEADER,
    TRAP_UNREACHABLE,
    TRAP_NO_SLASH,
    TRAP_ALIAS,
    TRAP_IF_LAST,
    TRAP_IF_TRY_FILES,
    TRAPS
};

static const char *const ids[TRAPS] = {
    [TRAP_ADD_HEADER] = "add-header-lost", [TRAP_UNREACHABLE] = "location-unreachable",
    [TRAP_NO_SLASH] = "location-no-slash", [TRAP_ALIAS] = "alias-traversal",
    [TRAP_IF_LAST] = "if-last-wins",       [TRAP_IF_TRY_FILES] = "if-loses-try-files",
};

/* What is known of one block, its own and from the blocks around it. */
struct block {
    const struct wr_scope *scope;     /* first: the key */
    const struct wr_conf_node *added; /* the nearest add_header; NULL: none */
    bool merges;                      /* an add_header_inherit holds */
    uint32_t ignored;                 /* bits of enum trap */
};

static int
find_id(weir_str word)
{
    for (int i = 0; i < TRAPS; i++) {
        if (weir_str_eq(word, weir_str_c(ids[i]))) {
            return i;
        }
    }
    return -1;
}

int
wr_lint_ignore(weir_conf *cf, const weir_directive *d, void *field)
{
    int rc = WEIR_OK;

    (void)d;
    (void)field;
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        if (find_id(weir_conf_arg(cf, i)) < 0) {
            wr_diag_error(cf->diag, wr_conf_place(cf->node, i),
                          "there are: add-header-lost, location-unreachable, location-no-slash, "
                          "alias-traversal, if-last-wins, if-loses-try-files",
                          "there is no warning \"%.*s\"", WEIR_FMT(weir_conf_arg(cf, i)));
            rc = WEIR_ERROR;
        }
    }
    return rc;
}

static uint32_t
ignored_by(const struct wr_conf_node *node)
{
    uint32_t bits = 0;

    for (uint32_t i = 1; i < node->n_words; i++) {
        bits |= 1u << find_id(node->words[i].text);
    }
    return bits;
}

static void __attribute__((format(printf, 6, 7)))
warn(struct weir_conf *cf, const struct block *b, enum trap trap, struct wr_conf_place at,
     const char *hint, const char *fmt, ...)
{
    char text[512];
    struct wr_strbuf to = wr_strbuf_over(text, sizeof(text) - 1);
    va_list args;
    int n;

    if (b->ignored & 1u << trap) {
        return;
    }
    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    to.len = n > 0 ? WR_MIN((size_t)n, sizeof(text) - 1) : 0;
    wr_diag_add(cf->diag, WR_DIAG_WARN, at, hint, "%.*s [%s]", WEIR_FMT(wr_strbuf_view(&to)),
                ids[trap]);
}

/* ---- Fields that a block loses. ---- */

static struct block *
look_at(struct weir_conf *cf, struct wr_map *seen, const struct wr_scope *scope)
{
    struct block *b = wr_pool_zalloc(wr_conf_scratch(cf), sizeof(*b));
    const struct block *outer = NULL;
    const struct wr_conf_node *own = NULL;

    if (scope->parent != NULL) {
        outer =
            wr_map_find(seen, (weir_str){ (const char *)&scope->parent, sizeof(scope->parent) });
    }
    if (outer != NULL) {
        *b = *outer;
    }
    b->scope = scope;
    for (const struct wr_scope_origin *o = scope->origins; o != NULL; o = o->next) {
        weir_str name = weir_str_c(o->row->name);
        if (weir_str_eq(name, WEIR_STR("add_header")) && own == NULL) {
            own = o->node;
        } else if (weir_str_eq(name, WEIR_STR("add_header_inherit"))) {
            b->merges = true;
        } else if (weir_str_eq(name, WEIR_STR("lint_ignore"))) {
            b->ignored |= ignored_by(o->node);
        }
    }
    if (own != NULL && b->added != NULL && !b->merges) {
        warn(cf, b, TRAP_ADD_HEADER, wr_conf_place(own, 0), "repeat them here",
             "this block's \"add_header\" takes the place of those in %.*s:%u, which are not added",
             WEIR_FMT(b->added->source->name), b->added->words[0].line);
    }
    b->added = own != NULL ? own : b->added;
    wr_map_add(seen, (weir_str){ (const char *)&b->scope, sizeof(b->scope) }, b);
    return b;
}

/* ---- Locations that no request comes to. ---- */

/* Patterns that every path fits: paths begin with a slash. */
static bool
fits_all(const struct wr_location *loc)
{
    static const char *const patterns[] = { "", "^", "/", "^/", ".", "^.", ".*", "^.*", "^/.*" };

    for (size_t i = 0; i < WR_COUNT(patterns); i++) {
        if (weir_str_eq(loc->name, weir_str_c(patterns[i]))) {
            return true;
        }
    }
    return false;
}

/* The `~` or `~*` of a location. */
static bool
folds(const struct wr_location *loc)
{
    return wr_str_starts(loc->node->words[1].text, WEIR_STR("~*"));
}

static void
check_regexes(struct weir_conf *cf, const struct block *b, const struct wr_locations *inner)
{
    const struct wr_location *all = NULL;
    struct wr_location *const *at;
    struct wr_map patterns;
    uint32_t n;

    at = wr_locations_regexes(inner, &n);
    wr_map_init(&patterns, wr_conf_scratch(cf), false);
    for (uint32_t i = 0; i < n; i++) {
        const struct wr_location *same = wr_map_set(&patterns, at[i]->name, at[i]);
        const struct wr_location *first = all;
        if (first == NULL && same != NULL && (folds(same) || !folds(at[i]))) {
            first = same;
        }
        if (first != NULL) {
            warn(cf, b, TRAP_UNREACHABLE, wr_conf_place(at[i]->node, at[i]->node->n_words - 1),
                 wr_build_first(cf, first->node),
                 "no request comes to location \"%.*s\": \"%.*s\" before it matches the same paths",
                 WEIR_FMT(at[i]->name), WEIR_FMT(first->name));
        }
        all = all == NULL && fits_all(at[i]) ? at[i] : all;
    }
}

static void
check_slash(struct weir_conf *cf, const struct block *b, const struct wr_location *loc)
{
    bool plain =
        loc->kind == WR_LOC_PREFIX || loc->kind == WR_LOC_PREFIX_FINAL || loc->kind == WR_LOC_EXACT;

    if (plain && !wr_str_starts(loc->name, WEIR_STR("/")) && loc->name.len != 0) {
        warn(cf, b, TRAP_NO_SLASH, wr_conf_place(loc->node, loc->node->n_words - 1),
             "paths begin with a slash", "no request comes to location \"%.*s\"",
             WEIR_FMT(loc->name));
    }
}

/* `location ~ ^/img(.*) { alias /data/$1; }`: the path /img../x asks for /data/../x. */
static void
check_alias(struct weir_conf *cf, const struct block *b, const struct wr_location *loc)
{
    size_t open = wr_str_find(loc->name, '(');

    if (loc->kind != WR_LOC_REGEX || open == 0 || open == loc->name.len ||
        loc->name.data[open - 1] == '/' || loc->name.data[open - 1] == '\\' ||
        !wr_str_starts(wr_str_cut(loc->name, open, SIZE_MAX), WEIR_STR("(."))) {
        return;
    }
    for (const struct wr_scope_origin *o = b->scope->origins; o != NULL; o = o->next) {
        if (weir_str_eq(weir_str_c(o->row->name), WEIR_STR("alias")) &&
            wr_str_ends(o->node->words[1].text, WEIR_STR("/$1"))) {
            warn(cf, b, TRAP_ALIAS, wr_conf_place(o->node, 1), "let a slash stand before the group",
                 "a path with \"..\" behind \"%.*s\" leaves the alias's folder",
                 WEIR_FMT(wr_str_cut(loc->name, 0, open)));
        }
    }
}

/* ---- Blocks of "if". ---- */

/* The first directive of this name in the block itself, or NULL. */
static const struct wr_conf_node *
find_own(const struct wr_scope *scope, const char *name)
{
    const struct wr_scope_origin *o = scope->origins;

    while (o != NULL && !weir_str_eq(weir_str_c(o->row->name), weir_str_c(name))) {
        o = o->next;
    }
    return o != NULL ? o->node : NULL;
}

/* Is a request that enters the block sure to stay in it? */
static bool
keeps(const struct wr_scope *scope)
{
    return find_own(scope, "return") == NULL && find_own(scope, "rewrite") == NULL;
}

/* Has the block settings, besides what is done in passing? */
static bool
has_settings(const struct weir_conf *cf, const struct wr_scope *scope)
{
    const struct wr_scope_origin *o = scope->origins;

    while (o != NULL && strcmp(cf->space->modules[o->slot]->name, "rewrite") == 0) {
        o = o->next;
    }
    return o != NULL;
}

/* Two that ask about one variable rarely hold both. */
static bool
ask_alike(const struct wr_conf_node *a, const struct wr_conf_node *b)
{
    return a->n_words > 1 && b->n_words > 1 && weir_str_eq(a->words[1].text, b->words[1].text);
}

/* `before` has the last block with settings, by the block around it. */
static void
check_if(struct weir_conf *cf, const struct block *b, const struct wr_location *loc,
         struct wr_map *before)
{
    weir_str key = { (const char *)&loc->outer, sizeof(loc->outer) };
    const struct wr_conf_node *first, *tries;

    if (loc->scope->where != WEIR_IN_IF || !keeps(loc->scope)) {
        return;
    }
    first = wr_map_find(before, key);
    if (first != NULL && !ask_alike(first, loc->node)) {
        warn(
            cf, b, TRAP_IF_LAST, wr_conf_place(loc->node, 0), "the settings of a \"when\" add up",
            "of this \"if\" and the one in %.*s:%u, when both hold, only this one's settings count",
            WEIR_FMT(first->source->name), first->words[0].line);
    }
    tries = find_own(loc->outer->scope, "try_files");
    if (tries != NULL && find_own(loc->scope, "try_files") == NULL) {
        warn(cf, b, TRAP_IF_TRY_FILES, wr_conf_place(loc->node, 0), "in a \"when\" it does",
             "in this \"if\" the \"try_files\" of %.*s:%u does not hold",
             WEIR_FMT(tries->source->name), tries->words[0].line);
    }
    if (has_settings(cf, loc->scope)) {
        (void)wr_map_set(before, key, (void *)(uintptr_t)loc->node);
    }
}

void
wr_lint(struct weir_conf *cf, const struct wr_http *http)
{
    struct wr_map seen, ifs;

    wr_map_init(&seen, wr_conf_scratch(cf), false);
    wr_map_init(&ifs, wr_conf_scratch(cf), false);
    (void)look_at(cf, &seen, http->scope);
    WR_VEC_EACH (struct wr_location *, loc, &http->build->locations) {
        const struct block *b = look_at(cf, &seen, (*loc)->scope);
        check_regexes(cf, b, (*loc)->inner);
        check_slash(cf, b, *loc);
        check_alias(cf, b, *loc);
        check_if(cf, b, *loc, &ifs);
    }
}
