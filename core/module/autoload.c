/* module/autoload.c - from a configuration as text to the set of modules it needs.
 *
 * First what the operator names, then what the index knows for the words in use. A module that came by load_module keeps the
 * index from bringing a bundled one with the same directive: that is how a bundled module is replaced.
 */
#include "module/autoload.h"

#include <string.h>
#include <weir/coding.h>
#include <weir/log.h>

#include "base/assert.h"
#include "base/str.h"
#include "conf/names.h"
#include "module/index.h"
#include "module/interface.h"
#include "module/loader.h"

struct walk {
    struct wr_registry *reg;
    struct wr_diag *diag;
    bool fine;
};

static const struct wr_conf_place nowhere = { .source = NULL };

/* ---- One file. ---- */

/* Take image's module in unless it is in already; another module of that name is an error. */
static bool
take_in(struct wr_registry *reg, const struct wr_image *image, bool by_name,
        struct wr_conf_place place, struct wr_diag *diag)
{
    const weir_module *m = &image->module;
    const weir_module *other = wr_registry_find(reg, weir_str_c(m->name));

    if (other == m) {
        return true;
    }
    if (other != NULL) {
        const struct wr_image *theirs = wr_loader_image_of(other);
        return wr_diag_error(diag, place, NULL,
                             "module \"%s\" of \"%s\" has the name of one that is %s%s", m->name,
                             image->path, theirs != NULL ? "loaded from " : "part of the server",
                             theirs != NULL ? theirs->path : "");
    }
    wr_registry_add(reg, m, by_name);
    return true;
}

bool
wr_registry_load(struct wr_registry *reg, weir_str path, weir_str sha256,
                 struct wr_conf_place place, struct wr_diag *diag)
{
    weir_str nginx_folder = WEIR_STR("modules/");
    const struct wr_image *image;
    struct wr_err err;
    const char *slash, *hint;
    weir_str full;

    if (weir_str_starts(path, WEIR_STR("/"))) {
        full = weir_dup(reg->pool, path);
    } else {
        if (weir_str_starts(path, nginx_folder)) {
            path = weir_str_cut(path, nginx_folder.len, path.len);
        }
        full = weir_print(reg->pool, "%s/%.*s", reg->folder, WEIR_FMT(path));
    }
    if (!wr_loader_load(full.data, sha256.data != NULL ? weir_dup(reg->pool, sha256).data : NULL,
                        &image, &err)) {
        slash = strrchr(full.data, '/');
        hint = strncmp(slash + 1, "ngx_", 4) == 0
                   ? "nginx's modules fit one nginx; weir's own are loaded when they are needed"
                   : NULL;
        return wr_diag_error(diag, place, hint, "cannot load module \"%s\": %s", full.data,
                             err.text);
    }
    return take_in(reg, image, true, place, diag);
}

/* A file that the index names; `for_what` is "directive", "variable" ... and name what was looked for. */
static bool
load_bundled(struct walk *w, weir_str file, const char *for_what, weir_str name,
             struct wr_conf_place place)
{
    weir_str path = weir_print(w->reg->pool, "%s/%s", w->reg->folder, file.data);
    const struct wr_image *image;
    struct wr_err err;

    if (!wr_loader_load(path.data, NULL, &image, &err)) {
        return wr_diag_error(w->diag, place, NULL, "cannot load module \"%s\" for %s \"%.*s\": %s",
                             path.data, for_what, WEIR_FMT(name), err.text);
    }
    return take_in(w->reg, image, false, place, w->diag);
}

/* ---- What the text needs. ---- */

static bool
has_variable(const weir_module *m, weir_str name)
{
    const weir_variable *v = m->variables.at;

    for (uint32_t i = 0; i < m->variables.count; i++) {
        weir_str own = weir_str_c(v[i].name);
        if ((v[i].flags & WEIR_VAR_PREFIX) != 0 ? weir_str_starts(name, own)
                                                : weir_str_eq(name, own)) {
            return true;
        }
    }
    return false;
}

static bool
has_directive(const weir_module *m, weir_str name)
{
    const weir_directive *d = m->directives.at;

    for (uint32_t i = 0; i < m->directives.count; i++) {
        if (weir_str_eq(name, weir_str_c(d[i].name))) {
            return true;
        }
    }
    return false;
}

/* Does a module that the operator named have it? */
static bool
replaced(const struct wr_registry *reg, enum wr_index_kind kind, weir_str name)
{
    WR_VEC_EACH (struct wr_registry_module, l, &reg->loaded) {
        if (l->by_name && (kind == WR_INDEX_DIRECTIVE ? has_directive(l->module, name)
                                                      : has_variable(l->module, name))) {
            return true;
        }
    }
    return false;
}

/* A directive or a variable is in use: load what the index has for it. */
static void
want(struct walk *w, enum wr_index_kind kind, weir_str name, struct wr_conf_place place)
{
    struct wr_index_entry *e = wr_index_find(w->reg->index, kind, name);

    if (e == NULL || e->settled) {
        return;
    }
    if (!replaced(w->reg, kind, name)) {
        for (struct wr_index_entry *at = e; at != NULL; at = at->next) {
            if (!load_bundled(w, at->file,
                              kind == WR_INDEX_DIRECTIVE ? "directive" : "variable", name, place)) {
                w->fine = false;
            }
        }
    }
    e->settled = true;
}

/* Every $name and ${name} of a word. */
static void
want_variables(struct walk *w, const struct wr_conf_node *node, uint32_t word)
{
    weir_str text = node->words[word].text, name;

    while (wr_conf_next_name(&text, &name)) {
        want(w, WR_INDEX_VARIABLE, name, wr_conf_place(node, word));
    }
}

/* Blocks are at most WR_CONF_DEPTH_MAX deep. */
static void
want_all(struct walk *w, const struct wr_conf_node *first)
{
    for (const struct wr_conf_node *node = first; node != NULL; node = node->next) {
        want(w, WR_INDEX_DIRECTIVE, node->words[0].text, wr_conf_place(node, 0));
        for (uint32_t i = 0; i < node->n_words; i++) {
            want_variables(w, node, i);
        }
        want_all(w, node->first);
    }
}

/* The load_module statements; what is wrong with their form, binding reports. */
static void
load_named(struct walk *w, const struct wr_conf_node *first)
{
    weir_str key = WEIR_STR("sha256=");

    for (const struct wr_conf_node *node = first; node != NULL; node = node->next) {
        weir_str sha256 = { NULL, 0 };

        if (!weir_str_eq(node->words[0].text, WEIR_STR("load_module")) || node->n_words < 2) {
            continue;
        }
        if (node->n_words > 2) {
            weir_str option = node->words[2].text;
            if (!weir_str_starts(option, key)) {
                w->fine = wr_diag_error(w->diag, wr_conf_place(node, 2), "sha256=HEX",
                                        "unknown option \"%.*s\"", WEIR_FMT(option));
                continue;
            }
            sha256 = weir_str_cut(option, key.len, option.len);
        }
        if (!wr_registry_load(w->reg, node->words[1].text, sha256, wr_conf_place(node, 1),
                              w->diag)) {
            w->fine = false;
        }
    }
}

/* ---- What modules need. ---- */

static bool
need(struct walk *w, const weir_module *m, weir_str id)
{
    const struct wr_index_entry *e;

    if (wr_interface_find(w->reg, id, NULL) != NULL) {
        return true;
    }
    e = wr_index_find(w->reg->index, WR_INDEX_INTERFACE, id);
    if (e == NULL) {
        return wr_diag_error(w->diag, nowhere, NULL,
                             "module \"%s\" needs the interface \"%.*s\", which no loaded module "
                             "offers",
                             m->name, WEIR_FMT(id));
    }
    return load_bundled(w, e->file, "interface", id, nowhere);
}

/* Modules that this brings in stand at the end of the list and have their turn. */
static void
load_needed(struct walk *w)
{
    for (size_t i = 0; i < w->reg->loaded.count; i++) {
        const weir_module *m = wr_vec_at(&w->reg->loaded, struct wr_registry_module, i)->module;
        weir_str ids = m->needs != NULL ? weir_str_trim(weir_str_c(m->needs)) : weir_str_c("");

        while (ids.len != 0) {
            size_t end = weir_str_find(ids, ' ');
            if (!need(w, m, weir_str_cut(ids, 0, end))) {
                w->fine = false;
            }
            ids = weir_str_trim(weir_str_cut(ids, end, ids.len));
        }
    }
}

/* ---- Between modules. ---- */

/* Two modules with one directive in one context: nobody could say whose it is. */
static void
check_rows(struct walk *w)
{
    const struct wr_registry *reg = w->reg;

    for (size_t i = 0; i < reg->rows.count; i++) {
        const struct wr_registry_row *a = wr_vec_at(&reg->rows, struct wr_registry_row, i);

        for (uint32_t next = a->next; next != 0;) {
            const struct wr_registry_row *b =
                wr_vec_at(&reg->rows, struct wr_registry_row, next - 1);
            if ((a->row->where & b->row->where) != 0) {
                w->fine = wr_diag_error(w->diag, nowhere, NULL,
                                        "modules \"%s\" and \"%s\" both have the directive \"%s\"",
                                        reg->space.modules[a->slot]->name,
                                        reg->space.modules[b->slot]->name, a->row->name);
            }
            next = b->next;
        }
    }
}

static void
check_variables(struct walk *w)
{
    struct wr_map owners;

    wr_map_init(&owners, w->reg->pool, false);
    WR_VEC_EACH (struct wr_registry_module, l, &w->reg->loaded) {
        const weir_variable *v = l->module->variables.at;
        for (uint32_t i = 0; i < l->module->variables.count; i++) {
            struct wr_registry_module *other = wr_map_set(&owners, weir_str_c(v[i].name), l);
            if (other != NULL) {
                w->fine = wr_diag_error(w->diag, nowhere, NULL,
                                        "modules \"%s\" and \"%s\" both have the variable \"%s\"",
                                        other->module->name, l->module->name, v[i].name);
            }
        }
    }
}

/* Tables that any number of modules may offer: the server goes through all of them. */
static bool
is_of_many(const char *id)
{
    return strcmp(id, WEIR_SERIES) == 0 || strcmp(id, WEIR_CODING) == 0;
}

static void
check_interfaces(struct walk *w)
{
    struct wr_map owners;

    wr_map_init(&owners, w->reg->pool, false);
    WR_VEC_EACH (struct wr_registry_module, l, &w->reg->loaded) {
        const weir_interface *f = l->module->interfaces.at;
        for (uint32_t i = 0; i < l->module->interfaces.count; i++) {
            struct wr_registry_module *other = wr_map_set(&owners, weir_str_c(f[i].id), l);
            if (other != NULL && !is_of_many(f[i].id)) {
                w->fine = wr_diag_error(w->diag, nowhere, NULL,
                                        "modules \"%s\" and \"%s\" both offer the interface \"%s\"",
                                        other->module->name, l->module->name, f[i].id);
            }
        }
    }
}

static void
load_always(struct walk *w)
{
    const struct wr_map *always = &w->reg->index->by_name[WR_INDEX_ALWAYS];

    for (size_t i = 0; i < wr_map_count(always); i++) {
        const struct wr_index_entry *e = wr_map_entry(always, i)->value;
        if (!load_bundled(w, e->file, "file", e->name, nowhere)) {
            w->fine = false;
        }
    }
}

bool
wr_registry_prepare(struct wr_registry *reg, const struct wr_conf_tree *tree, struct wr_diag *diag)
{
    struct walk w = { .reg = reg, .diag = diag, .fine = true };
    struct wr_err err;

    WR_ASSERT(reg->index == NULL);
    reg->index = wr_index_read(reg->pool, reg->folder, &err);
    if (reg->index == NULL) {
        return wr_diag_error(diag, nowhere, NULL, "cannot read the index of modules \"%s/index\": %s",
                             reg->folder, err.text);
    }
    load_named(&w, tree->first);
    load_always(&w);
    want_all(&w, tree->first);
    load_needed(&w);
    check_rows(&w);
    check_variables(&w);
    check_interfaces(&w);
    return w.fine;
}
