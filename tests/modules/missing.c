/* A module that calls functions no server has. */
#include <weir/weir.h>

WEIR_API int weir_not_there(int x);
WEIR_API int weir_not_there_either(int x);

static int
init(weir_conf *cf, void *conf)
{
    (void)cf;
    (void)conf;
    return weir_not_there(weir_not_there_either((int)weir_now()));
}

WEIR_MODULE("double.missing", "1.0", .init = init);
