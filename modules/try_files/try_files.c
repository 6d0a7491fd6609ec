/* try_files - serve the first of several files that exists, else go somewhere else.
 *
 *     location / { try_files $uri $uri/ /index.php?$args; }
 *
 * Runs just before the content handlers. When a candidate is there, the request's path becomes that
 * candidate and the location's own content handlers answer; when none is, the last word decides: a
 * code, a named location or another path.
 */
#include <weir/weir.h>

struct candidate {
    weir_value *name;
    bool directory; /* was written with '/' at its end: a directory is wanted, not a file */
};

struct try_list {
    struct candidate *files;
    size_t count;
    weir_value *fallback; /* NULL: answer code */
    uint32_t code;
};

typedef struct {
    struct try_list *list; /* NULL: not wanted here */
} try_conf;

static weir_str
path_of(weir_request *r, const struct candidate *c)
{
    weir_str name = weir_value_get(r, c->name);

    if (name.len == 0) {
        return WEIR_STR(""); /* the root or alias itself */
    }
    if (name.data[0] != '/') {
        name = weir_print(r->pool, "/%.*s", WEIR_FMT(name));
    }
    return name;
}

/* Is the candidate there, as a file or a directory as it was written? */
static bool
is_there(weir_request *r, const struct candidate *c, weir_str path)
{
    weir_file_info info = { .size_of = sizeof(info) };
    weir_str file = weir_file_path(r, path);

    return file.data != NULL && weir_file_look(r, file, &info, false) == WEIR_OK &&
           (info.kind == WEIR_FILE_DIRECTORY) == c->directory;
}

/* The candidate becomes the request's path; an empty one is what the path leads to already. */
static void
go_on_with(weir_request *r, weir_str path)
{
    if (path.len != 0) {
        weir_set_path(r, path);
    }
}

/* Go on at "/path?args" or "@name"; a path without '?' has no query. */
static int
go_to(weir_request *r, weir_str target)
{
    weir_str path, args = { NULL, 0 };

    if (target.len > 0 && target.data[0] == '@') {
        return weir_redirect_inside(r, target, args);
    }
    if (target.len == 0 || target.data[0] != '/') {
        weir_say(r->log, ERROR, "try_files: cannot go on at \"%.*s\"", WEIR_FMT(target));
        return 500;
    }
    args = target;
    path = weir_str_split(&args, '?');
    return weir_redirect_inside(r, path, args.data != NULL ? args : WEIR_STR(""));
}

static int
try_files(weir_request *r, const void *conf)
{
    const struct try_list *list = ((const try_conf *)conf)->list;

    for (size_t i = 0; i < list->count; i++) {
        weir_str path = path_of(r, &list->files[i]);
        if (is_there(r, &list->files[i], path)) {
            go_on_with(r, path);
            return WEIR_NEXT;
        }
    }
    if (list->fallback == NULL) {
        return (int)list->code;
    }
    return go_to(r, weir_value_get(r, list->fallback));
}

/* ---- What `weir -M URL` says. ---- */

/* Does the outcome depend on what only a client's request shows? Said. */
static bool
is_unknown(weir_explain *to)
{
    weir_str unknown = weir_explain_unknown(to);

    if (unknown.data == NULL) {
        return false;
    }
    weir_explain_say(to, "try_files: unknown, depends on $%.*s", WEIR_FMT(unknown));
    weir_explain_verdict(to, WEIR_AGAIN);
    return true;
}

static void
explain_fallback(weir_request *r, const struct try_list *list, weir_explain *to)
{
    if (list->fallback == NULL) {
        weir_explain_say(to, "try_files: none is there, the answer is %u", (unsigned)list->code);
        weir_explain_verdict(to, (int)list->code);
        return;
    }
    weir_str target = weir_value_get(r, list->fallback);
    if (!is_unknown(to)) {
        weir_explain_say(to, "try_files: none is there, it goes on at \"%.*s\"", WEIR_FMT(target));
        weir_explain_verdict(to, go_to(r, target));
    }
}

static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    const struct try_list *list = ((const try_conf *)conf)->list;

    (void)phase;
    for (size_t i = 0; i < list->count; i++) {
        weir_str path = path_of(r, &list->files[i]);
        if (is_unknown(to)) {
            return;
        }
        bool there = is_there(r, &list->files[i], path);
        weir_explain_say(to, "try_files: the %s \"%.*s\" is %sthere",
                         list->files[i].directory ? "directory" : "file",
                         WEIR_FMT(weir_file_path(r, path)), there ? "" : "not ");
        if (there) {
            go_on_with(r, path);
            return;
        }
    }
    explain_fallback(r, list, to);
}

static bool
wanted(const void *conf)
{
    return ((const try_conf *)conf)->list != NULL;
}

/* "=404": three digits of a status. */
static int
read_code(weir_conf *cf, uint32_t word, struct try_list *list)
{
    weir_str s = weir_conf_arg(cf, word);
    uint64_t code;

    if (!weir_parse_number(weir_str_cut(s, 1, s.len), 599, &code) || code < 200) {
        return weir_conf_error_at(
            cf, word, "invalid code \"%.*s\": a status from 200 to 599 is expected", WEIR_FMT(s));
    }
    list->code = (uint32_t)code;
    return WEIR_OK;
}

/* "/path?args" or "@name". */
static int
read_fallback(weir_conf *cf, uint32_t word, struct try_list *list)
{
    weir_str s = weir_conf_arg(cf, word);

    if (s.len == 0 || memchr("/@$", s.data[0], 3) == NULL) {
        weir_conf_warn(cf,
                       "the last word of \"try_files\" is where to go on when no file is there: "
                       "\"%.*s\" begins with neither \"/\", \"@\" nor \"=\"",
                       WEIR_FMT(s));
    }
    list->fallback = weir_value_compile(cf, s);
    return list->fallback == NULL ? WEIR_ERROR : WEIR_OK;
}

static int
read_candidate(weir_conf *cf, uint32_t word, struct candidate *c)
{
    weir_str s = weir_conf_arg(cf, word);

    if (s.len > 0 && s.data[0] == '=') {
        return weir_conf_error_at(cf, word, "\"%.*s\" must be the last word of \"try_files\"",
                                  WEIR_FMT(s));
    }
    c->directory = s.len > 0 && s.data[s.len - 1] == '/';
    if (c->directory) {
        s.len--; /* "$uri/" for the path "/a" is the directory "/a"; the path must not grow a '/' */
    }
    c->name = weir_value_compile(cf, s);
    return c->name == NULL ? WEIR_ERROR : WEIR_OK;
}

static int
set_try_files(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_pool *pool = weir_conf_pool(cf);
    uint32_t last = weir_conf_argc(cf) - 1;
    const weir_str fallback = weir_conf_arg(cf, last);
    struct try_list *list = weir_zalloc(pool, sizeof(*list));

    (void)d;
    list->count = last - 1;
    list->files = weir_zalloc(pool, list->count * sizeof(list->files[0]));
    for (uint32_t i = 1; i < last; i++) {
        int rc = read_candidate(cf, i, &list->files[i - 1]);
        if (rc != WEIR_OK) {
            return rc;
        }
    }
    int rc = fallback.len > 0 && fallback.data[0] == '=' ? read_code(cf, last, list)
                                                         : read_fallback(cf, last, list);
    if (rc == WEIR_OK) {
        *(struct try_list **)field = list;
    }
    return rc;
}

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(try_conf, list, "try_files", WEIR_IN_SERVER | WEIR_IN_LOCATION, 2, UINT16_MAX,
                    WEIR_D_LOCAL, set_try_files,
                    "serve the first of these files that exists, else do what the last word says"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_PRECONTENT,
      .handler = try_files,
      .wanted = wanted,
      .flags = WEIR_HOOK_SUBREQUESTS },
};

WEIR_MODULE("try_files", "1.0", .summary = "tries files in order, then another path",
            .conf_size = sizeof(try_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .explain = explain);
