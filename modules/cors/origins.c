/* cors/origins.c - reading lists of origins, and finding one in them.
 *
 * An origin is compared as a whole: expressions have to match all of it, and what a "*" stands for
 * can be nothing but labels of a host name, so that no text can pose as another origin. [RFC 6454
 * 4]
 */
#include "origins.h"

enum {
    ORIGIN_MAX = 512
}; /* bytes: a scheme, a host name of 253, a port; longer ones are on no list */

struct origin {
    struct origin *next;
    const weir_regex *regex; /* NULL: head and tail */
    weir_str head;           /* all of it, or what stands in front of the labels: "https://" */
    weir_str tail;           /* ".example.com:8443"; absent: exactly head */
};

static bool
is_host_byte(char c)
{
    return weir_is_letter((uint8_t)c) || weir_is_digit((uint8_t)c) || c == '-' || c == '.' ||
           c == '_';
}

/* As browsers write it: 1 to 65535, without zeros in front. */
static bool
is_port(weir_str s)
{
    uint64_t n;

    return weir_parse_number(s, UINT16_MAX, &n) && s.data[0] != '0';
}

/* Where the scheme's "://" ends; 0: it has none. */
static size_t
scheme_len(weir_str s)
{
    size_t i = 0;

    while (i < s.len && (is_host_byte(s.data[i]) || s.data[i] == '+') && s.data[i] != '_') {
        i++;
    }
    return i != 0 && weir_str_starts(weir_str_cut(s, i, s.len), WEIR_STR("://")) ? i + 3 : 0;
}

/* The length of a host, or of an address in brackets, at the front of s. */
static size_t
host_len(weir_str s)
{
    size_t i = 0;

    if (s.len != 0 && s.data[0] == '[') {
        size_t end = weir_str_find(s, ']');
        return end < s.len ? end + 1 : 0;
    }
    while (i < s.len && is_host_byte(s.data[i])) {
        i++;
    }
    return i;
}

bool
origin_is_valid(weir_str text)
{
    size_t at = scheme_len(text);
    weir_str rest = { text.data + at, text.len - at };
    size_t host = host_len(rest);

    if (at == 0 || host == 0 || text.len > ORIGIN_MAX) {
        return false;
    }
    return host == rest.len || (rest.data[host] == ':' &&
                                is_port((weir_str){ rest.data + host + 1, rest.len - host - 1 }));
}

static bool
is_framed(weir_str s, weir_str head, weir_str tail)
{
    return s.len > head.len + tail.len && weir_str_istarts(s, head) && weir_str_ends(s, tail);
}

bool
origin_has_usual_port(weir_str text)
{
    return is_framed(text, WEIR_STR("https://"), WEIR_STR(":443")) ||
           is_framed(text, WEIR_STR("http://"), WEIR_STR(":80"));
}

/* ---- Reading. ---- */

static struct origin *
add(weir_conf *cf, struct origins *list)
{
    struct origin *o = weir_zalloc(weir_conf_pool(cf), sizeof(*o));
    struct origin **at = &list->first;

    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = o;
    return o;
}

static int
add_regex(weir_conf *cf, struct origins *list, uint32_t i, weir_str pattern)
{
    if (pattern.len == 0) {
        return weir_conf_error_at(cf, i, "empty regex");
    }
    struct origin *o = add(cf, list);
    o->regex = weir_regex_compile(
        cf, weir_print(weir_conf_pool(cf), "\\A(?:%.*s)\\z", WEIR_FMT(pattern)), 0);
    return o->regex != NULL ? WEIR_OK : WEIR_ERROR;
}

/* An origin without a path; "*" may stand for labels in front of its host. */
static int
add_text(weir_conf *cf, struct origins *list, uint32_t i, weir_str text)
{
    const char *star = memchr(text.data, '*', text.len);
    struct origin *o;
    weir_str without = text;

    if (star != NULL) {
        size_t at = (size_t)(star - text.data);
        if (at != scheme_len(text) || text.len - at < 3 || star[1] != '.') {
            return weir_conf_error_at(
                cf, i, "\"*\" in \"%.*s\" must be the first label of the host", WEIR_FMT(text));
        }
        without = weir_print(weir_conf_pool(cf), "%.*sx%.*s", (int)at, text.data,
                             (int)(text.len - at - 1), star + 1);
    }
    if (!origin_is_valid(without)) {
        return weir_conf_error_at(
            cf, i, "invalid origin \"%.*s\", it must be like \"https://www.example.com\"",
            WEIR_FMT(text));
    }
    if (origin_has_usual_port(without)) {
        return weir_conf_error_at(cf, i, "no browser names the port in \"%.*s\": it is the scheme's own",
                                  WEIR_FMT(text));
    }
    o = add(cf, list);
    o->head = text;
    if (star != NULL) {
        o->head.len = (size_t)(star - text.data);
        o->tail = (weir_str){ star + 1, text.len - o->head.len - 1 };
    }
    return WEIR_OK;
}

int
set_origins(weir_conf *cf, const weir_directive *d, void *field)
{
    struct origins *list = field;

    (void)d;
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        int rc = WEIR_OK;
        if (weir_str_eq(word, WEIR_STR("*"))) {
            list->any = true;
        } else if (weir_str_eq(word, WEIR_STR("null"))) {
            list->null = true;
        } else if (weir_str_eq(word, WEIR_STR("off"))) {
            if (weir_conf_argc(cf) != 2 || origins_any(list)) {
                return weir_conf_error_at(cf, i, "\"off\" stands alone");
            }
        } else if (word.len != 0 && word.data[0] == '~') {
            rc = add_regex(cf, list, i, (weir_str){ word.data + 1, word.len - 1 });
        } else {
            rc = word.len != 0 ? add_text(cf, list, i, word)
                               : weir_conf_error_at(cf, i, "empty origin");
        }
        if (rc != WEIR_OK) {
            return rc;
        }
    }
    return WEIR_OK;
}

/* ---- Finding. ---- */

static bool
is_labels(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_host_byte(s.data[i])) {
            return false;
        }
    }
    return s.len != 0 && s.data[0] != '.' && s.data[s.len - 1] != '.';
}

static bool
matches(const struct origin *o, weir_str origin)
{
    size_t fixed = o->head.len + o->tail.len;

    if (o->regex != NULL) {
        return weir_regex_match(NULL, o->regex, origin) == WEIR_OK;
    }
    if (o->tail.data == NULL) {
        return weir_str_ieq(o->head, origin);
    }
    return origin.len > fixed && weir_str_ieq(o->head, (weir_str){ origin.data, o->head.len }) &&
           weir_str_ieq(o->tail,
                        (weir_str){ origin.data + origin.len - o->tail.len, o->tail.len }) &&
           is_labels((weir_str){ origin.data + o->head.len, origin.len - fixed });
}

bool
origins_have(const struct origins *o, weir_str origin)
{
    if (weir_str_eq(origin, WEIR_STR("null"))) {
        return o->any || o->null;
    }
    if (!origin_is_valid(origin)) {
        return false;
    }
    for (const struct origin *at = o->any ? NULL : o->first; at != NULL; at = at->next) {
        if (matches(at, origin)) {
            return true;
        }
    }
    return o->any;
}
