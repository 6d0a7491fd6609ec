/* choice - blocks for requests of a kind: if, and when ... else when ... else.
 *
 * An `if` is nginx's: the request gets the block's settings, which inherit from the location's, and
 * the program around it goes on; the last `if` that holds has the settings. Of a `when` with its
 * `else` at most one block is entered; what stands behind it is part of that block
 * (weir_conf_branch), so settings of several add up.
 */
#include "condition.h"
#include "program.h"

struct if_step {
    struct step step; /* first */
    const struct condition *condition;
    const weir_scope *scope;
};

static int
run_if(weir_request *r, const struct step *step)
{
    const struct if_step *s = (const struct if_step *)step;
    int holds = condition_holds(r, s->condition);

    if (holds < 0) {
        return 500;
    }
    return holds ? program_enter(r, s->scope) : WEIR_NEXT;
}

static int
explain_if(weir_request *r, const struct step *step, weir_explain *to)
{
    const struct if_step *s = (const struct if_step *)step;
    int holds = condition_explain(r, s->condition, "if", step->place, to);

    if (holds == -1) {
        return 500;
    }
    return holds > 0 ? program_explain_enter(r, s->scope, to) : WEIR_NEXT;
}

int
set_if(weir_conf *cf, const weir_directive *d, void *field)
{
    struct if_step *s = program_add_sized(cf, field, sizeof(*s));

    (void)d;
    s->step.run = run_if;
    s->step.explain = explain_if;
    s->condition = condition_read(cf, 1, false);
    s->scope = weir_conf_scope(cf, WEIR_IN_IF);
    return s->condition != NULL && s->scope != NULL ? WEIR_OK : WEIR_ERROR;
}

struct branch {
    struct branch *next;
    const struct condition *condition; /* NULL: else */
    const weir_scope *scope;
    weir_place place;
};

struct when_step {
    struct step step; /* first */
    struct branch *first, *last;
};

static int
run_when(weir_request *r, const struct step *step)
{
    const struct branch *b = ((const struct when_step *)step)->first;

    for (; b != NULL; b = b->next) {
        int holds = b->condition != NULL ? condition_holds(r, b->condition) : 1;
        if (holds < 0) {
            return 500;
        }
        if (holds) {
            int rc = program_enter(r, b->scope);
            return rc == WEIR_NEXT ? STEP_STOP : rc; /* what follows was part of the branch */
        }
    }
    return WEIR_NEXT;
}

/* Where one cannot be known, none behind it is. */
static int
explain_when(weir_request *r, const struct step *step, weir_explain *to)
{
    const struct branch *b = ((const struct when_step *)step)->first;

    for (; b != NULL; b = b->next) {
        int holds = 1;
        if (b->condition == NULL) {
            weir_explain_say(to, "else (%.*s:%u): entered", WEIR_FMT(b->place.file), b->place.line);
        } else {
            holds = condition_explain(r, b->condition, "when", b->place, to);
        }
        if (holds < 0) {
            return holds == CONDITION_UNKNOWN ? WEIR_NEXT : 500;
        }
        if (holds) {
            int rc = program_explain_enter(r, b->scope, to);
            return rc == WEIR_NEXT ? STEP_STOP : rc;
        }
    }
    return WEIR_NEXT;
}

static int
add_branch(weir_conf *cf, struct when_step *s, const struct condition *condition, bool read)
{
    struct branch *b = weir_zalloc(weir_conf_pool(cf), sizeof(*b));

    b->condition = condition;
    b->place = weir_conf_place(cf);
    b->scope = weir_conf_branch(cf, "else", "return");
    if (s->last != NULL) {
        s->last->next = b;
    } else {
        s->first = b;
    }
    s->last = b;
    return read && b->scope != NULL ? WEIR_OK : WEIR_ERROR;
}

int
set_when(weir_conf *cf, const weir_directive *d, void *field)
{
    struct when_step *s = program_add_sized(cf, field, sizeof(*s));
    const struct condition *c = condition_read(cf, 1, true);

    (void)d;
    s->step.run = run_when;
    s->step.explain = explain_when;
    return add_branch(cf, s, c, c != NULL);
}

int
set_else(weir_conf *cf, const weir_directive *d, void *field)
{
    struct program *p = field;
    weir_str before = weir_conf_before(cf, 0);
    bool last = weir_str_eq(before, WEIR_STR("else")) && weir_conf_before(cf, 1).data == NULL;
    const struct condition *c = NULL;

    (void)d;
    if (last || !(weir_str_eq(before, WEIR_STR("when")) || weir_str_eq(before, WEIR_STR("else"))) ||
        p->last == NULL || p->last->run != run_when) {
        return weir_conf_error(cf, "\"else\" must directly follow a \"when\" or \"else when\"");
    }
    if (weir_conf_argc(cf) > 1) {
        if (!weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("when")) || weir_conf_argc(cf) == 2) {
            return weir_conf_error_at(cf, 1,
                                      "after \"else\" comes a block, or \"when (...)\" and one");
        }
        c = condition_read(cf, 2, true);
    }
    return add_branch(cf, (struct when_step *)p->last, c, weir_conf_argc(cf) == 1 || c != NULL);
}
