/* replace - rewrite: another path for one that a regular expression matches, or a redirect.
 *
 *     rewrite regex replacement [last | break | redirect | permanent];
 *
 * The replacement is cut at its first `?` when it is read, so that path and query are two values
 * and each is put together once. A path is decoded, a query and a URL are not: what was matched in
 * a path that came encoded is encoded again where it goes into one of these.
 */
#include "program.h"

struct replacement {
    weir_value *path;
    weir_value *args; /* NULL: there is no `?` */
};

struct replace_step {
    struct step step; /* first; status is a redirect's, else 0 */
    weir_regex *regex;
    weir_str pattern;
    struct replacement plain;
    struct replacement coded; /* for a path that came encoded */
    bool keeps_args;          /* the request's query is put behind */
    bool stays;               /* break */
    bool stops;               /* no step after this one */
};

/* ---- Running. ---- */

/* Did the path come with "%" or "+" in it? Then bytes in it may mean something in a query. */
static bool
came_encoded(const weir_request *r)
{
    weir_str path = weir_str_cut(r->target, 0, weir_str_find(r->target, '?'));

    return weir_str_find(path, '%') != path.len || weir_str_find(path, '+') != path.len;
}

static int
redirect(weir_request *r, const struct replace_step *s, const struct replacement *t)
{
    bool behind = s->keeps_args && r->args.len != 0;
    weir_str url = weir_value_get(r, t->path);

    if (t->args != NULL || behind) {
        weir_str args = weir_value_get(r, t->args);
        url = weir_print(r->pool, "%.*s?%.*s%s%.*s", WEIR_FMT(url), WEIR_FMT(args),
                         t->args != NULL && behind ? "&" : "", behind ? (int)r->args.len : 0,
                         r->args.data);
    }
    REWRITE_LOG(r, "rewritten redirect: \"%.*s\"", WEIR_FMT(url));
    return weir_redirect(r, s->step.status, url);
}

static int
change(weir_request *r, const struct replace_step *s, const struct replacement *t)
{
    weir_str path = weir_value_get(r, t->path);
    weir_str args = { NULL, 0 }; /* as it is */

    if (t->args != NULL) {
        args = weir_value_get(r, t->args);
        if (s->keeps_args && r->args.len != 0) {
            args = weir_print(r->pool, "%.*s&%.*s", WEIR_FMT(args), WEIR_FMT(r->args));
        }
    } else if (!s->keeps_args) {
        args = WEIR_STR("");
    }
    if (path.len == 0) {
        weir_say(r->log, ERROR, "the rewritten URI has a zero length");
        return 500;
    }
    if (weir_rewrite(r, path, args) != WEIR_OK) {
        return 500;
    }
    if (s->stays) {
        weir_stay(r);
    }
    REWRITE_LOG(r, "rewritten data: \"%.*s\", args: \"%.*s\"", WEIR_FMT(r->path),
                WEIR_FMT(r->args));
    return s->stops ? STEP_STOP : WEIR_NEXT;
}

static int
run_rewrite(weir_request *r, const struct step *step)
{
    const struct replace_step *s = (const struct replace_step *)step;
    int rc = weir_regex_match(r, s->regex, r->path);

    if (rc == WEIR_ABSENT) {
        weir_captures_drop(r);
        REWRITE_LOG(r, "\"%.*s\" does not match \"%.*s\"", WEIR_FMT(s->pattern), WEIR_FMT(r->path));
        return WEIR_NEXT;
    }
    if (rc != WEIR_OK) {
        return 500;
    }
    REWRITE_LOG(r, "\"%.*s\" matches \"%.*s\"", WEIR_FMT(s->pattern), WEIR_FMT(r->path));
    const struct replacement *t = came_encoded(r) ? &s->coded : &s->plain;
    return s->step.status != 0 ? redirect(r, s, t) : change(r, s, t);
}

/* ---- Explaining. ---- */

static int
explain_match(weir_request *r, const struct replace_step *s, weir_explain *to)
{
    const struct replacement *t = came_encoded(r) ? &s->coded : &s->plain;
    weir_str path = weir_value_get(r, t->path), args = weir_value_get(r, t->args);
    weir_str unknown = weir_explain_unknown(to);
    const char *mark = t->args != NULL ? "?" : "";

    if (unknown.data != NULL) {
        weir_explain_say(to, "  matches; what it becomes is unknown: depends on $%.*s",
                         WEIR_FMT(unknown));
        return s->step.status != 0 ? (int)s->step.status : s->stops ? STEP_STOP : WEIR_NEXT;
    }
    if (s->step.status != 0) {
        weir_explain_say(to, "  matches: %u to \"%.*s%s%.*s\"", (unsigned)s->step.status,
                         WEIR_FMT(path), mark, WEIR_FMT(args));
        return (int)s->step.status;
    }
    weir_explain_say(to, "  matches: the path becomes \"%.*s%s%.*s\"%s", WEIR_FMT(path), mark,
                     WEIR_FMT(args),
                     s->stays   ? ", in this location"
                     : s->stops ? ", whose location is looked for"
                                : "");
    return change(r, s, t);
}

static int
explain_rewrite(weir_request *r, const struct step *step, weir_explain *to)
{
    const struct replace_step *s = (const struct replace_step *)step;
    int rc = weir_regex_match(r, s->regex, r->path);

    weir_explain_say(to, "rewrite (%.*s:%u): \"%.*s\" on \"%.*s\"", WEIR_FMT(step->place.file),
                     step->place.line, WEIR_FMT(s->pattern), WEIR_FMT(r->path));
    if (rc == WEIR_ABSENT) {
        weir_captures_drop(r);
        weir_explain_say(to, "  does not match");
        return WEIR_NEXT;
    }
    if (rc != WEIR_OK) {
        weir_explain_say(to, "  fails: the answer is 500");
        return 500;
    }
    return explain_match(r, s, to);
}

/* ---- Reading. ---- */

static int
read_flag(weir_conf *cf, struct replace_step *s)
{
    weir_str flag = weir_conf_arg(cf, 3);
    weir_str to = weir_conf_arg(cf, 2);

    if (weir_str_starts(to, WEIR_STR("http://")) || weir_str_starts(to, WEIR_STR("https://")) ||
        weir_str_starts(to, WEIR_STR("$scheme"))) {
        s->step.status = 302;
    }
    s->stops = s->step.status != 0 || flag.data != NULL;
    if (weir_str_eq(flag, WEIR_STR("redirect"))) {
        s->step.status = 302;
    } else if (weir_str_eq(flag, WEIR_STR("permanent"))) {
        s->step.status = 301;
    } else if (weir_str_eq(flag, WEIR_STR("break"))) {
        s->stays = true;
    } else if (flag.data != NULL && !weir_str_eq(flag, WEIR_STR("last"))) {
        return weir_conf_invalid(cf, 3, "parameter");
    }
    return WEIR_OK;
}

static bool
compile(weir_conf *cf, struct replacement *t, weir_str text, uint32_t path_escape,
        uint32_t args_escape)
{
    weir_str args = text, path = weir_str_split(&args, '?'), none = { NULL, 0 };

    if (args.data != NULL) {
        t->args = weir_value_compile_escaped(cf, args, args_escape | WEIR_ESCAPE_CAPTURES, none);
        if (t->args == NULL) {
            return false;
        }
    }
    t->path = weir_value_compile_escaped(cf, path, path_escape | WEIR_ESCAPE_CAPTURES, none);
    return t->path != NULL;
}

int
set_rewrite(weir_conf *cf, const weir_directive *d, void *field)
{
    struct replace_step *s = program_add_sized(cf, field, sizeof(*s));
    weir_str to = weir_conf_arg(cf, 2);

    (void)d;
    s->step.run = run_rewrite;
    s->pattern = weir_conf_arg(cf, 1);
    s->regex = weir_regex_compile(cf, s->pattern, 0);
    s->step.explain = explain_rewrite;
    s->keeps_args = to.len == 0 || to.data[to.len - 1] != '?';
    to.len -= s->keeps_args ? 0 : 1;
    if (s->regex == NULL || read_flag(cf, s) != WEIR_OK) {
        return WEIR_ERROR;
    }
    if (to.len == 0) {
        return weir_conf_error_at(cf, 2, "a replacement of nothing is no path");
    }
    uint32_t path_escape = s->step.status != 0 ? WEIR_ESCAPE_URI : WEIR_ESCAPE_NONE;
    return compile(cf, &s->plain, to, WEIR_ESCAPE_NONE, WEIR_ESCAPE_NONE) &&
                   compile(cf, &s->coded, to, path_escape, WEIR_ESCAPE_ARGS)
               ? WEIR_OK
               : WEIR_ERROR;
}
