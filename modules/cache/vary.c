/* cache/vary.c - Vary: names, and the values that choose a variant. */
#include "vary.h"

#include "list.h"

enum { MEMBERS_MAX = 64 };

struct members {
    weir_str at[MEMBERS_MAX];
    size_t count;
    bool too_many;
};

static int
order(weir_str a, weir_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n != 0 ? memcmp(a.data, b.data, n) : 0;

    return c != 0 ? c : a.len < b.len ? -1 : a.len > b.len;
}

/* Put s in its place; once is enough. */
static void
insert(struct members *m, weir_str s)
{
    size_t i = m->count;

    while (i != 0 && order(m->at[i - 1], s) > 0) {
        i--;
    }
    if (i != 0 && order(m->at[i - 1], s) == 0) {
        return;
    }
    if (m->count == MEMBERS_MAX) {
        m->too_many = true;
        return;
    }
    memmove(&m->at[i + 1], &m->at[i], (m->count - i) * sizeof(m->at[0]));
    m->at[i] = s;
    m->count++;
}

static weir_str
lower(weir_pool *pool, weir_str s)
{
    weir_text t = weir_text_begin(pool, s.len + 1, s.len + 1);

    weir_text_add_lower(&t, s);
    return weir_text_view(&t);
}

static weir_str
join(weir_pool *pool, const struct members *m, size_t max)
{
    weir_text t = weir_text_begin(pool, 128, max);

    for (size_t i = 0; i < m->count; i++) {
        if (i != 0) {
            weir_text_add(&t, WEIR_STR(","));
        }
        weir_text_add(&t, m->at[i]);
    }
    return t.full || m->too_many ? (weir_str){ NULL, 0 } : weir_text_view(&t);
}

/* Is it a field's name? [RFC 9110 5.1] */
static bool
is_token(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == '\0' || strchr("!#$%&'+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return true;
}

weir_str
vary_names(weir_pool *pool, const weir_header *vary)
{
    struct members m = { .count = 0 };
    weir_str rest, name;

    for (; vary != NULL; vary = vary->same) {
        rest = vary->value;
        while (weir_list_next(&rest, &name)) {
            if (!is_token(name)) { /* "*" is none, either */
                return (weir_str){ NULL, 0 };
            }
            insert(&m, lower(pool, name));
        }
    }
    return m.count == 0 ? WEIR_STR("") : join(pool, &m, VARY_NAMES_MAX);
}

/* ---- Values. ---- */

/* Fields whose members' order and case say nothing. [RFC 9110 12.5] */
static bool
is_preference(weir_str name)
{
    return weir_str_eq(name, WEIR_STR("accept")) ||
           weir_str_eq(name, WEIR_STR("accept-encoding")) ||
           weir_str_eq(name, WEIR_STR("accept-language")) ||
           weir_str_eq(name, WEIR_STR("accept-charset"));
}

/* "gzip ; q = 1" as "gzip;q=1". */
static weir_str
squeeze(weir_pool *pool, weir_str member)
{
    weir_text t = weir_text_begin(pool, member.len + 1, member.len + 1);

    for (size_t i = 0; i < member.len; i++) {
        if (member.data[i] != ' ' && member.data[i] != '\t') {
            weir_text_add_lower(&t, weir_str_cut(member, i, 1));
        }
    }
    return weir_text_view(&t);
}

static bool
is_named(const weir_header *h, weir_str name)
{
    return h->name.len == name.len && weir_str_ieq(h->name, name);
}

static bool
add_preferences(weir_text *to, weir_str name, const weir_header *fields)
{
    struct members m = { .count = 0 };
    bool any = false;

    for (const weir_header *h = fields; h != NULL; h = h->next) {
        weir_str rest = h->value, member;
        if (!is_named(h, name)) {
            continue;
        }
        any = true;
        while (weir_list_next(&rest, &member)) {
            insert(&m, squeeze(to->pool, member));
        }
    }
    if (m.too_many) {
        to->full = true;
    }
    for (size_t i = 0; i < m.count; i++) {
        weir_text_add(to, m.at[i]);
        weir_text_add(to, WEIR_STR(","));
    }
    return any;
}

/* A value without the blanks around its commas: where a list may stand they say nothing, and where
 * none may, nobody tells by them. */
static void
add_squeezed(weir_text *to, weir_str value)
{
    weir_str rest = value;

    while (rest.len != 0) {
        size_t end = 0;
        bool quoted = false;
        for (; end < rest.len && (quoted || rest.data[end] != ','); end++) {
            if (rest.data[end] == '"') {
                quoted = !quoted;
            } else if (quoted && rest.data[end] == '\\') {
                end++;
            }
        }
        end = end < rest.len ? end : rest.len;
        weir_text_add(to, weir_str_trim(weir_str_cut(rest, 0, end)));
        if (end < rest.len) {
            weir_text_add(to, WEIR_STR(","));
        }
        rest = weir_str_cut(rest, end + 1, SIZE_MAX);
    }
}

/* Lines of one name are one value. [RFC 9110 5.2] */
static bool
add_lines(weir_text *to, weir_str name, const weir_header *fields)
{
    bool any = false;

    for (const weir_header *h = fields; h != NULL; h = h->next) {
        if (is_named(h, name)) {
            if (any) {
                weir_text_add(to, WEIR_STR(","));
            }
            add_squeezed(to, h->value);
            any = true;
        }
    }
    return any;
}

weir_str
vary_key(weir_pool *pool, weir_str primary, uint64_t generation, weir_str names,
         const weir_header *fields)
{
    weir_text to = weir_text_begin(pool, primary.len + names.len + 256, VARY_KEY_MAX);
    weir_str name;

    weir_text_add(&to, primary);
    weir_text_add(&to, WEIR_STR("\n"));
    weir_text_add_hex(&to, generation);
    while (weir_list_next(&names, &name)) {
        weir_text_add(&to, WEIR_STR("\n"));
        weir_text_add(&to, name);
        weir_text_add(&to, WEIR_STR(":"));
        if (!(is_preference(name) ? add_preferences(&to, name, fields)
                                  : add_lines(&to, name, fields))) {
            weir_text_add(&to,
                          WEIR_STR("\r")); /* no such field: another choice than an empty one */
        }
    }
    return to.full ? (weir_str){ NULL, 0 } : weir_text_view(&to);
}
