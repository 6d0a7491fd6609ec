/* A module one of whose directives names a field outside of its configuration struct. */
#include <weir/weir.h>

typedef struct {
    uint64_t small;
} conf;

static const weir_directive directives[] = {
    { .name = "double_outside", .help = "out of bounds", .where = WEIR_IN_ANY, .type = WEIR_T_SIZE,
      .offset = 8, .size = 8 },
};

WEIR_MODULE("double.outside", "1.0", .conf_size = sizeof(conf),
            .directives = WEIR_ITEMS(directives));
