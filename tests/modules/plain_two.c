/* The next version of plain. */
#define DOUBLE_VERSION "2.0"
#include "plain.c"
