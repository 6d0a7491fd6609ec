/* A module that needs what plain offers. */
#include <weir/weir.h>

typedef struct {
    bool on;
} conf;

static const weir_directive directives[] = {
    WEIR_OPT(conf, on, FLAG, "double_needy", WEIR_IN_ANY, "off", "use plain's interface"),
};

WEIR_MODULE("double.needy", "1.0", .needs = "double.plain/1", .conf_size = sizeof(conf),
            .directives = WEIR_ITEMS(directives));
