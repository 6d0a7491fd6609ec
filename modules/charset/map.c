/* charset/map.c - the block of a charset_map, made into tables.
 *
 * Between two sets of bytes the characters are those of the right one, numbered where Unicode has
 * none of its own. A byte below 0x80 is itself unless the map says something else; what the map
 * leaves out above that stands for nothing.
 */
#include "map.h"

enum { PRIVATE = 0xf0000, TOP = 0x10ffff };

/* Hexadecimal digits, two for a byte; how many bytes, 0: they are none, or too many. */
static size_t
parse_bytes(weir_str s, uint8_t *to, size_t most)
{
    size_t n = (s.len + 1) / 2, at = 0;

    if (s.len == 0 || n > most || (s.len % 2 != 0 && s.len != 1)) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        int high = s.len == 1 ? 0 : weir_hex_digit((uint8_t)s.data[at++]);
        int low = weir_hex_digit((uint8_t)s.data[at++]);
        if (high < 0 || low < 0) {
            return 0;
        }
        to[i] = (uint8_t)(high << 4 | low);
    }
    return n;
}

/* The character that n bytes of UTF-8 are; 0: none. [RFC 3629 4] */
static uint32_t
parse_utf8(const uint8_t *b, size_t n)
{
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    static const uint8_t lead[] = { 0x00, 0xc0, 0xe0, 0xf0 }, mask[] = { 0x80, 0xe0, 0xf0, 0xf8 };
    uint32_t c = b[0] & (uint8_t)~mask[n - 1];

    if ((b[0] & mask[n - 1]) != lead[n - 1]) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (b[i] & 0x3f);
    }
    return c < least[n - 1] || c > TOP || (c >= 0xd800 && c <= 0xdfff) ? 0 : c;
}

static uint32_t
numbered(uint8_t byte)
{
    return byte < 0x80 ? byte : PRIVATE + byte;
}

/* BYTE BYTES; */
static int
read_pair(weir_conf *cf, void *data)
{
    struct charset_map *m = data;
    uint8_t key, value[4];
    uint32_t character;
    size_t n;

    if (weir_conf_argc(cf) != 2) {
        return weir_conf_error(cf, "invalid parameters number");
    }
    if (parse_bytes(weir_conf_arg(cf, 0), &key, 1) == 0) {
        return weir_conf_error_at(cf, 0, "invalid value \"%.*s\"", WEIR_FMT(weir_conf_arg(cf, 0)));
    }
    n = parse_bytes(weir_conf_arg(cf, 1), value, m->utf8 ? sizeof(value) : 1);
    character = n == 0 ? 0 : m->utf8 ? parse_utf8(value, n) : numbered(value[0]);
    if (character == 0) {
        return weir_conf_error_at(cf, 1, "invalid value \"%.*s\"", WEIR_FMT(weir_conf_arg(cf, 1)));
    }
    m->left->own_ascii =
        m->left->own_ascii || ((key < 0x80 || character < 0x80) && key != character);
    m->left->to[key] = character;
    return WEIR_OK;
}

/* The way back, once all lines are known: the last byte of several for a character is the one. */
static void
turn(struct charset_table *t)
{
    for (unsigned byte = 256; byte-- != 1;) {
        uint32_t character = t->to[byte];
        if (character != 0 && character != byte) {
            charset_add(t, character, (uint8_t)byte);
        }
    }
}

static struct charset_table *
create(weir_conf *cf, weir_str name, unsigned until)
{
    struct charset_table *t = weir_zalloc(weir_conf_pool(cf), sizeof(*t));

    t->name = name;
    for (unsigned byte = 0; byte < until; byte++) {
        t->to[byte] = numbered((uint8_t)byte);
    }
    return t;
}

int
charset_map_read(weir_conf *cf, const struct charset_map **maps)
{
    weir_str left = weir_conf_arg(cf, 1), right = weir_conf_arg(cf, 2);
    struct charset_map *m = weir_zalloc(weir_conf_pool(cf), sizeof(*m));

    if (weir_str_ieq(left, right)) {
        return weir_conf_error_at(cf, 2,
                                  "\"charset_map\" between the same charsets \"%.*s\" and \"%.*s\"",
                                  WEIR_FMT(left), WEIR_FMT(right));
    }
    if (weir_str_ieq(left, WEIR_STR("utf-8"))) {
        return weir_conf_error_at(cf, 1, "UTF-8 stands on the right of a \"charset_map\"");
    }
    m->utf8 = weir_str_ieq(right, WEIR_STR("utf-8"));
    m->left = create(cf, left, 0x80);
    m->right = create(cf, right, 256);
    if (weir_conf_block(cf, read_pair, m) != WEIR_OK) {
        return WEIR_ERROR;
    }
    turn(m->left);
    turn(m->right);
    m->next = *maps;
    *maps = m;
    return WEIR_OK;
}

bool
charset_map_find(const struct charset_map *maps, weir_str from, weir_str to,
                 const struct charset_table **from_table, const struct charset_table **to_table)
{
    for (const struct charset_map *m = maps; m != NULL; m = m->next) {
        const struct charset_table *right = m->utf8 ? NULL : m->right;
        bool there = weir_str_ieq(m->left->name, from) && weir_str_ieq(m->right->name, to);
        if (there || (weir_str_ieq(m->left->name, to) && weir_str_ieq(m->right->name, from))) {
            *from_table = there ? m->left : right;
            *to_table = there ? right : m->left;
            return true;
        }
    }
    return false;
}
