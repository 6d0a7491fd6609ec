/* static - the last content handler that can answer: the file that the path names, beneath the
 * location's root.
 *
 * A path that ends in '/' names a directory and is left to index and autoindex. A directory named
 * without the '/' is redirected to the path with it, so that the page's relative links mean what
 * they say. Everything about the file itself (type, validators, ranges, memory) is the server's:
 * weir_respond_file().
 */
#include <weir/weir.h>

/* The path with '/' behind it and the query kept. "//host" would name another server to a browser
 * that gets it as a relative reference: "/.//host" is the same path and cannot be mistaken.
 * [RFC 3986 4.2] */
static int
redirect_to_directory(weir_request *r)
{
    weir_str path = weir_escape(r->pool, r->path, WEIR_ESCAPE_URI);
    weir_str args = r->args;
    const char *guard = path.len > 1 && path.data[1] == '/' ? "/." : "";

    return weir_redirect(r, 301,
                         weir_print(r->pool, "%s%.*s/%s%.*s", guard, WEIR_FMT(path),
                                    args.len > 0 ? "?" : "", WEIR_FMT(args)));
}

static int
static_answer(weir_request *r, const void *conf)
{
    (void)conf;
    if (r->method == WEIR_OPTIONS) { /* what can be asked of a file [RFC 9110 9.3.7] */
        weir_out_set(r, WEIR_STR("Allow"), WEIR_STR("GET, HEAD, OPTIONS"));
        return weir_respond(r, 204, WEIR_STR(""), WEIR_STR(""));
    }
    if (!(r->method & (WEIR_GET | WEIR_HEAD | WEIR_POST))) {
        return weir_respond_method_not_allowed(r, WEIR_GET | WEIR_HEAD);
    }
    if (r->path.data[r->path.len - 1] == '/') {
        return WEIR_NEXT;
    }
    weir_str file = weir_file_path(r, (weir_str){ NULL, 0 });
    if (file.data == NULL) {
        return WEIR_ERROR;
    }
    int rc = weir_respond_file(r, file, 0);
    return rc == WEIR_NEXT ? redirect_to_directory(r) : rc;
}

/* For `weir -M URL`: the file that it would be. */
static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    weir_file_info info = { .size_of = sizeof(info) };
    weir_str file = weir_file_path(r, (weir_str){ NULL, 0 });

    (void)conf;
    (void)phase;
    if (r->path.data[r->path.len - 1] == '/' || file.data == NULL) {
        return;
    }
    int rc = weir_file_look(r, file, &info, false);
    weir_explain_say(to, "static: \"%.*s\" %s", WEIR_FMT(file),
                     rc == WEIR_ABSENT                      ? "is not there"
                     : rc != WEIR_OK                        ? "cannot be had"
                     : info.kind == WEIR_FILE_DIRECTORY     ? "is a directory, whose path has a slash behind it"
                                                            : "is the file");
}

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT,
      .rank = WEIR_RANK_LATE,
      .handler = static_answer,
      .flags = WEIR_HOOK_SUBREQUESTS },
};

WEIR_MODULE("static", "1.0", .flags = WEIR_MODULE_ALWAYS, .summary = "answers with files",
            .hooks = WEIR_ITEMS(hooks), .explain = explain);
