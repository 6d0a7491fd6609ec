/*
 * Print the tables of module files without a server, for tools/check-docs.
 *
 * Compiled together with an image of the public functions (tests/abi/ledger.py) that satisfies the
 * modules' references; none of a module's code runs. One line a row, fields separated by tabs:
 * kind, module, name, help, preset.
 */
#include <dlfcn.h>
#include <stdio.h>

/* A tab and the text on one line, whatever it holds. */
static void
print_field(const char *s)
{
    putchar('\t');
    for (; s != NULL && *s != '\0'; s++) {
        putchar(*s == '\n' || *s == '\t' ? ' ' : *s);
    }
}

static void
print_row(const char *kind, const weir_module *m, const char *name, const char *help,
          const char *preset)
{
    printf("%s", kind);
    print_field(m->name);
    print_field(name);
    print_field(help);
    print_field(preset);
    putchar('\n');
}

static void
print_module(const weir_module *m)
{
    print_row("module", m, m->name, m->summary, NULL);
    for (size_t i = 0; i < m->directives.count; i++) {
        const weir_directive *d =
            (const void *)((const char *)m->directives.at + i * m->directives.stride);
        print_row("directive", m, d->name, d->help, d->preset);
    }
    for (size_t i = 0; i < m->variables.count; i++) {
        const weir_variable *v =
            (const void *)((const char *)m->variables.at + i * m->variables.stride);
        char name[128];

        snprintf(name, sizeof(name), "%s%s", v->name, (v->flags & WEIR_VAR_PREFIX) != 0 ? "*" : "");
        print_row("variable", m, name, NULL, NULL);
    }
    for (size_t i = 0; i < m->metrics.count; i++) {
        const weir_metric_def *d =
            (const void *)((const char *)m->metrics.at + i * m->metrics.stride);
        print_row("metric", m, d->name, d->help, NULL);
    }
}

int
main(int argc, char **argv)
{
    int bad = 0;

    for (int i = 1; i < argc; i++) {
        void *file = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
        const weir_module *m = file != NULL ? dlsym(file, "weir_module_entry") : NULL;

        if (m == NULL) {
            fprintf(stderr, "%s\n", dlerror());
            bad = 1;
            continue;
        }
        print_module(m);
    }
    return bad;
}
