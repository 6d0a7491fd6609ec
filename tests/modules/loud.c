/* A module that exports more than its entry. */
#include <weir/weir.h>

WEIR_EXPORT int loud_helper(int x);

int
loud_helper(int x)
{
    return x + 1;
}

WEIR_MODULE("double.loud", "1.0", .summary = "exports a helper");
