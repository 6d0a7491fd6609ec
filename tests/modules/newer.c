/* A module built with headers of a later minor, whose rows are longer than the server's: the server reads their beginnings. */
#include <weir/weir.h>

typedef struct {
    bool first, second;
} conf;

struct longer_row {
    weir_directive row;
    uint64_t later[3];
};

static const struct longer_row directives[] = {
    { WEIR_OPT(conf, first, FLAG, "double_first", WEIR_IN_ANY, "off", "the first"), { 1, 2, 3 } },
    { WEIR_OPT(conf, second, FLAG, "double_second", WEIR_IN_ANY, "on", "the second"), { 4, 5, 6 } },
};

WEIR_MODULE("double.newer", "1.0", .conf_size = sizeof(conf),
            .directives = WEIR_ITEMS(directives));
