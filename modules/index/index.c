/* index - answers a path that ends in '/' with a file of that directory.
 *
 * The first file of the `index` list that exists is answered by an inner redirect, so that the
 * location of its own path (a .php one, say) decides what becomes of it. A directory that neither
 * this nor another content handler answers is refused by the second hook here, the last of all:
 * 403, and the line people look for in the error log.
 */
#include <weir/weir.h>

typedef struct {
    weir_strs names;     /* as written */
    weir_value **values; /* names compiled, by check() */
} index_conf;

static const weir_str no_args = { NULL, 0 };

/* Has the list come to nothing because there is no such directory? */
static int
look_at_directory(weir_request *r, weir_str directory)
{
    weir_file_info info = { .size_of = sizeof(info) };
    int rc = weir_file_look(r, directory, &info, true);

    if (rc == WEIR_OK) {
        return info.kind == WEIR_FILE_DIRECTORY ? WEIR_NEXT : 404;
    }
    return rc == WEIR_ABSENT ? 404 : rc;
}

/* Try name in directory: WEIR_ABSENT if it is not there, else what the handler should return. */
static int
try_name(weir_request *r, weir_str directory, weir_str name)
{
    weir_file_info info = { .size_of = sizeof(info) };

    if (name.len == 0) {
        return WEIR_ABSENT;
    }
    if (name.data[0] == '/') {
        return weir_redirect_inside(r, name, no_args);
    }
    weir_str file = weir_print(r->pool, "%.*s%.*s", WEIR_FMT(directory), WEIR_FMT(name));
    int rc = weir_file_look(r, file, &info, false);
    if (rc == 403) {
        weir_say(r->log, ERROR, "\"%.*s\" is forbidden", WEIR_FMT(file));
    }
    if (rc != WEIR_OK) {
        return rc;
    }
    if (info.kind == WEIR_FILE_DIRECTORY) {
        return WEIR_ABSENT;
    }
    weir_str path = weir_print(r->pool, "%.*s%.*s", WEIR_FMT(r->path), WEIR_FMT(name));
    return weir_redirect_inside(r, path, no_args);
}

static bool
is_for(const weir_request *r)
{
    return r->path.data[r->path.len - 1] == '/' &&
           (r->method & (WEIR_GET | WEIR_HEAD | WEIR_POST)) != 0;
}

static int
index_answer(weir_request *r, const void *conf)
{
    const index_conf *c = conf;

    if (!is_for(r)) {
        return WEIR_NEXT;
    }
    weir_str directory = weir_file_path(r, (weir_str){ NULL, 0 });
    if (directory.data == NULL) {
        return WEIR_ERROR;
    }
    for (size_t i = 0; i < c->names.count; i++) {
        int rc = try_name(r, directory, weir_value_get(r, c->values[i]));
        if (rc != WEIR_ABSENT) {
            return rc;
        }
    }
    return look_at_directory(r, directory);
}

/* Nothing has answered for a directory. */
static int
refuse(weir_request *r, const void *conf)
{
    (void)conf;
    weir_str directory = weir_file_path(r, (weir_str){ NULL, 0 });

    if (directory.data == NULL) {
        return WEIR_ERROR;
    }
    weir_say(r->log, ERROR, "directory index of \"%.*s\" is forbidden", WEIR_FMT(directory));
    return 403;
}

/* For `weir -M URL`: which of the files it would be. */
static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    const index_conf *c = conf;
    weir_str directory = weir_file_path(r, no_args);

    (void)phase;
    if (!is_for(r) || directory.data == NULL) {
        return;
    }
    for (size_t i = 0; i < c->names.count; i++) {
        weir_str name = weir_value_get(r, c->values[i]), unknown = weir_explain_unknown(to);
        if (unknown.data != NULL) {
            weir_explain_say(to, "index: unknown, depends on $%.*s", WEIR_FMT(unknown));
            weir_explain_verdict(to, WEIR_AGAIN);
            return;
        }
        int rc = try_name(r, directory, name);
        weir_explain_say(to, "index: \"%.*s\" %s", WEIR_FMT(name),
                         rc == WEIR_DONE     ? "is taken"
                         : rc == WEIR_ABSENT ? "is not there"
                                             : "cannot be had");
        if (rc != WEIR_ABSENT) {
            weir_explain_verdict(to, rc);
            return;
        }
    }
}

/* Words are judged where they stand, so that the report points at them. */
static int
set_index(weir_conf *cf, const weir_directive *d, void *field)
{
    uint32_t count = weir_conf_argc(cf);

    (void)d;
    (void)field;
    for (uint32_t i = 1; i < count; i++) {
        weir_str name = weir_conf_arg(cf, i);
        if (name.len == 0) {
            return weir_conf_error_at(cf, i, "index \"\" in \"index\" directive is invalid");
        }
        if (name.data[0] == '/' && i != count - 1) {
            weir_conf_warn(cf, "only the last index in \"index\" directive should be absolute");
        }
    }
    return WEIR_OK;
}

static int
check(weir_conf *cf, void *conf)
{
    index_conf *c = conf;

    c->values = weir_alloc(weir_conf_pool(cf), c->names.count * sizeof(c->values[0]));
    for (size_t i = 0; i < c->names.count; i++) {
        c->values[i] = weir_value_compile(cf, c->names.at[i]);
        if (c->values[i] == NULL) {
            return WEIR_ERROR;
        }
    }
    return WEIR_OK;
}

static const weir_directive directives[] = {
    { .name = "index",
      .help = "files that answer for their directory, the first that exists",
      .preset = "index.html",
      .where = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION,
      .type = WEIR_T_STRS,
      WEIR_FIELD_(index_conf, names, STRS),
      .set = set_index },
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT,
      .rank = WEIR_RANK_LATE,
      .handler = index_answer,
      .before = "autoindex static",
      .flags = WEIR_HOOK_SUBREQUESTS | WEIR_HOOK_FOLDERS },
    { .phase = WEIR_PHASE_CONTENT,
      .rank = WEIR_RANK_LATE + 50,
      .handler = refuse,
      .flags = WEIR_HOOK_SUBREQUESTS | WEIR_HOOK_FOLDERS },
};

WEIR_MODULE("index", "1.0", .flags = WEIR_MODULE_ALWAYS,
            .summary = "answers for a directory with a file in it",
            .conf_size = sizeof(index_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .check = check, .explain = explain);
