/* module/interface.c - looking for an offered table. */
#include "module/interface.h"

#include "base/assert.h"

const void *
wr_interface_find(const struct wr_registry *reg, weir_str id, const weir_module **by)
{
    WR_VEC_EACH (struct wr_registry_module, l, &reg->loaded) {
        const weir_interface *f = l->module->interfaces.at;

        for (uint32_t i = 0; i < l->module->interfaces.count; i++) {
            if (weir_str_eq(weir_str_c(f[i].id), id)) {
                if (by != NULL) {
                    *by = l->module;
                }
                return f[i].table;
            }
        }
    }
    return NULL;
}

const void *
weir_interface_find(weir_conf *cf, const char *id)
{
    return wr_interface_find(wr_registry_of(cf), weir_str_c(id), NULL);
}
