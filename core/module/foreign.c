/* module/foreign.c - the tables of foreign.def: names are found by halving, beginnings one after the other. */
#include "module/foreign.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/str.h"

enum {
#define FOREIGN_MODULE(id, module, instead) MODULE_##id,
#define FOREIGN(name, id)
#define FOREIGN_PREFIX(prefix, id)
#include "module/foreign.def"
#undef FOREIGN_MODULE
#undef FOREIGN
#undef FOREIGN_PREFIX
};

static const char *const answers[] = {
#define FOREIGN_MODULE(id, module, instead) module "; " instead,
#define FOREIGN(name, id)
#define FOREIGN_PREFIX(prefix, id)
#include "module/foreign.def"
#undef FOREIGN_MODULE
#undef FOREIGN
#undef FOREIGN_PREFIX
};

static const struct foreign {
    const char *name;
    uint32_t module;
} table[] = {
#define FOREIGN_MODULE(id, module, instead)
#define FOREIGN(name, id) { name, MODULE_##id },
#define FOREIGN_PREFIX(prefix, id)
#include "module/foreign.def"
#undef FOREIGN_MODULE
#undef FOREIGN
#undef FOREIGN_PREFIX
};

static const struct foreign beginnings[] = {
#define FOREIGN_MODULE(id, module, instead)
#define FOREIGN(name, id)
#define FOREIGN_PREFIX(prefix, id) { prefix, MODULE_##id },
#include "module/foreign.def"
#undef FOREIGN_MODULE
#undef FOREIGN
#undef FOREIGN_PREFIX
};

static int
compare(const void *key, const void *element)
{
    const struct foreign *f = element;

    return wr_str_cmp(*(const weir_str *)key, weir_str_c(f->name));
}

const char *
wr_foreign_find(weir_str name)
{
    const struct foreign *f = bsearch(&name, table, WR_COUNT(table), sizeof(table[0]), compare);

    for (size_t i = 0; f == NULL && i < WR_COUNT(beginnings); i++) {
        if (weir_str_starts(name, weir_str_c(beginnings[i].name))) {
            f = &beginnings[i];
        }
    }
    return f != NULL ? answers[f->module] : NULL;
}
