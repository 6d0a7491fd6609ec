/* http/explain_statements.c - which statements of the configuration hold in a block, and where they
 * stand.
 */
#include "base/str.h"
#include "base/strbuf.h"
#include "http/explain.h"

void
wr_explain_add_place(cJSON *to, const struct wr_conf_node *node)
{
    if (node != NULL) {
        wr_explain_add_text(to, "file", node->source->name);
        cJSON_AddNumberToObject(to, "line", node->words[0].line);
    }
}

/* The words of a statement as they may be written. */
static void
add_words(cJSON *to, const struct wr_conf_node *node)
{
    char text[512];
    struct wr_strbuf b = wr_strbuf_over(text, sizeof(text));

    for (uint32_t i = 0; i < node->n_words; i++) {
        const struct wr_conf_word *w = &node->words[i];
        const char *quote = w->quoted ? "\"" : "";
        wr_strbuf_print(&b, i != 0 ? " %s" : "%s", quote);
        wr_strbuf_escaped(&b, weir_str_cut(w->text, 0, 100));
        wr_strbuf_print(&b, "%s", quote);
    }
    wr_explain_add_text(to, "directive", wr_strbuf_view(&b));
}

/* Does the statement o of block `at` hold in scope? */
static bool
holds(const struct wr_scope *scope, const struct wr_scope *at, const struct wr_scope_origin *o)
{
    const struct wr_scope_origin *nearest = wr_scope_origin(scope, o->slot, o->row);

    if (nearest == o || (o->row->flags & WEIR_D_MANY) == 0) {
        return nearest == o;
    }
    for (const struct wr_scope_origin *other = at->origins; other != NULL; other = other->next) {
        if (other == nearest) {
            return true;
        }
    }
    return false;
}

/* Those of the block `at`, and of the blocks around it before. */
static void
add_held(cJSON *list, const struct wr_scope *scope, const struct wr_scope *at, uint32_t slot)
{
    if (at == NULL) {
        return;
    }
    add_held(list, scope, at->parent, slot);
    for (const struct wr_scope_origin *o = at->origins; o != NULL; o = o->next) {
        if (o->slot == slot && holds(scope, at, o)) {
            cJSON *item = cJSON_CreateObject();
            add_words(item, o->node);
            wr_explain_add_place(item, o->node);
            cJSON_AddItemToArray(list, item);
        }
    }
}

void
wr_explain_add_statements(cJSON *to, const char *key, const struct wr_scope *scope, uint32_t slot)
{
    cJSON *list = cJSON_GetObjectItem(to, key);

    add_held(list != NULL ? list : cJSON_AddArrayToObject(to, key), scope, scope, slot);
}
