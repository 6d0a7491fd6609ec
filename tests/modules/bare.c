/* A shared object that is no module: it has no note. */
#include <weir/base.h>

WEIR_EXPORT int bare_answer(void);

int
bare_answer(void)
{
    return 42;
}
