/* http/core_files.c - core.files: where files are, what they are, how they are sent. */
#include "base/assert.h"
#include "base/num.h"
#include "base/str.h"
#include "http/build.h"
#include "http/core.h"
#include "http/types.h"
#include "http/variable.h"

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION, WHERE_IF = WHERE | WEIR_IN_IF };

enum { INACTIVE_MS = 60 * 1000 }; /* of an open_file_cache that says no inactive= */

typedef struct wr_files_conf conf;

static const weir_name modified[] = { { "off", 0 }, { "exact", 1 }, { "before", 2 }, { NULL, 0 } };

/* ---- root and alias: one setting in two forms. ---- */

/* Does the directive `other` stand in this block, too? Reported then. */
static bool
stands_beside(weir_conf *cf, const weir_directive *d, const char *other)
{
    for (const struct wr_scope_origin *o = cf->scope->origins; o != NULL; o = o->next) {
        if (weir_str_eq(weir_str_c(o->row->name), weir_str_c(other))) {
            wr_diag_error(cf->diag, wr_conf_place(cf->node, 0), wr_build_first(cf, o->node),
                          "\"%s\" directive is duplicate, \"%s\" directive was specified earlier",
                          d->name, other);
            return true;
        }
    }
    return false;
}

/* Does the path hold a variable that is made of it? That would never end. */
static bool
is_circular(weir_conf *cf, const weir_directive *d, weir_str path)
{
    static const char *const names[] = { "document_root", "realpath_root" };

    for (size_t i = 0; i < WR_COUNT(names); i++) {
        if (wr_value_names(path, names[i])) {
            (void)weir_conf_error_at(cf, 1, "the $%s variable cannot be used in the \"%s\" directive",
                                     names[i], d->name);
            return true;
        }
    }
    return false;
}

static int
set_root(weir_conf *cf, const weir_directive *d, void *field)
{
    conf *c = WR_CORE_STRUCT(conf, d, field);
    weir_str path = weir_conf_arg(cf, 1);

    if (stands_beside(cf, d, "alias")) {
        return WEIR_ERROR;
    }
    if (is_circular(cf, d, path)) {
        return WEIR_ERROR;
    }
    c->root = weir_value_compile(cf, path);
    c->alias = NULL;
    return c->root != NULL ? WEIR_OK : WEIR_ERROR;
}

/* `location /img { alias /data/images/; }` serves /img../secret from /data/images/../secret: the
 * two must end alike. */
static int
check_slashes(weir_conf *cf, const struct wr_location *loc, weir_str path)
{
    bool loc_slash = weir_str_ends(loc->name, WEIR_STR("/"));
    bool path_slash = weir_str_ends(path, WEIR_STR("/"));
    const char *hint = loc_slash ? "the file's name would be joined to the folder's"
                                 : "the path \"..\" behind the location would leave the folder";

    if (loc->kind == WR_LOC_EXACT || loc->kind == WR_LOC_REGEX || loc_slash == path_slash ||
        cf->compat_nginx) { /* nginx's: the linter warns of it */
        return WEIR_OK;
    }
    wr_diag_error(cf->diag, wr_conf_place(cf->node, 1), hint,
                  "alias \"%.*s\" and location \"%.*s\" must both end with a slash, or neither",
                  WEIR_FMT(path), WEIR_FMT(loc->name));
    return WEIR_ERROR;
}

/* In `location ~ ^/img/ { alias /data/; }` every path would be the folder; one file for all of them
 * may be meant. */
static int
check_whole(weir_conf *cf, const struct wr_location *loc, weir_str path)
{
    if (loc->kind != WR_LOC_REGEX || weir_str_find(path, '$') != path.len ||
        !weir_str_ends(path, WEIR_STR("/")) || cf->compat_nginx) {
        return WEIR_OK;
    }
    wr_diag_error(cf->diag, wr_conf_place(cf->node, 1), "use its captures, as in /data/$1",
                  "\"alias\" in a location given by a regular expression must be the whole path");
    return WEIR_ERROR;
}

static int
set_alias(weir_conf *cf, const weir_directive *d, void *field)
{
    conf *c = WR_CORE_STRUCT(conf, d, field);
    const struct wr_location *loc = wr_build_of(cf)->block->loc;
    weir_str path = weir_conf_arg(cf, 1);

    while (loc->kind == WR_LOC_BRANCH) {
        loc = loc->outer;
    }
    if (stands_beside(cf, d, "root")) {
        return WEIR_ERROR;
    }
    if (loc->kind == WR_LOC_NAMED) {
        return weir_conf_error(cf,
                               "the \"alias\" directive cannot be used inside the named location");
    }
    if (is_circular(cf, d, path) || check_whole(cf, loc, path) != WEIR_OK ||
        check_slashes(cf, loc, path) != WEIR_OK) {
        return WEIR_ERROR;
    }
    c->alias = weir_value_compile(cf, path);
    c->alias_for = loc->kind == WR_LOC_REGEX ? WEIR_STR("") : loc->name;
    return c->alias != NULL ? WEIR_OK : WEIR_ERROR;
}

/* ---- Settings of several words. ---- */

static int
set_symlinks(weir_conf *cf, const weir_directive *d, void *field)
{
    conf *c = WR_CORE_STRUCT(conf, d, field);
    weir_str mode = weir_conf_arg(cf, 1), from = weir_conf_arg(cf, 2);

    c->symlinks = weir_str_eq(mode, WEIR_STR("on"))             ? 1
                  : weir_str_eq(mode, WEIR_STR("if_not_owner")) ? 2
                                                                : 0;
    c->symlinks_from = NULL;
    if (c->symlinks == 0 && !weir_str_eq(mode, WEIR_STR("off"))) {
        return weir_conf_invalid(cf, 1, "parameter");
    }
    if (from.data == NULL) {
        return WEIR_OK;
    }
    if (c->symlinks == 0 || !weir_str_starts(from, WEIR_STR("from="))) {
        return weir_conf_invalid(cf, 2, "parameter");
    }
    c->symlinks_from = weir_value_compile(cf, weir_str_cut(from, 5, SIZE_MAX));
    return c->symlinks_from != NULL ? WEIR_OK : WEIR_ERROR;
}

static int
set_open_file_cache(weir_conf *cf, const weir_directive *d, void *field)
{
    conf *c = WR_CORE_STRUCT(conf, d, field);
    uint64_t max = 0;

    c->cache = false;
    c->cache_max = 0;
    c->cache_inactive_ms = INACTIVE_MS;
    if (weir_conf_argc(cf) == 2 && weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("off"))) {
        return WEIR_OK;
    }
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        if (weir_str_starts(word, WEIR_STR("max="))
                ? !weir_parse_number(weir_str_cut(word, 4, SIZE_MAX), INT32_MAX, &max) || max == 0
            : weir_str_starts(word, WEIR_STR("inactive="))
                ? weir_parse_msec(weir_str_cut(word, 9, SIZE_MAX), &c->cache_inactive_ms) != WEIR_OK
                : true) {
            return weir_conf_error_at(cf, i, "invalid \"open_file_cache\" parameter \"%.*s\"",
                                      WEIR_FMT(word));
        }
    }
    if (max == 0) {
        return weir_conf_error(cf, "\"open_file_cache\" must have the \"max\" parameter");
    }
    c->cache = true;
    c->cache_max = (int64_t)max;
    return WEIR_OK;
}

static int
not_negative(weir_conf *cf, const weir_directive *d, void *field)
{
    return *(int64_t *)field >= 0
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "\"%s\" directive invalid number", d->name);
}

static const weir_directive rows[] = {
    { .name = "root",
      .help = "folder that a request's path is looked up in",
      .preset = "html",
      .where = WHERE_IF,
      .type = WEIR_T_CUSTOM,
      WEIR_FIELD_(conf, root, VALUE),
      .min = 1,
      .max = 1,
      .set = set_root },
    { .name = "alias",
      .help = "path that takes the place of the location's own in a request's path",
      .where = WEIR_IN_LOCATION,
      .type = WEIR_T_CUSTOM,
      WR_CORE_SPAN(conf, alias, alias_for),
      .min = 1,
      .max = 1,
      .set = set_alias },
    WEIR_OPT(conf, sendfile, FLAG, "sendfile", WHERE_IF, "on",
             "let the kernel copy files to connections"),
    WEIR_OPT(conf, sendfile_max_chunk, SIZE, "sendfile_max_chunk", WHERE, "2m",
             "bytes of a file that are sent at once, so that others get their turn"),
    WEIR_OPT(conf, etag, FLAG, "etag", WHERE, "on", "files have an ETag"),
    WEIR_OPT_NAMES(conf, if_modified_since, ENUM, "if_modified_since", WHERE, "exact",
                   "how If-Modified-Since is compared with a file's time", modified),
    { .name = "max_ranges",
      .help = "most ranges of one request, more get the whole; 0: ranges are not served",
      .preset = "16",
      .compat = "9223372036854775807",
      .where = WHERE,
      .type = WEIR_T_INT,
      WEIR_FIELD_(conf, max_ranges, INT),
      .set = not_negative },
    WEIR_OPT(conf, log_not_found, FLAG, "log_not_found", WHERE, "on",
             "files that are not there are told to the error log"),
    { .name = "disable_symlinks",
      .help = "refuse symbolic links in paths, or those whose owner is another than the file's",
      .preset = "off",
      .where = WHERE,
      .type = WEIR_T_CUSTOM,
      WR_CORE_SPAN(conf, symlinks, symlinks_from),
      .min = 1,
      .max = 2,
      .set = set_symlinks },
    { .name = "open_file_cache",
      .help = "keep up to max= files open, those not used for inactive= are closed",
      .preset = "off",
      .where = WHERE,
      .type = WEIR_T_CUSTOM,
      WR_CORE_SPAN(conf, cache, cache_inactive_ms),
      .min = 1,
      .max = 2,
      .set = set_open_file_cache },
    WEIR_OPT(conf, cache_valid_ms, MSEC, "open_file_cache_valid", WHERE, "60s",
             "how long a file that is kept open is not looked at again"),
    { .name = "open_file_cache_min_uses",
      .help = "uses in the inactive time that keep a file open",
      .preset = "1",
      .where = WHERE,
      .type = WEIR_T_INT,
      WEIR_FIELD_(conf, cache_min_uses, INT),
      .set = not_negative },
    WEIR_OPT(conf, cache_errors, FLAG, "open_file_cache_errors", WHERE, "off",
             "remember files that are not there, too"),
    WEIR_OPT(conf, hot_size, SIZE, "hot_file_size", WHERE, "32k",
             "longest file that may be kept in memory; 0: none"),
    WEIR_OPT(conf, hot_memory, SIZE, "hot_file_memory", WEIR_IN_HTTP, "64m",
             "bytes of files that one worker keeps in memory"),
    { .name = "types",
      .help = "media types by the extensions of file names",
      .preset = "{ text/html html; image/gif gif; image/jpeg jpg; }",
      .where = WHERE,
      .type = WEIR_T_CUSTOM,
      .offset = offsetof(conf, types),
      .size = sizeof(((conf *)0)->types),
      .flags = WEIR_D_BLOCK | WEIR_D_MANY,
      .set = wr_types_set },
    WEIR_OPT(conf, default_type, STR, "default_type", WHERE, "text/plain",
             "media type of files with another extension"),
};

static int
check(weir_conf *cf, void *data)
{
    conf *c = data;

    if (!wr_value_valid(c->default_type)) {
        return weir_conf_error(cf, "invalid media type \"%.*s\"", WEIR_FMT(c->default_type));
    }
    c->other_type = wr_types_make(cf->pool, c->default_type);
    if (weir_conf_where(cf) != WEIR_IN_MAIN) {
        return WEIR_OK;
    }
    c->cache_inactive_ms = INACTIVE_MS;
    c->types = wr_types_usual(cf->pool);
    c->root = weir_value_compile(cf, WEIR_STR("html"));
    return c->root != NULL ? WEIR_OK : WEIR_ERROR;
}

static weir_self self = WR_SELF;

const weir_module wr_core_files = {
    WR_BUILTIN(&self, "core.files"),
    .summary = "where files are, what they are and how they are sent",
    .conf_size = sizeof(struct wr_files_conf),
    .directives = WEIR_ITEMS(rows),
    .check = check,
};
