/* A module that every configuration has. */
#include <weir/weir.h>

WEIR_MODULE("double.always", "1.0", .flags = WEIR_MODULE_ALWAYS, .summary = "always there");
