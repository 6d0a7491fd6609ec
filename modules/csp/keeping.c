/* keeping.c - Cache-Control for one reader: what the answer says, without what invites shared
 * caches. [RFC 9111 5.2.2] */
#include "keeping.h"

static bool
is_named(weir_str directive, weir_str name)
{
    return weir_str_istarts(directive, name) &&
           (directive.len == name.len || directive.data[name.len] == '=');
}

/* "private", with all that may stand beside it, behind `t`. false: it is there already, or more. */
static bool
write_private(const weir_header *first, weir_text *t)
{
    weir_str list, one;

    weir_text_add(t, WEIR_STR("private"));
    for (const weir_header *h = first; h != NULL; h = h->same) {
        list = h->value;
        while (weir_list_next(&list, &one)) {
            if (weir_str_ieq(one, WEIR_STR("private")) || is_named(one, WEIR_STR("no-store"))) {
                return false;
            }
            if (!is_named(one, WEIR_STR("public")) && !is_named(one, WEIR_STR("s-maxage")) &&
                !is_named(one, WEIR_STR("private"))) {
                weir_text_add(t, WEIR_STR(", "));
                weir_text_add(t, one);
            }
        }
    }
    return true;
}

/* The longest Cache-Control that is changed; in place of a longer one, the page is not kept at all.
 */
enum { VALUE_MAX = 1024 };

static void
set_control(weir_request *r)
{
    const weir_header *first = r->out[WEIR_H_CACHE_CONTROL];
    weir_text t;

    if (first == NULL) {
        (void)weir_out_set(r, WEIR_STR("Cache-Control"), WEIR_STR("private, no-cache"));
        return;
    }
    t = weir_text_begin(r->pool, 128, VALUE_MAX);
    if (write_private(first, &t)) {
        (void)weir_out_set(r, WEIR_STR("Cache-Control"),
                           t.full ? WEIR_STR("no-store") : weir_text_view(&t));
    }
}

void
keeping_guard(weir_request *r)
{
    set_control(r);
    (void)weir_out_remove(r, WEIR_STR("CDN-Cache-Control"));
    (void)weir_out_remove(r, WEIR_STR("Surrogate-Control"));
    (void)weir_out_remove(r, WEIR_STR("ETag"));
    (void)weir_out_remove(r, WEIR_STR("Last-Modified"));
}
