/* conf/conf.c - what a module's setter, check() and init() may ask and say: the weir_conf_*
 * functions of the ABI. */
#include <stdarg.h>
#include <weir/conf.h>
#include <weir/text.h>

#include "conf/bind.h"

uint32_t
weir_conf_argc(weir_conf *cf)
{
    return cf->node != NULL ? cf->node->n_words : 0;
}

weir_str
weir_conf_arg(weir_conf *cf, uint32_t i)
{
    if (cf->node == NULL || i >= cf->node->n_words) {
        return (weir_str){ NULL, 0 };
    }
    return cf->node->words[i].text;
}

uint32_t
weir_conf_where(weir_conf *cf)
{
    return cf->scope != NULL ? cf->scope->where : WEIR_IN_MAIN;
}

void
weir_conf_folder(weir_conf *cf, weir_str path)
{
    if (cf->make_folder != NULL) {
        cf->make_folder(cf, path);
    }
}

weir_str
weir_conf_before(weir_conf *cf, uint32_t i)
{
    const struct wr_conf_node *block = cf->scope != NULL ? cf->scope->node : NULL;
    const struct wr_conf_node *n = block != NULL ? block->first : NULL;

    while (n != NULL && n->next != cf->node) {
        n = n->next;
    }
    return cf->node != NULL && n != NULL && i < n->n_words ? n->words[i].text
                                                           : (weir_str){ NULL, 0 };
}

static const struct wr_conf_node *
find_statement(const struct wr_conf_node *block, weir_str name)
{
    const struct wr_conf_node *n = block != NULL ? block->first : NULL;

    while (n != NULL && !weir_str_eq(n->words[0].text, name)) {
        n = n->next;
    }
    return n;
}

int32_t
weir_conf_nearest(weir_conf *cf, weir_str name, weir_str *word)
{
    int32_t up = 0;

    for (const struct wr_scope *s = cf->scope; s != NULL; s = s->parent, up++) {
        const struct wr_conf_node *n = find_statement(s->node, name);
        if (n != NULL) {
            if (word != NULL) {
                *word = n->n_words > 1 ? n->words[1].text : (weir_str){ NULL, 0 };
            }
            return up;
        }
    }
    return -1;
}

weir_place
weir_conf_place(weir_conf *cf)
{
    return cf->node != NULL ? (weir_place){ cf->node->source->name, cf->node->words[0].line }
                            : (weir_place){ WEIR_STR(""), 0 };
}

weir_pool *
weir_conf_pool(weir_conf *cf)
{
    return cf->pool;
}

/* Outside of statements, in check() and init(): the running module's last directive of this block,
 * else the block itself. */
static struct wr_conf_place
place_of(const struct weir_conf *cf, uint32_t i)
{
    const struct wr_conf_node *n = cf->node;

    if (n == NULL && cf->scope != NULL) {
        n = cf->scope->node;
        for (const struct wr_scope_origin *o = cf->scope->origins; o != NULL; o = o->next) {
            if (o->slot == cf->slot) {
                n = o->node;
            }
        }
    }
    return n != NULL ? wr_conf_place(n, i) : (struct wr_conf_place){ NULL, 0, 0, 0 };
}

int
weir_conf_error(weir_conf *cf, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    wr_diag_add_args(cf->diag, WR_DIAG_ERROR, place_of(cf, 0), NULL, fmt, args);
    va_end(args);
    return WEIR_ERROR;
}

int
weir_conf_error_at(weir_conf *cf, uint32_t i, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    wr_diag_add_args(cf->diag, WR_DIAG_ERROR, place_of(cf, i), NULL, fmt, args);
    va_end(args);
    return WEIR_ERROR;
}

int
weir_conf_invalid(weir_conf *cf, uint32_t i, const char *what)
{
    return weir_conf_error_at(cf, i, "invalid %s \"%.*s\"", what, WEIR_FMT(weir_conf_arg(cf, i)));
}

weir_str
weir_conf_variable(weir_conf *cf, uint32_t i)
{
    weir_str name = weir_conf_arg(cf, i);

    if (name.len < 2 || name.data[0] != '$') {
        (void)weir_conf_invalid(cf, i, "variable name");
        return (weir_str){ NULL, 0 };
    }
    return weir_str_cut(name, 1, name.len);
}

void
weir_conf_warn(weir_conf *cf, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    wr_diag_add_args(cf->diag, WR_DIAG_WARN, place_of(cf, 0), NULL, fmt, args);
    va_end(args);
}

int
weir_conf_block(weir_conf *cf, int (*fn)(weir_conf *cf, void *data), void *data)
{
    const struct wr_conf_node *block = cf->node;
    int rc = WEIR_OK;

    for (const struct wr_conf_node *n = block != NULL ? block->first : NULL;
         n != NULL && rc == WEIR_OK; n = n->next) {
        cf->node = n;
        cf->block_read = false;
        rc = fn(cf, data);
        if (rc == WEIR_OK && n->block && !cf->block_read) {
            wr_diag_error(cf->diag, wr_conf_place(n, 0), NULL,
                          "directive \"%.*s\" is not terminated by \";\"",
                          WEIR_FMT(n->words[0].text));
            rc = WEIR_ERROR;
        }
    }
    cf->node = block;
    cf->block_read = true;
    return rc;
}
