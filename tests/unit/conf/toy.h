/* A small server for the tests of binding: a core with blocks, and a module with a directive of
 * every kind. */
#ifndef WR_TEST_CONF_TOY_H
#define WR_TEST_CONF_TOY_H

#include "conf/bind.h"
#include "text.h"

/* ---- The module "toy". ---- */

struct toy {
    bool flag;
    int64_t number;
    uint64_t size, ms;
    weir_str text, path;
    weir_strs list;
    uint32_t mode, bits;
    weir_value *value;
    struct {
        unsigned n;
        weir_str last;
    } rules;          /* allow and deny share it */
    uint64_t secret;  /* LOCAL */
    bool safe;        /* has another default under compat nginx */
    uint32_t entries; /* of "table" */
    uint32_t derived; /* no row names it */
};

static const weir_name toy_modes[] = { { "fast", 1 }, { "small", 2 }, { NULL, 0 } };
static const weir_name toy_bits[] = { { "read", 1 }, { "write", 2 }, { "none", 0 }, { NULL, 0 } };
static unsigned toy_checks;

static int
toy_rule(weir_conf *cf, const weir_directive *d, void *field)
{
    struct toy *t = (struct toy *)(void *)((char *)field - d->offset);

    t->rules.n++;
    t->rules.last = weir_conf_arg(cf, 1);
    return WEIR_OK;
}

static int
toy_even(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return *(int64_t *)field % 2 == 0 ? WEIR_OK
                                      : weir_conf_error_at(cf, 1, "\"number\" must be even");
}

static int
toy_silent(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)cf;
    (void)d;
    (void)field;
    return WEIR_ERROR;
}

static int
toy_entry(weir_conf *cf, void *data)
{
    uint32_t *n = data;

    ++*n;
    return weir_str_eq(weir_conf_arg(cf, 0), WEIR_STR("bad"))
               ? weir_conf_error(cf, "bad entry of %u words", weir_conf_argc(cf))
           : weir_str_eq(weir_conf_arg(cf, 0), WEIR_STR("deep"))
               ? weir_conf_block(cf, toy_entry, data)
               : WEIR_OK;
}

static int
toy_table(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return weir_conf_block(cf, toy_entry, field);
}

static const weir_directive toy_directives[] = {
    WEIR_OPT(struct toy, flag, FLAG, "flag", WEIR_IN_ANY, "off", "a switch"),
    { .name = "number",
      .help = "even",
      .preset = "-4",
      .where = WEIR_IN_ANY,
      .type = WEIR_T_INT,
      WEIR_FIELD_(struct toy, number, INT),
      .set = toy_even },
    WEIR_OPT(struct toy, size, SIZE, "size", WEIR_IN_ANY, "8k", "bytes"),
    WEIR_OPT(struct toy, ms, MSEC, "time", WEIR_IN_ANY, "1h 30m", "time"),
    WEIR_OPT(struct toy, text, STR, "text", WEIR_IN_ANY, "\"two words\"", "text"),
    WEIR_OPT(struct toy, path, PATH, "path", WEIR_IN_ANY, "html", "path"),
    WEIR_OPT(struct toy, list, STRS, "list", WEIR_IN_ANY, "x 'y z'", "list"),
    WEIR_OPT_NAMES(struct toy, mode, ENUM, "mode", WEIR_IN_ANY, "small", "names", toy_modes),
    WEIR_OPT_NAMES(struct toy, bits, BITS, "bits", WEIR_IN_ANY, "read write", "names", toy_bits),
    WEIR_OPT(struct toy, value, VALUE, "value", WEIR_IN_ANY, "Hello, $you", "value"),
    WEIR_OPT_CUSTOM(struct toy, rules, "allow", WEIR_IN_ANY, 1, 2, WEIR_D_MANY, toy_rule, "rule"),
    WEIR_OPT_CUSTOM(struct toy, rules, "deny", WEIR_IN_ANY, 1, 2, WEIR_D_MANY, toy_rule, "rule"),
    { .name = "secret",
      .help = "local",
      .preset = "5",
      .where = WEIR_IN_ANY,
      .type = WEIR_T_SIZE,
      WEIR_FIELD_(struct toy, secret, SIZE),
      .flags = WEIR_D_LOCAL },
    WEIR_OPT_COMPAT(struct toy, safe, FLAG, "safe", WEIR_IN_ANY, "on", "off", "a safer default"),
    WEIR_OPT_CUSTOM(struct toy, rules, "silent", WEIR_IN_ANY, 0, 0, 0, toy_silent, "fails"),
    { .name = "unused",
      .help = "nothing",
      .where = WEIR_IN_ANY,
      .type = WEIR_T_CUSTOM,
      .flags = WEIR_D_NOTHING },
    { .name = "table",
      .help = "block",
      .where = WEIR_IN_HTTP,
      .type = WEIR_T_CUSTOM,
      .offset = offsetof(struct toy, entries),
      .size = sizeof(uint32_t),
      .flags = WEIR_D_BLOCK,
      .set = toy_table },
};

static int
toy_check(weir_conf *cf, void *conf)
{
    struct toy *t = conf;

    toy_checks++;
    return t->size == 13 ? weir_conf_error(cf, "13 is not allowed") : WEIR_OK;
}

static const weir_module toy_module = {
    .name = "toy",
    .conf_size = sizeof(struct toy),
    .directives = WEIR_ITEMS(toy_directives),
    .check = toy_check,
};

/* ---- The core: http { server { location NAME { } } }, each scope kept in the order made. ---- */

enum { TOY_SCOPES = 100000 };

static struct wr_scope *toy_scopes[TOY_SCOPES];
static unsigned toy_n_scopes;

static int
toy_block(weir_conf *cf, const weir_directive *d, void *field)
{
    uint32_t where = d->name[0] == 'h'   ? WEIR_IN_HTTP
                     : d->name[0] == 's' ? WEIR_IN_SERVER
                                         : WEIR_IN_LOCATION;
    struct wr_scope *s = wr_scope_create(cf, cf->scope, where, cf->node);

    (void)field;
    if (toy_n_scopes < TOY_SCOPES) {
        toy_scopes[toy_n_scopes++] = s;
    }
    wr_scope_bind(cf, s, cf->node->first);
    return WEIR_OK;
}

static const weir_directive toy_core_directives[] = {
    { .name = "http",
      .help = "",
      .where = WEIR_IN_MAIN,
      .type = WEIR_T_CUSTOM,
      .flags = WEIR_D_BLOCK | WR_D_SCOPE,
      .set = toy_block },
    { .name = "server",
      .help = "",
      .where = WEIR_IN_HTTP,
      .type = WEIR_T_CUSTOM,
      .flags = WEIR_D_BLOCK | WR_D_SCOPE | WEIR_D_MANY,
      .set = toy_block },
    { .name = "location",
      .help = "",
      .where = WEIR_IN_SERVER | WEIR_IN_LOCATION,
      .type = WEIR_T_CUSTOM,
      .min = 1,
      .max = 2,
      .flags = WEIR_D_BLOCK | WR_D_SCOPE | WEIR_D_MANY,
      .set = toy_block },
};

static const weir_module toy_core = { .name = "core",
                                      .directives = WEIR_ITEMS(toy_core_directives) };

/* Slot 2 is not in use, as in a registry from which a module has gone. */
static const weir_module *const toy_modules[] = { &toy_core, &toy_module, NULL };

enum { TOY_SLOT = 1 };

static const weir_directive *
toy_row(unsigned i, uint32_t *slot)
{
    if (i < toy_core.directives.count) {
        *slot = 0;
        return &toy_core_directives[i];
    }
    i -= toy_core.directives.count;
    *slot = TOY_SLOT;
    return i < toy_module.directives.count ? &toy_directives[i] : NULL;
}

static bool
toy_find(const struct wr_conf_space *s, weir_str name, uint32_t where, uint32_t *slot,
         const weir_directive **row, const weir_directive **elsewhere)
{
    const weir_directive *d;
    uint32_t at;

    (void)s;
    for (unsigned i = 0; (d = toy_row(i, &at)) != NULL; i++) {
        if (weir_str_eq(name, weir_str_c(d->name))) {
            if ((d->where & where) != 0) {
                *slot = at;
                *row = d;
                return true;
            }
            *elsewhere = d;
        }
    }
    return false;
}

static const char *
toy_name_at(const struct wr_conf_space *s, uint32_t i, uint32_t where)
{
    const weir_directive *d;
    uint32_t slot;

    (void)s;
    for (unsigned k = 0; (d = toy_row(k, &slot)) != NULL; k++) {
        if ((d->where & where) != 0 && i-- == 0) {
            return d->name;
        }
    }
    return NULL;
}

static const char *
toy_foreign(const struct wr_conf_space *s, weir_str name)
{
    (void)s;
    return weir_str_eq(name, WEIR_STR("dav_methods")) ? "of ngx_http_dav_module" : NULL;
}

static const struct wr_conf_space toy_space = { .n_slots = 3,
                                                .modules = toy_modules,
                                                .find = toy_find,
                                                .name_at = toy_name_at,
                                                .foreign = toy_foreign };

static int
toy_make_value(struct weir_conf *cf, weir_str text, weir_value **field)
{
    if (text.len != 0 && text.data[text.len - 1] == '$') {
        return weir_conf_error_at(cf, 1, "stray \"$\"");
    }
    *field = wr_pool_zalloc(cf->pool, sizeof(**field));
    (*field)->constant = text;
    return WEIR_OK;
}

/* ---- Binding a text. ---- */

struct toy_conf {
    struct text text;
    struct weir_conf cf;
    struct wr_scope *top;
    bool ok;
};

static inline void
toy_bind_as(struct toy_conf *c, const char *text, bool compat)
{
    toy_n_scopes = toy_checks = 0;
    c->ok = text_read(&c->text, text);
    c->cf = (struct weir_conf){ .pool = c->text.pool,
                                .diag = &c->text.diag,
                                .space = &toy_space,
                                .prefix = WEIR_STR("/srv/"),
                                .compat_nginx = compat,
                                .make_value = toy_make_value };
    c->top = wr_scope_create_main(&c->cf);
    c->ok = wr_scope_bind(&c->cf, c->top, c->text.tree.first) && c->ok;
}

static inline void
toy_bind(struct toy_conf *c, const char *text)
{
    toy_bind_as(c, text, false);
}

static inline void
toy_fini(struct toy_conf *c)
{
    text_fini(&c->text);
}

/* The toy's settings in the i-th block. */
static inline const struct toy *
toy_in(unsigned i)
{
    return toy_scopes[i]->conf[TOY_SLOT];
}

#endif
