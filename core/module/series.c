/* module/series.c - weir_series_each: the numbers that modules keep themselves, one module after another. */
#include <weir/log.h>
#include <weir/module.h>

void
weir_series_each(void (*fn)(void *data, const weir_series *s), void *data)
{
    const weir_module *m;

    for (uint32_t i = 0; (m = weir_module_at(i)) != NULL; i++) {
        for (uint32_t k = 0; k < m->interfaces.count; k++) {
            const weir_interface *offered = (const void *)((const char *)m->interfaces.at +
                                                           (size_t)k * m->interfaces.stride);
            if (strcmp(offered->id, WEIR_SERIES) == 0) {
                ((const weir_series_source *)offered->table)->each(fn, data);
            }
        }
    }
}
