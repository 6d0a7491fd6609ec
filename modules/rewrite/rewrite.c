/* rewrite - what is done to a request before it is served: rewrite, return, set, break, if, when.
 *
 * A block's directives are one program (program.h), run for a server before its location is chosen
 * and for a location once it is. Programs are not inherited: a server's has run already, and one of
 * an `if` or `when` is run by the program around it.
 */
#include "program.h"

/* ---- Programs. ---- */

void *
program_add_sized(weir_conf *cf, struct program *p, size_t size)
{
    struct step *step = weir_zalloc(weir_conf_pool(cf), size);

    if (p->last != NULL) {
        p->last->next = step;
    } else {
        p->first = step;
    }
    p->last = step;
    p->where = weir_conf_where(cf);
    step->place = weir_conf_place(cf);
    return step;
}

struct step *
program_add(weir_conf *cf, struct program *p)
{
    return program_add_sized(cf, p, sizeof(struct step));
}

static int
program_run(weir_request *r, const struct program *p)
{
    const struct step *step = p->first;
    int rc = WEIR_NEXT;

    while (step != NULL && rc == WEIR_NEXT) {
        rc = step->run(r, step);
        step = step->next;
    }
    return rc;
}

int
program_enter(weir_request *r, const weir_scope *scope)
{
    weir_enter(r, scope);
    return program_run(r, &((const rewrite_conf *)weir_loc_conf(r))->program);
}

static int
run(weir_request *r, const void *conf)
{
    int rc = program_run(r, &((const rewrite_conf *)conf)->program);

    return rc == STEP_STOP ? WEIR_NEXT : rc;
}

static int
program_explain(weir_request *r, const struct program *p, weir_explain *to)
{
    int rc = WEIR_NEXT;

    for (const struct step *step = p->first; step != NULL && rc == WEIR_NEXT; step = step->next) {
        rc = step->explain(r, step, to);
    }
    return rc;
}

int
program_explain_enter(weir_request *r, const weir_scope *scope, weir_explain *to)
{
    weir_enter(r, scope);
    return program_explain(r, &((const rewrite_conf *)weir_loc_conf(r))->program, to);
}

static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    int rc = program_explain(r, &((const rewrite_conf *)conf)->program, to);

    (void)phase;
    if (rc != WEIR_NEXT && rc != STEP_STOP) {
        weir_explain_verdict(to, rc);
    }
}

static bool
wanted_by_server(const void *conf)
{
    const struct program *p = &((const rewrite_conf *)conf)->program;

    return p->first != NULL && p->where == WEIR_IN_SERVER;
}

/* A request that no location fits has its server's settings here, whose program has run. */
static bool
wanted_by_location(const void *conf)
{
    const struct program *p = &((const rewrite_conf *)conf)->program;

    return p->first != NULL && p->where == WEIR_IN_LOCATION;
}

/* ---- break and set. ---- */

static int
run_break(weir_request *r, const struct step *step)
{
    (void)step;
    weir_stay(r);
    return STEP_STOP;
}

static int
explain_break(weir_request *r, const struct step *step, weir_explain *to)
{
    weir_explain_say(to, "break (%.*s:%u): what is behind it is left out",
                     WEIR_FMT(step->place.file), step->place.line);
    return run_break(r, step);
}

static int
set_break(weir_conf *cf, const weir_directive *d, void *field)
{
    struct step *step = program_add(cf, field);

    (void)d;
    step->run = run_break;
    step->explain = explain_break;
    return WEIR_OK;
}

struct set_step {
    struct step step; /* first */
    int32_t var;
    weir_str name;
    weir_value *value;
};

static int
run_set(weir_request *r, const struct step *step)
{
    const struct set_step *s = (const struct set_step *)step;

    (void)weir_var_set(r, s->var, weir_value_get(r, s->value));
    return WEIR_NEXT;
}

static int
explain_set(weir_request *r, const struct step *step, weir_explain *to)
{
    const struct set_step *s = (const struct set_step *)step;
    weir_str value = weir_value_get(r, s->value), unknown = weir_explain_unknown(to);

    if (unknown.data != NULL) {
        weir_explain_say(to, "set (%.*s:%u): $%.*s is unknown: depends on $%.*s",
                         WEIR_FMT(step->place.file), step->place.line, WEIR_FMT(s->name),
                         WEIR_FMT(unknown));
        weir_explain_lose(to, r, s->var, unknown);
        return WEIR_NEXT;
    }
    weir_explain_say(to, "set (%.*s:%u): $%.*s becomes \"%.*s\"", WEIR_FMT(step->place.file),
                     step->place.line, WEIR_FMT(s->name), WEIR_FMT(value));
    return run_set(r, step);
}

/* A variable that `set` names is read in a request in which no `set` of it has run. */
static weir_str
get_unset(weir_request *r, void *data)
{
    if (((const rewrite_conf *)weir_loc_conf(r))->warn) {
        weir_say(r->log, WARN, "using uninitialized \"%s\" variable", (const char *)data);
    }
    return WEIR_STR("");
}

static int
set_set(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str name = weir_conf_variable(cf, 1);

    (void)d;
    if (name.data == NULL) {
        return WEIR_ERROR;
    }
    if (name.data[0] >= '0' && name.data[0] <= '9') {
        return weir_conf_error_at(cf, 1, "\"$%.*s\" is what a regular expression has matched",
                                  WEIR_FMT(name));
    }
    int32_t var = weir_var_declare(cf, name);
    weir_value *value = weir_value_compile(cf, weir_conf_arg(cf, 2));
    if (var < 0 || value == NULL) {
        return WEIR_ERROR;
    }
    name = weir_dup(weir_conf_pool(cf), name);
    weir_var_default(cf, var, get_unset, (void *)(uintptr_t)name.data);
    struct set_step *s = program_add_sized(cf, field, sizeof(*s));
    s->var = var;
    s->name = name;
    s->step.explain = explain_set;
    s->value = value;
    s->step.run = run_set;
    return WEIR_OK;
}

/* ---- The module. ---- */

enum {
    BLOCKS = WEIR_IN_SERVER | WEIR_IN_LOCATION,
    WHERE = BLOCKS | WEIR_IN_IF | WEIR_IN_SERVER_IF,
    STEPS = WEIR_D_MANY | WEIR_D_LOCAL
};

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(rewrite_conf, program, "rewrite", WHERE, 2, 3, STEPS, set_rewrite,
                    "change a path that a regular expression matches, or redirect"),
    WEIR_OPT_CUSTOM(rewrite_conf, program, "return", WHERE, 1, 2, STEPS, set_return,
                    "answer at once: a status, a text or a redirect; 444 closes"),
    WEIR_OPT_CUSTOM(rewrite_conf, program, "set", WHERE, 2, 2, STEPS, set_set,
                    "give a variable a value"),
    WEIR_OPT_CUSTOM(rewrite_conf, program, "break", WHERE, 0, 0, STEPS, set_break,
                    "leave out the rewrite directives that follow"),
    WEIR_OPT_CUSTOM(rewrite_conf, program, "if", BLOCKS, 1, UINT16_MAX, STEPS | WEIR_D_BLOCK,
                    set_if, "rewrite directives, and settings, for requests of a kind"),
    WEIR_OPT_CUSTOM(rewrite_conf, program, "when", BLOCKS, 1, UINT16_MAX, STEPS | WEIR_D_BLOCK,
                    set_when, "the block around it, otherwise, for requests of a kind"),
    WEIR_OPT_CUSTOM(rewrite_conf, program, "else", BLOCKS, 0, UINT16_MAX, STEPS | WEIR_D_BLOCK,
                    set_else, "the same for those that the `when` in front does not take"),
    WEIR_OPT(rewrite_conf, log, FLAG, "rewrite_log", WEIR_IN_ANY | WEIR_IN_SERVER_IF, "off",
             "tell the error log, as notices, what rewrite directives find and do"),
    WEIR_OPT(rewrite_conf, warn, FLAG, "uninitialized_variable_warn",
             WEIR_IN_ANY | WEIR_IN_SERVER_IF, "on",
             "warn of variables that are used before they are set"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_SERVER_REWRITE,
      .handler = run,
      .wanted = wanted_by_server,
      .flags = WEIR_HOOK_SUBREQUESTS },
    { .phase = WEIR_PHASE_REWRITE,
      .handler = run,
      .wanted = wanted_by_location,
      .flags = WEIR_HOOK_SUBREQUESTS },
};

WEIR_MODULE("rewrite", "1.0", .summary = "answers or changes a request before it is served",
            .conf_size = sizeof(rewrite_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .explain = explain);
