/* http/types.c - extensions to media types. */
#include "http/types.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/str.h"

struct wr_types {
    struct wr_map by_extension; /* to a struct wr_type */
};

static struct wr_types *
create(weir_pool *pool)
{
    struct wr_types *t = wr_pool_alloc(pool, sizeof(*t));

    wr_map_init(&t->by_extension, pool, true);
    return t;
}

const struct wr_type *
wr_types_make(weir_pool *pool, weir_str name)
{
    struct wr_type *t = wr_pool_zalloc(pool, sizeof(*t));
    weir_pair field = { WEIR_STR("Content-Type"), name };

    t->name = name;
    t->head = wr_fields_ready(pool, &field, name.len != 0);
    return t;
}

const struct wr_types *
wr_types_usual(weir_pool *pool)
{
    static const char *const usual[][2] = { { "html", "text/html" },
                                            { "gif", "image/gif" },
                                            { "jpg", "image/jpeg" } };
    struct wr_types *t = create(pool);

    for (size_t i = 0; i < WR_COUNT(usual); i++) {
        const struct wr_type *type = wr_types_make(pool, weir_str_c(usual[i][1]));
        wr_map_add(&t->by_extension, weir_str_c(usual[i][0]), (void *)(uintptr_t)type);
    }
    return t;
}

/* One line of the block: a type, then extensions. The last word on an extension holds, as in nginx.
 */
static int
add_line(weir_conf *cf, void *data)
{
    struct wr_types *t = data;
    const struct wr_type *type;

    if (weir_conf_argc(cf) < 2) {
        return weir_conf_error(cf, "type \"%.*s\" has no extensions",
                               WEIR_FMT(weir_conf_arg(cf, 0)));
    }
    if (!wr_value_valid(weir_conf_arg(cf, 0))) {
        return weir_conf_error(cf, "invalid media type \"%.*s\"", WEIR_FMT(weir_conf_arg(cf, 0)));
    }
    type = wr_types_make(weir_conf_pool(cf), weir_conf_arg(cf, 0));
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str extension = weir_conf_arg(cf, i);
        const struct wr_type *before =
            wr_map_set(&t->by_extension, extension, (void *)(uintptr_t)type);
        if (before != NULL) {
            weir_conf_warn(cf,
                           "duplicate extension \"%.*s\", content type: \"%.*s\", "
                           "previous content type: \"%.*s\"",
                           WEIR_FMT(extension), WEIR_FMT(type->name), WEIR_FMT(before->name));
        }
    }
    return WEIR_OK;
}

int
wr_types_set(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_types **types = field;

    (void)d;
    if (*types == NULL) {
        *types = create(weir_conf_pool(cf));
    }
    return weir_conf_block(cf, add_line, *types);
}

weir_str
wr_types_extension(weir_str path)
{
    weir_str none = { path.data, 0 }, extension;
    const char *dot = path.len != 0 ? memrchr(path.data, '.', path.len) : NULL;

    if (dot == NULL) {
        return none;
    }
    extension = (weir_str){ dot + 1, (size_t)(path.data + path.len - dot) - 1 };
    return weir_str_find(extension, '/') == extension.len ? extension : none;
}

bool
wr_types_has_extension(weir_str path, weir_str extension)
{
    if (extension.len == 0) {
        return wr_types_extension(path).len == 0;
    }
    return weir_str_ends(path, extension) &&
           path.len > extension.len && /* which has no '.' or '/' */
           path.data[path.len - extension.len - 1] == '.';
}

const struct wr_type *
wr_types_find(const struct wr_files_conf *f, weir_str path)
{
    weir_str extension = wr_types_extension(path);
    const struct wr_type *type =
        extension.len != 0 ? wr_map_find(&f->types->by_extension, extension) : NULL;

    return type != NULL ? type : f->other_type;
}
