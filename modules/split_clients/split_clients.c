/* split_clients - a variable that sorts texts into parts of given shares, always in the same way.
 *
 * A text's place is its MurmurHash2, as nginx's, so that nobody changes sides when a site moves
 * from one server to the other. The shares are limits that a place is compared with, in order.
 */
#include <weir/weir.h>

enum { WHOLE = 10000 }; /* a hundredth of a percent is 1 */

struct part {
    uint32_t share; /* in hundredths of a percent; 0: all that is left */
    uint32_t until; /* places below this one */
    weir_str value;
};

struct split {
    weir_value *source;
    struct part *parts;
    uint32_t n, room;
    weir_pool *pool;
};

/* MurmurHash2, 32 bits, seed 0. */
static uint32_t
murmur2(weir_str s)
{
    const uint32_t m = 0x5bd1e995;
    const uint8_t *p = (const uint8_t *)s.data;
    size_t len = s.len;
    uint32_t h = (uint32_t)len;

    for (; len >= 4; len -= 4, p += 4) {
        uint32_t k =
            (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        k *= m;
        k ^= k >> 24;
        h = (h * m) ^ (k * m);
    }
    if (len > 0) {
        for (size_t i = 0; i < len; i++) {
            h ^= (uint32_t)p[i] << (8 * i);
        }
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

static weir_str
get(weir_request *r, void *data)
{
    const struct split *s = data;
    uint32_t place = murmur2(weir_value_get(r, s->source));

    for (uint32_t i = 0; i < s->n; i++) {
        if (s->parts[i].share == 0 || place < s->parts[i].until) {
            return s->parts[i].value;
        }
    }
    return WEIR_STR("");
}

/* "0.5%", "12.34%", "100%" in hundredths of a percent; 0 for anything else. */
static uint32_t
parse_share(weir_str s)
{
    uint32_t share = 0;
    uint32_t decimals = 0;
    bool point = false;

    if (s.len < 2 || s.data[s.len - 1] != '%') {
        return 0;
    }
    for (size_t i = 0; i + 1 < s.len; i++) {
        if (s.data[i] == '.' && !point) {
            point = true;
        } else if (s.data[i] >= '0' && s.data[i] <= '9' && decimals < 2 && share <= WHOLE) {
            share = share * 10 + (uint32_t)(s.data[i] - '0');
            decimals += point;
        } else {
            return 0;
        }
    }
    for (; decimals < 2 && share <= WHOLE; decimals++) {
        share *= 10;
    }
    return share;
}

static int
read_part(weir_conf *cf, void *data)
{
    struct split *s = data;
    weir_str share = weir_conf_arg(cf, 0);

    if (weir_conf_argc(cf) != 2) {
        return weir_conf_error(cf, "a part is a share and a value");
    }
    if (s->n == s->room) {
        struct part *parts = weir_alloc(s->pool, (2 * s->room + 8) * sizeof(*parts));
        if (s->n != 0) {
            memcpy(parts, s->parts, s->n * sizeof(*parts));
        }
        s->parts = parts;
        s->room = 2 * s->room + 8;
    }
    struct part *p = &s->parts[s->n];
    *p = (struct part){ .value = weir_dup(s->pool, weir_conf_arg(cf, 1)) };
    if (!weir_str_eq(share, WEIR_STR("*"))) {
        p->share = parse_share(share);
        if (p->share == 0) {
            return weir_conf_error_at(cf, 0, "invalid percent value \"%.*s\"", WEIR_FMT(share));
        }
    }
    s->n++;
    return WEIR_OK;
}

/* Each share is rounded by itself, as in nginx. */
static int
settle(weir_conf *cf, struct split *s)
{
    uint32_t sum = 0;
    uint32_t until = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        struct part *p = &s->parts[i];
        sum = p->share != 0 ? sum + p->share : WHOLE;
        if (sum > WHOLE) {
            return weir_conf_error(cf, "percent total is greater than 100%%");
        }
        until += (uint32_t)(p->share * (uint64_t)UINT32_MAX / WHOLE);
        p->until = until;
    }
    return WEIR_OK;
}

static int
set_split_clients(weir_conf *cf, const weir_directive *d, void *field)
{
    struct split *s = weir_zalloc(weir_conf_pool(cf), sizeof(*s));
    weir_str name;

    (void)d;
    (void)field;
    s->pool = weir_conf_pool(cf);
    s->source = weir_value_compile(cf, weir_conf_arg(cf, 1));
    if (s->source == NULL) {
        return WEIR_ERROR;
    }
    name = weir_conf_variable(cf, 2);
    if (name.data == NULL || weir_conf_block(cf, read_part, s) != WEIR_OK ||
        settle(cf, s) != WEIR_OK) {
        return WEIR_ERROR;
    }
    return weir_var_define(cf, name, 0, get, s) >= 0 ? WEIR_OK : WEIR_ERROR;
}

static const weir_directive directives[] = {
    { .name = "split_clients",
      .help = "a variable that is one of several values, each for a share of texts",
      .where = WEIR_IN_HTTP,
      .type = WEIR_T_CUSTOM,
      .min = 2,
      .max = 2,
      .flags = WEIR_D_BLOCK | WEIR_D_MANY,
      .set = set_split_clients },
};

WEIR_MODULE("split_clients", "1.0", .summary = "splits requests into parts of given shares",
            .directives = WEIR_ITEMS(directives));
