/* scanner_skip.c - the fast way past tags that change nothing: whole in the piece, of an ordinary
 * element, written as nearly all are.
 *
 * It says nothing that the states would not say: what is not plainly ordinary is left to them, from
 * its '<' on. Most bytes are looked at 16 at once: a tag costs about 60 instructions with the text
 * behind it, where the states take as many for two bytes.
 */
#include "elements.h"
#include "states.h"
#include "wide.h"

/* Second and third letters of the elements that matter, by their first: most others are told from
 * them by these. One bit a letter; other bytes are taken for letters, which costs a second look. */
#define BIT(letter) (1u << ((letter)&31))

static const struct {
    uint32_t second, third;
} begins[32] = {
    ['i' & 31] = { BIT('f'), BIT('r') }, /* iframe */
    ['l' & 31] = { BIT('i'), BIT('n') }, /* link */
    ['m' & 31] = { BIT('a'), BIT('t') }, /* math */
    ['n' & 31] = { BIT('o'), BIT('e') | BIT('f') | BIT('s') },
    ['p' & 31] = { BIT('l'), BIT('a') }, /* plaintext */
    ['s' & 31] = { BIT('c') | BIT('t') | BIT('v'), BIT('g') | BIT('r') | BIT('y') },
    ['t' & 31] = { BIT('e') | BIT('i'), BIT('t') | BIT('x') },
    ['x' & 31] = { BIT('m'), BIT('p') }, /* xmp */
};

static bool
may_matter(const uint8_t *name)
{
    return begins[name[0] & 31].second & BIT(name[1]) && begins[name[0] & 31].third & BIT(name[2]);
}

/* Does the name that stands at `name` matter? Its end is in the piece, or it is taken to. */
static bool
matters(const uint8_t *name, const uint8_t *end)
{
    const uint8_t *at = name;

    while (at < end && !is_space(*at) && *at != '/' && *at != '>') {
        at++;
    }
    return at == end || element_matters((weir_str){ (const char *)name, (size_t)(at - name) });
}

/* The first `c` in [at, end); NULL: there is none. */
static inline const uint8_t *
find(const uint8_t *at, const uint8_t *end, char c)
{
    for (; wide_fits(at, end); at += WIDE_BYTES) {
        uint64_t mask = wide_is(wide_load(at), c);
        if (mask != 0) {
            return at + wide_first(mask);
        }
    }
    return memchr(at, c, (size_t)(end - at));
}

/* The first '>' or '=' from `at` on; NULL: there is none, or too near to the end to tell. */
static inline const uint8_t *
find_mark(const uint8_t *at, const uint8_t *end)
{
    for (; wide_fits(at, end); at += WIDE_BYTES) {
        uint64_t mask = wide_either(wide_load(at), '>', '=');
        if (mask != 0) {
            return at + wide_first(mask);
        }
    }
    return NULL;
}

/* Past the value that begins at `at`; NULL: not plainly, or not here. */
static inline const uint8_t *
skip_value(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *quote;

    if (at == end) {
        return NULL;
    }
    if (*at == '"' || *at == '\'') {
        quote = find(at + 1, end, (char)*at);
        return quote != NULL ? quote + 1 : NULL;
    }
    if (is_space(*at) || *at == '>') {
        return NULL;
    }
    while (at < end && (*at > ' ' ? *at != '>' : !is_space(*at))) {
        at++;
    }
    return at;
}

/* Past the start tag whose '<' stands at `tag`, and whose first '=' at `mark`. */
static const uint8_t *
skip_attributes(const uint8_t *tag, const uint8_t *mark, const uint8_t *end)
{
    const uint8_t *at;
    uint64_t spaces = wide_is(wide_load(tag), ' ');

    if (spaces == 0 || tag + wide_first(spaces) > mark) {
        return NULL; /* this '=' may be part of the tag's name */
    }
    do {
        /* It ends an attribute's name, unless none stands right before it. */
        if (mark[-1] <= '/' && mark[-1] != '-') {
            return NULL;
        }
        at = skip_value(mark + 1, end);
        mark = at != NULL ? find_mark(at, end) : NULL;
    } while (mark != NULL && *mark == '=');
    return mark != NULL ? mark + 1 : NULL;
}

/* Past the tag whose '<' stands at `tag`; NULL: it is not plain. */
static inline const uint8_t *
skip_tag(const uint8_t *tag, const uint8_t *end)
{
    const uint8_t *mark = find_mark(tag, end);

    if (mark == NULL) {
        return NULL;
    }
    if (tag[1] == '/') { /* with nothing foreign open, it closes nothing that matters */
        return *mark == '>' ? mark + 1 : NULL;
    }
    if (!weir_is_letter(tag[1]) || (may_matter(tag + 1) && matters(tag + 1, end))) {
        return NULL;
    }
    return *mark == '>' ? mark + 1 : skip_attributes(tag, mark, end);
}

size_t
scanner_skip_tags(const uint8_t *data, size_t at, size_t len)
{
    const uint8_t *tag = data + at, *end = data + len, *behind;

    while ((behind = skip_tag(tag, end)) != NULL) {
        tag = find(behind, end, '<');
        if (tag == NULL) {
            return len;
        }
    }
    return (size_t)(tag - data);
}
