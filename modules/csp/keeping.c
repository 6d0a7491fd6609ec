/* keeping.c - Cache-Control for one reader: what the answer says, without what invites shared
 * caches. [RFC 9111 5.2.2] */
#include "keeping.h"

/* A field's value that is being written; what does not fit makes it full. */
struct value {
    char *to;
    size_t len, room;
    bool full;
};

static void
put(struct value *v, weir_str s)
{
    if (s.len > v->room - v->len) {
        v->full = true;
        return;
    }
    memcpy(v->to + v->len, s.data, s.len);
    v->len += s.len;
}

static weir_str
trimmed(weir_str s)
{
    while (s.len != 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }
    while (s.len != 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

/* Take the next directive off the list; a comma in quotes is part of one. false: there is none. */
static bool
next_directive(weir_str *list, weir_str *one)
{
    bool in_quotes = false;
    size_t i = 0;

    for (; i < list->len && (in_quotes || list->data[i] != ','); i++) {
        if (in_quotes && list->data[i] == '\\') {
            i += i + 1 < list->len;
        } else if (list->data[i] == '"') {
            in_quotes = !in_quotes;
        }
    }
    *one = trimmed((weir_str){ list->data, i });
    i += i < list->len;
    *list = (weir_str){ list->data + i, list->len - i };
    return i != 0;
}

static bool
is_named(weir_str directive, weir_str name)
{
    return directive.len >= name.len &&
           weir_str_ieq((weir_str){ directive.data, name.len }, name) &&
           (directive.len == name.len || directive.data[name.len] == '=');
}

/* "private", with all that may stand beside it, behind `v`. false: it is there already, or more. */
static bool
write_private(const weir_header *first, struct value *v)
{
    weir_str list, one;

    put(v, WEIR_STR("private"));
    for (const weir_header *h = first; h != NULL; h = h->same) {
        list = h->value;
        while (next_directive(&list, &one)) {
            if (weir_str_ieq(one, WEIR_STR("private")) || is_named(one, WEIR_STR("no-store"))) {
                return false;
            }
            if (one.len != 0 && !is_named(one, WEIR_STR("public")) &&
                !is_named(one, WEIR_STR("s-maxage")) && !is_named(one, WEIR_STR("private"))) {
                put(v, WEIR_STR(", "));
                put(v, one);
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
    struct value v = { .room = VALUE_MAX };

    if (first == NULL) {
        (void)weir_out_set(r, WEIR_STR("Cache-Control"), WEIR_STR("private, no-cache"));
        return;
    }
    v.to = weir_alloc(r->pool, VALUE_MAX);
    if (write_private(first, &v)) {
        (void)weir_out_set(r, WEIR_STR("Cache-Control"),
                           v.full ? WEIR_STR("no-store") : (weir_str){ v.to, v.len });
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
