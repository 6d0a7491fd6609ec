/* welcome - a module for tests: an access hook that lets everybody in, and says so in the error
 * log. */
#include <weir/weir.h>

typedef struct {
    bool on;
} welcome_conf;

static int
let_in(weir_request *r, const void *conf)
{
    const welcome_conf *c = conf;

    if (!c->on) {
        return WEIR_NEXT;
    }
    weir_say(r->log, ERROR, "welcome");
    return WEIR_DONE;
}

static const weir_directive directives[] = {
    WEIR_OPT(welcome_conf, on, FLAG, "welcome", WEIR_IN_ANY, "off", "let everybody in"),
};

static const weir_hook hooks[] = { { .phase = WEIR_PHASE_ACCESS, .handler = let_in } };

WEIR_MODULE("double.welcome", "1.0", .conf_size = sizeof(welcome_conf),
            .directives = WEIR_ITEMS(directives), .hooks = WEIR_ITEMS(hooks));
