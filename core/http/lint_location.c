/* http/lint_location.c - traps of locations: those that no request comes to, and those whose files
 * are not where they seem to be. */
#include "base/str.h"
#include "http/lint.h"
#include "http/location.h"

/* The place of the location's name. */
static struct wr_conf_place
place_of(const struct wr_location *loc)
{
    return wr_conf_place(loc->node, loc->node->n_words - 1);
}

static bool
is_prefix(const struct wr_location *loc)
{
    return loc->kind == WR_LOC_PREFIX || loc->kind == WR_LOC_PREFIX_FINAL;
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

/* The `~*` of a location. */
static bool
folds(const struct wr_location *loc)
{
    return weir_str_starts(loc->node->words[1].text, WEIR_STR("~*"));
}

/* Does no request come to the prefix location, since regular expressions come behind it? */
static void
check_behind(const struct wr_lint_block *b, const struct wr_location *all)
{
    const struct wr_location *exact;

    for (uint32_t i = 0; i < wr_locations_count(b->loc->inner); i++) {
        const struct wr_location *loc = wr_locations_plain(b->loc->inner, i, &exact);
        if (loc != NULL && loc->kind == WR_LOC_PREFIX && loc->inner == NULL) {
            wr_lint_warn(b->cf, loc->scope, WR_TRAP_UNREACHABLE, place_of(loc),
                         wr_build_first(b->cf, all->node),
                         "no request comes to location \"%.*s\": \"%.*s\" matches the same paths, "
                         "and regular expressions go before prefixes",
                         WEIR_FMT(loc->name), WEIR_FMT(all->name));
        }
    }
}

/* The bytes that all paths begin with which fit "^/images/.*[.]png$": "/images/"; "" if unknown. */
static weir_str
literal_start(const struct wr_location *loc)
{
    static const char special[] = "\\^$.[|()?*+{";
    weir_str s = loc->name;
    size_t n = 1;

    if (folds(loc) || !weir_str_starts(s, WEIR_STR("^")) || weir_str_find(s, '|') != s.len) {
        return WEIR_STR("");
    }
    while (n < s.len && strchr(special, s.data[n]) == NULL) {
        n++;
    }
    if (n < s.len && n > 1 && strchr("?*{", s.data[n]) != NULL) {
        n--; /* the byte in front of it may be missing */
    }
    return weir_str_cut(s, 1, n - 1);
}

/* The prefix location with `^~` that takes all paths with this start; NULL: none. */
static const struct wr_location *
taken_by(const struct wr_locations *l, weir_str start)
{
    const struct wr_location *longest = NULL, *exact;

    for (uint32_t i = 0; i < wr_locations_count(l); i++) {
        const struct wr_location *loc = wr_locations_plain(l, i, &exact);
        if (loc == NULL) {
            continue;
        }
        if (weir_str_starts(start, loc->name)) {
            longest = loc; /* in order of names the longer comes later */
        } else if (weir_str_starts(loc->name, start) && loc->kind != WR_LOC_PREFIX_FINAL) {
            return NULL;
        }
    }
    return longest != NULL && longest->kind == WR_LOC_PREFIX_FINAL ? longest : NULL;
}

static void
check_final(const struct wr_lint_block *b, const struct wr_location *loc)
{
    weir_str start = literal_start(loc);
    const struct wr_location *taker = start.len != 0 ? taken_by(b->loc->inner, start) : NULL;

    if (taker != NULL) {
        wr_lint_warn(b->cf, loc->scope, WR_TRAP_UNREACHABLE, place_of(loc),
                     wr_build_first(b->cf, taker->node),
                     "no request comes to location \"%.*s\": \"^~ %.*s\" ends the search before",
                     WEIR_FMT(loc->name), WEIR_FMT(taker->name));
    }
}

static void
check_regexes(const struct wr_lint_block *b, const struct wr_conf_node *none)
{
    const struct wr_location *all = NULL;
    struct wr_location *const *at;
    struct wr_map patterns;
    uint32_t n = 0;

    (void)none;
    at = b->loc != NULL ? wr_locations_regexes(b->loc->inner, &n) : NULL;
    wr_map_init(&patterns, wr_conf_scratch(b->cf), false);
    for (uint32_t i = 0; i < n; i++) {
        const struct wr_location *same = wr_map_set(&patterns, at[i]->name, at[i]);
        const struct wr_location *first = all;
        if (first == NULL && same != NULL && (folds(same) || !folds(at[i]))) {
            first = same;
        }
        if (first != NULL) {
            wr_lint_warn(
                b->cf, b->scope, WR_TRAP_UNREACHABLE, place_of(at[i]),
                wr_build_first(b->cf, first->node),
                "no request comes to location \"%.*s\": \"%.*s\" before it matches the same paths",
                WEIR_FMT(at[i]->name), WEIR_FMT(first->name));
        } else {
            check_final(b, at[i]);
        }
        all = all == NULL && fits_all(at[i]) ? at[i] : all;
    }
    if (all != NULL) {
        check_behind(b, all);
    }
}

/* "%20": paths have the byte itself. */
static bool
has_escape(weir_str s)
{
    static const char digits[] = "0123456789abcdefABCDEF";

    for (size_t i = 0; i + 2 < s.len; i++) {
        if (s.data[i] == '%' && s.data[i + 1] != '\0' && strchr(digits, s.data[i + 1]) != NULL &&
            s.data[i + 2] != '\0' && strchr(digits, s.data[i + 2]) != NULL) {
            return true;
        }
    }
    return false;
}

static void
check_name(const struct wr_lint_block *b, const struct wr_conf_node *none)
{
    const struct wr_location *loc = b->loc;

    (void)none;
    if (loc == NULL || (!is_prefix(loc) && loc->kind != WR_LOC_EXACT) || loc->name.len == 0) {
        return;
    }
    if (loc->name.data[0] != '/') {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_NO_SLASH, place_of(loc), "paths begin with a slash",
                     "no request comes to location \"%.*s\"", WEIR_FMT(loc->name));
    } else if (weir_str_find(loc->name, '?') != loc->name.len) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_QUERY, place_of(loc), "ask for $args inside",
                     "location \"%.*s\" has a query, but is found by the path alone",
                     WEIR_FMT(loc->name));
    } else if (has_escape(loc->name)) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_ENCODED, place_of(loc), "write the byte itself",
                     "location \"%.*s\" is encoded, but is found by the decoded path",
                     WEIR_FMT(loc->name));
    }
}

/* `location ~ .php$`: the dot stands for any byte. */
static void
check_dot(const struct wr_lint_block *b, const struct wr_conf_node *none)
{
    const struct wr_location *loc = b->loc;
    weir_str s;
    size_t at;

    (void)none;
    if (loc == NULL || loc->kind != WR_LOC_REGEX || loc->name.len < 3 || loc->name.data[0] != '.') {
        return;
    }
    s = loc->name;
    at = s.data[1] == '(' ? 2 : 1;
    if (weir_is_letter((uint8_t)s.data[at])) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_DOT, place_of(loc), "write \"\\.\"",
                     "the dot in location \"%.*s\" stands for any byte", WEIR_FMT(s));
    }
}

/* ---- Files. ---- */

/* `location /img { alias /data/; }`: the path /img../x asks for /data/../x. It is an error but
 * under `compat nginx`. */
static void
check_alias_slash(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    const struct wr_location *loc = b->loc;

    while (loc != NULL && loc->kind == WR_LOC_BRANCH) {
        loc = loc->outer;
    }
    if (loc != NULL && is_prefix(loc) &&
        weir_str_ends(loc->name, WEIR_STR("/")) != weir_str_ends(n->words[1].text, WEIR_STR("/"))) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_ALIAS, wr_conf_place(n, 1),
                     "a path with \"..\" behind the location may leave the folder",
                     "alias \"%.*s\" and location \"%.*s\" must both end with a slash, or neither",
                     WEIR_FMT(n->words[1].text), WEIR_FMT(loc->name));
    }
}

/* `location ~ ^/img(.*) { alias /data/$1; }`: the path /img../x asks for /data/../x. */
static void
check_alias(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    const struct wr_location *loc = b->loc;
    size_t open = loc != NULL ? weir_str_find(loc->name, '(') : 0;

    if (loc == NULL || loc->kind != WR_LOC_REGEX || open == 0 || open == loc->name.len ||
        loc->name.data[open - 1] == '/' || loc->name.data[open - 1] == '\\' ||
        !weir_str_starts(weir_str_cut(loc->name, open, SIZE_MAX), WEIR_STR("(."))) {
        return;
    }
    if (weir_str_ends(n->words[1].text, WEIR_STR("/$1"))) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_ALIAS, wr_conf_place(n, 1),
                     "let a slash stand before the group",
                     "a path with \"..\" behind \"%.*s\" leaves the alias's folder",
                     WEIR_FMT(weir_str_cut(loc->name, 0, open)));
    }
}

static weir_str
without_slash(weir_str s)
{
    while (s.len != 0 && s.data[s.len - 1] == '/') {
        s.len--;
    }
    return s;
}

static void
check_root(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    static const char *const wide[] = { "",     "/etc", "/root", "/home", "/usr",
                                        "/var", "/dev", "/proc", "/sys",  "/boot" };
    weir_str root = without_slash(n->words[1].text);
    bool named = b->loc != NULL && is_prefix(b->loc);
    weir_str name = named ? without_slash(b->loc->name) : WEIR_STR("");

    for (size_t i = 0; name.len == 0 && i < WR_COUNT(wide); i++) {
        if (n->words[1].text.len != 0 && weir_str_eq(root, weir_str_c(wide[i]))) {
            wr_lint_warn(b->cf, b->scope, WR_TRAP_ROOT_WIDE, wr_conf_place(n, 1), NULL,
                         "root \"%.*s\" gives the files of the system to everybody",
                         WEIR_FMT(n->words[1].text));
        }
    }
    if (name.len > 1 && weir_str_ends(root, name)) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_ROOT_REPEATS, wr_conf_place(n, 1),
                     "\"alias\" takes the place of the location's name",
                     "files of location \"%.*s\" are looked for in \"%.*s%.*s\"",
                     WEIR_FMT(b->loc->name), WEIR_FMT(root), WEIR_FMT(b->loc->name));
    }
}

/* Does the block say nothing but `internal`? Then it keeps clients out, and need not serve anybody else. */
static bool
is_shut(const struct wr_lint_block *b)
{
    const struct wr_scope_origin *only = b->scope->origins;

    return only != NULL && only->next == NULL && wr_lint_is(only->node, 0, "internal");
}

/* May the block's requests end at a file? */
static bool
serves_files(const struct wr_lint_block *b)
{
    return !b->answers && b->own[WR_LINT_RETURN] == NULL && b->own[WR_LINT_REWRITE] == NULL &&
           b->own[WR_LINT_WHEN] == NULL && b->own[WR_LINT_TRY_FILES] == NULL &&
           !wr_lint_is(b->own[WR_LINT_DENY], 1, "all") && b->loc->inner == NULL && !is_shut(b);
}

/* Does something answer in this block, or has it files? */
static bool
has_answer(const struct wr_location *loc)
{
    for (const struct wr_scope_origin *o = loc->scope->origins; o != NULL; o = o->next) {
        if ((o->row->flags & WEIR_D_CONTENT) != 0 || strcmp(o->row->name, "root") == 0) {
            return true;
        }
    }
    return false;
}

/* The location around, or the one of "/" beside, that says who answers; NULL: none does. */
static const struct wr_location *
neighbour(const struct wr_location *loc)
{
    const struct wr_location *slash, *exact;

    if (loc->outer->kind != WR_LOC_SERVER) {
        return has_answer(loc->outer) ? loc->outer : NULL;
    }
    for (uint32_t i = 0; i < wr_locations_count(loc->outer->inner); i++) {
        slash = wr_locations_plain(loc->outer->inner, i, &exact);
        if (slash != NULL && weir_str_eq(slash->name, WEIR_STR("/"))) {
            return slash != loc && has_answer(slash) ? slash : NULL;
        }
    }
    return NULL;
}

static void
check_no_root(const struct wr_lint_block *b, const struct wr_conf_node *none)
{
    const struct wr_location *loc = b->loc, *beside;

    (void)none;
    if (loc == NULL ||
        (!is_prefix(loc) && loc->kind != WR_LOC_EXACT && loc->kind != WR_LOC_REGEX) ||
        b->held[WR_LINT_ROOT] != NULL || b->held[WR_LINT_ALIAS] != NULL || !serves_files(b) ||
        b->held[WR_LINT_TRY_FILES] != NULL) {
        return;
    }
    if (b->outer->loc != NULL && b->outer->loc->kind == WR_LOC_SERVER &&
        b->outer->own[WR_LINT_RETURN] != NULL) {
        return;
    }
    beside = neighbour(loc);
    if (beside != NULL) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_ROOT_MISSING, place_of(loc),
                     "a \"root\" of the server holds in all of its locations",
                     "files of location \"%.*s\" are looked for in \"html\": what location "
                     "\"%.*s\" in %s says does not hold here",
                     WEIR_FMT(loc->name), WEIR_FMT(beside->name),
                     wr_lint_where(b->cf, beside->node));
    }
}

const struct wr_lint_check wr_lint_locations[] = {
    { WR_LINT_NAMES, check_regexes },     { WR_LINT_NAMES, check_name },
    { WR_LINT_NAMES, check_dot },         { WR_LINT_ALIAS, check_alias },
    { WR_LINT_ALIAS, check_alias_slash }, { WR_LINT_ROOT, check_root },
    { WR_LINT_NAMES, check_no_root },     { 0, NULL },
};
