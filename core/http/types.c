/* http/types.c - extensions to media types. */
#include "http/types.h"

#include "base/map.h"
#include "base/str.h"

struct wr_types {
    struct wr_map by_extension; /* to the weir_str * of a type */
};

static struct wr_types *
create(weir_pool *pool)
{
    struct wr_types *t = wr_pool_alloc(pool, sizeof(*t));

    wr_map_init(&t->by_extension, pool, true);
    return t;
}

const struct wr_types *
wr_types_usual(weir_pool *pool)
{
    static weir_str html = { "text/html", 9 }, gif = { "image/gif", 9 }, jpg = { "image/jpeg", 10 };
    struct wr_types *t = create(pool);

    wr_map_add(&t->by_extension, WEIR_STR("html"), &html);
    wr_map_add(&t->by_extension, WEIR_STR("gif"), &gif);
    wr_map_add(&t->by_extension, WEIR_STR("jpg"), &jpg);
    return t;
}

/* One line of the block: a type, then extensions. The last word on an extension holds, as in nginx.
 */
static int
add_line(weir_conf *cf, void *data)
{
    struct wr_types *t = data;
    weir_str *type = wr_pool_alloc(weir_conf_pool(cf), sizeof(*type));

    if (weir_conf_argc(cf) < 2) {
        return weir_conf_error(cf, "type \"%.*s\" has no extensions",
                               WEIR_FMT(weir_conf_arg(cf, 0)));
    }
    *type = weir_conf_arg(cf, 0);
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str extension = weir_conf_arg(cf, i);
        const weir_str *before = wr_map_set(&t->by_extension, extension, type);
        if (before != NULL) {
            weir_conf_warn(cf,
                           "duplicate extension \"%.*s\", content type: \"%.*s\", "
                           "previous content type: \"%.*s\"",
                           WEIR_FMT(extension), WEIR_FMT(*type), WEIR_FMT(*before));
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
    size_t at = path.len;

    while (at > 0 && path.data[at - 1] != '.' && path.data[at - 1] != '/') {
        at--;
    }
    return at > 0 && path.data[at - 1] == '.' ? wr_str_cut(path, at, SIZE_MAX)
                                              : (weir_str){ path.data, 0 };
}

weir_str
wr_types_of(const struct wr_files_conf *f, weir_str path)
{
    weir_str extension = wr_types_extension(path);
    const weir_str *type =
        extension.len != 0 ? wr_map_find(&f->types->by_extension, extension) : NULL;

    return type != NULL ? *type : f->default_type;
}
