/*
 * Print every row of every table of the server and of module files, for tools/directive-reference.
 *
 * Compiled with the whole of libcore.a, and with core_modules.inc, which names its built-in modules
 * (CORE_MODULE(symbol) each); files are given as arguments. One line a row, fields parted by tabs:
 *
 *     module     name  summary  core | bundled
 *     directive  module  name  help  syntax  preset  compat  places  flags
 *     variable   module  name
 *     metric     module  name  help  type  label
 *     trap       core.http  id  what is wrong  what to do
 *
 * An absent field is "-"; bytes below 0x20 and backslashes are escaped as in C.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <weir/weir.h>

#include "base/strbuf.h"
#include "conf/usage.h"

#define CORE_MODULE(symbol) extern const weir_module symbol;
#include "core_modules.inc"
#undef CORE_MODULE

static const weir_module *const core_modules[] = {
#define CORE_MODULE(symbol) &symbol,
#include "core_modules.inc"
    NULL
};

/* A tab and s. */
static void
print_field(const char *s)
{
    putchar('\t');
    if (s == NULL) {
        putchar('-');
        return;
    }
    for (; *s != '\0'; s++) {
        if (*s == '\n') {
            fputs("\\n", stdout);
        } else if (*s == '\\') {
            fputs("\\\\", stdout);
        } else {
            putchar((unsigned char)*s < 0x20 ? ' ' : *s);
        }
    }
}

static const void *
item(const weir_items *items, size_t i)
{
    return (const char *)items->at + i * items->stride;
}

/* What follows the directive's name; nothing for rows whose setter alone knows. */
static void
print_syntax(const weir_directive *d)
{
    char room[512];
    struct wr_strbuf to = wr_strbuf_over(room, sizeof(room) - 1);

    if (d->type == WEIR_T_CUSTOM || d->min != 0 || d->max != 0) {
        print_field(NULL);
        return;
    }
    wr_usage_print(&to, d);
    room[to.len] = '\0';
    print_field(room + sizeof("usage: ") - 1);
}

static void
print_places(uint32_t where)
{
    char room[256];
    struct wr_strbuf to = wr_strbuf_over(room, sizeof(room) - 1);

    wr_usage_where(&to, where);
    room[to.len] = '\0';
    print_field(room);
}

static void
print_directive(const weir_module *m, const weir_directive *d)
{
    fputs("directive", stdout);
    print_field(m->name);
    print_field(d->name);
    print_field(d->help);
    print_syntax(d);
    print_field(d->preset);
    print_field(d->compat);
    print_places(d->where);
    printf("\t%s%s%s%s\n", d->flags & WEIR_D_MANY ? "many " : "",
           d->flags & WEIR_D_LOCAL ? "local " : "", d->flags & WEIR_D_BLOCK ? "block " : "",
           d->flags & WEIR_D_NOTHING ? "nothing " : "");
}

static void
print_metric(const weir_module *m, const weir_metric_def *d)
{
    static const char *const types[] = { "-", "counter", "gauge", "histogram" };

    fputs("metric", stdout);
    print_field(m->name);
    print_field(d->name);
    print_field(d->help);
    print_field(types[d->type]);
    print_field(d->label);
    putchar('\n');
}

static void
print_module(const weir_module *m, const char *origin)
{
    fputs("module", stdout);
    print_field(m->name);
    print_field(m->summary);
    print_field(origin);
    putchar('\n');
    for (size_t i = 0; i < m->directives.count; i++) {
        print_directive(m, item(&m->directives, i));
    }
    for (size_t i = 0; i < m->variables.count; i++) {
        const weir_variable *v = item(&m->variables, i);
        char name[128];

        snprintf(name, sizeof(name), "%s%s", v->name, v->flags & WEIR_VAR_PREFIX ? "*" : "");
        printf("variable\t%s\t%s\n", m->name, name);
    }
    for (size_t i = 0; i < m->metrics.count; i++) {
        print_metric(m, item(&m->metrics, i));
    }
}

static void
print_traps(void)
{
#define WR_TRAP(name, id, says, instead)                                                           \
    fputs("trap\tcore.http\t" id, stdout);                                                         \
    print_field(says);                                                                             \
    print_field(instead);                                                                          \
    putchar('\n');
#include "http/lint.def"
#undef WR_TRAP
}

int
main(int argc, char **argv)
{
    int bad = 0;

    for (size_t i = 0; core_modules[i] != NULL; i++) {
        print_module(core_modules[i], "core");
    }
    print_traps();
    for (int i = 1; i < argc; i++) {
        void *file = dlopen(argv[i], RTLD_LAZY | RTLD_LOCAL);
        const weir_module *m = file != NULL ? dlsym(file, "weir_module_entry") : NULL;

        if (m == NULL) {
            fprintf(stderr, "%s\n", dlerror());
            bad = 1;
            continue;
        }
        print_module(m, "bundled");
    }
    return bad;
}
