/* module/foreign.c - the table of foreign.def, found by halving. */
#include "module/foreign.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/str.h"

enum {
#define FOREIGN_MODULE(id, module, instead) MODULE_##id,
#define FOREIGN(directive, id)
#include "module/foreign.def"
#undef FOREIGN_MODULE
#undef FOREIGN
};

static const char *const answers[] = {
#define FOREIGN_MODULE(id, module, instead) module "; " instead,
#define FOREIGN(directive, id)
#include "module/foreign.def"
#undef FOREIGN_MODULE
#undef FOREIGN
};

static const struct foreign {
    const char *name;
    uint32_t module;
} table[] = {
#define FOREIGN_MODULE(id, module, instead)
#define FOREIGN(directive, id) { directive, MODULE_##id },
#include "module/foreign.def"
#undef FOREIGN_MODULE
#undef FOREIGN
};

static int
compare(const void *key, const void *element)
{
    const struct foreign *f = element;

    return wr_str_cmp(*(const weir_str *)key, weir_str_c(f->name));
}

const char *
wr_foreign_find(weir_str directive)
{
    const struct foreign *f =
        bsearch(&directive, table, WR_COUNT(table), sizeof(table[0]), compare);

    return f != NULL ? answers[f->module] : NULL;
}
