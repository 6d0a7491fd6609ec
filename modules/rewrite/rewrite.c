/* rewrite - what is done to a request before it is served: here `return`.
 *
 * A block's directives are one program (program.h), run for a server before its location is chosen
 * and for a location once it is. Nothing is inherited: a server's program has run already.
 */
#include "program.h"

typedef struct {
    struct program program;
} rewrite_conf;

struct step *
program_add(weir_conf *cf, struct program *p)
{
    struct step *step = weir_zalloc(weir_conf_pool(cf), sizeof(*step));

    if (p->last != NULL) {
        p->last->next = step;
    } else {
        p->first = step;
    }
    p->last = step;
    return step;
}

static int
run(weir_request *r, const void *conf)
{
    const struct step *step = ((const rewrite_conf *)conf)->program.first;
    int rc = WEIR_NEXT;

    while (step != NULL && rc == WEIR_NEXT) {
        rc = step->run(r, step);
        step = step->next;
    }
    return rc;
}

static bool
wanted(const void *conf)
{
    return ((const rewrite_conf *)conf)->program.first != NULL;
}

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(rewrite_conf, program, "return", WEIR_IN_SERVER | WEIR_IN_LOCATION | WEIR_IN_IF,
                    1, 2, WEIR_D_MANY | WEIR_D_LOCAL, set_return,
                    "answer at once: a status, a text or a redirect; 444 closes"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_SERVER_REWRITE,
      .handler = run,
      .wanted = wanted,
      .flags = WEIR_HOOK_SUBREQUESTS },
    { .phase = WEIR_PHASE_REWRITE,
      .handler = run,
      .wanted = wanted,
      .flags = WEIR_HOOK_SUBREQUESTS },
};

WEIR_MODULE("rewrite", "1.0", .summary = "answers or changes a request before it is served",
            .conf_size = sizeof(rewrite_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks));
