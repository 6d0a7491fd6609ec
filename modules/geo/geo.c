/* geo - a variable whose value depends on an address: geo [$address] $variable { ... }.
 *
 * The address is the client's, or a text's; behind trusted proxies the one that X-Forwarded-For
 * names. What is no address is looked up as 255.255.255.255.
 */
#include "atlas.h"

struct proxy {
    struct proxy *next;
    struct span span;
};

struct geo {
    weir_value *source; /* NULL: the client's address */
    struct atlas atlas;
    struct proxy *proxies;
    bool recursive, is_volatile;
};

/* ---- Looking up. ---- */

static bool
is_proxy(const struct geo *g, const struct address *a)
{
    const struct proxy *p = g->proxies;

    while (p != NULL && !span_has(&p->span, a)) {
        p = p->next;
    }
    return p != NULL;
}

static bool
is_between(char c)
{
    return c == ' ' || c == ',';
}

/* Cut the last address off a list; false: there is none, or it is no address. */
static bool
take_last(weir_str *list, struct address *a)
{
    size_t end = list->len;

    while (end > 0 && is_between(list->data[end - 1])) {
        end--;
    }
    list->len = end;
    while (list->len > 0 && !is_between(list->data[list->len - 1])) {
        list->len--;
    }
    return address_parse_port((weir_str){ list->data + list->len, end - list->len }, a);
}

/* From proxy to proxy, as long as they are trusted: the lines of X-Forwarded-For from the last one
 * on. */
static void
follow_proxies(weir_request *r, const struct geo *g, struct address *a)
{
    const weir_header *first = r->in[WEIR_H_X_FORWARDED_FOR];
    const weir_header *done = NULL;

    while (first != done) {
        const weir_header *line = first;
        while (line->same != done) {
            line = line->same;
        }
        weir_str list = line->value;
        do {
            if (!is_proxy(g, a) || !take_last(&list, a) || !g->recursive) {
                return;
            }
        } while (list.len > 0);
        done = line;
    }
}

static weir_str
get(weir_request *r, void *data)
{
    const struct geo *g = data;
    struct address a;
    bool known = g->source != NULL ? address_parse(weir_value_get(r, g->source), &a)
                                   : address_from_bytes(weir_client_addr_bytes(r), &a);

    if (!known) {
        a = (struct address){ .lo = UINT32_MAX };
    }
    if (g->proxies != NULL && r->in[WEIR_H_X_FORWARDED_FOR] != NULL) {
        follow_proxies(r, g, &a);
    }
    return atlas_find(&g->atlas, &a);
}

/* ---- Reading. ---- */

/* What is known while the block is read. */
struct reading {
    struct geo *geo;
    weir_pool *pool; /* for as long as it is read */
    weir_str otherwise;
    bool ranges;
    bool begun;  /* there was a network */
    bool failed; /* a line was wrong: the others are read all the same */
};

static int
read_word(weir_conf *cf, struct reading *read)
{
    weir_str word = weir_conf_arg(cf, 0);

    if (weir_str_eq(word, WEIR_STR("ranges"))) {
        if (read->begun) {
            return weir_conf_error(
                cf, "the \"ranges\" directive must be the first directive inside \"geo\" block");
        }
        read->ranges = true;
        return WEIR_OK;
    }
    if (weir_str_eq(word, WEIR_STR("proxy_recursive"))) {
        read->geo->recursive = true;
        return WEIR_OK;
    }
    if (weir_str_eq(word, WEIR_STR("volatile"))) {
        read->geo->is_volatile = true;
        return WEIR_OK;
    }
    return weir_conf_error(cf, "invalid number of the geo parameters");
}

static int
parse_network(weir_conf *cf, uint32_t word, struct span *s)
{
    weir_str text = weir_conf_arg(cf, word);
    bool loose;

    if (!span_parse_network(text, s, &loose)) {
        return weir_conf_error_at(cf, word, "invalid network \"%.*s\"", WEIR_FMT(text));
    }
    if (loose) {
        weir_conf_warn(cf, "low address bits of %.*s are meaningless", WEIR_FMT(text));
    }
    return WEIR_OK;
}

static int
read_proxy(weir_conf *cf, struct geo *g)
{
    struct proxy *p = weir_zalloc(weir_conf_pool(cf), sizeof(*p));

    p->next = g->proxies;
    g->proxies = p;
    return parse_network(cf, 1, &p->span);
}

static int
read_network(weir_conf *cf, struct reading *read, uint32_t word, weir_str value)
{
    weir_str text = weir_conf_arg(cf, word);
    struct span s;

    if (read->ranges) {
        if (!span_parse_range(text, &s)) {
            return weir_conf_error_at(cf, word, "invalid range \"%.*s\"", WEIR_FMT(text));
        }
    } else if (parse_network(cf, word, &s) != WEIR_OK) {
        return WEIR_ERROR;
    }
    read->begun = true;
    atlas_add(&read->geo->atlas, read->pool, &s, text, value);
    return WEIR_OK;
}

static int
read_pair(weir_conf *cf, struct reading *read)
{
    weir_str name = weir_conf_arg(cf, 0);
    weir_str value = weir_conf_arg(cf, 1);
    weir_str none = { NULL, 0 };

    if (weir_conf_argc(cf) != 2) {
        return weir_conf_error(cf, "invalid number of the geo parameters");
    }
    if (weir_str_eq(name, WEIR_STR("default"))) {
        read->otherwise = value;
        return WEIR_OK;
    }
    if (weir_str_eq(name, WEIR_STR("proxy"))) {
        return read_proxy(cf, read->geo);
    }
    if (weir_str_eq(name, WEIR_STR("delete"))) {
        return read_network(cf, read, 1, none);
    }
    return read_network(cf, read, 0, value);
}

static int
read_line(weir_conf *cf, void *data)
{
    struct reading *read = data;
    int rc = weir_conf_argc(cf) == 1 ? read_word(cf, read) : read_pair(cf, read);

    read->failed = read->failed || rc != WEIR_OK;
    return WEIR_OK;
}

static int
set_geo(weir_conf *cf, const weir_directive *d, void *field)
{
    struct geo *g = weir_zalloc(weir_conf_pool(cf), sizeof(*g));
    struct reading read = { .geo = g, .otherwise = WEIR_STR("") };
    uint32_t last = weir_conf_argc(cf) - 1;
    weir_str name = { NULL, 0 };

    (void)d;
    (void)field;
    for (uint32_t i = 1; i <= last; i++) {
        name = weir_conf_variable(cf, i);
        if (name.data == NULL) {
            return WEIR_ERROR;
        }
    }
    if (last == 2) {
        g->source = weir_value_compile(cf, weir_conf_arg(cf, 1));
        if (g->source == NULL) {
            return WEIR_ERROR;
        }
    }
    read.pool = weir_pool_new(weir_conf_pool(cf));
    int rc = weir_conf_block(cf, read_line, &read);
    if (rc == WEIR_OK && !read.failed) {
        rc = atlas_settle(cf, &g->atlas, read.otherwise);
    }
    weir_pool_end(read.pool);
    if (rc != WEIR_OK || read.failed) {
        return WEIR_ERROR;
    }
    return weir_var_define(cf, name, g->is_volatile ? WEIR_VAR_FRESH : 0, get, g) >= 0 ? WEIR_OK : WEIR_ERROR;
}

static const weir_directive directives[] = {
    { .name = "geo",
      .help = "a variable whose value depends on an address",
      .where = WEIR_IN_HTTP,
      .type = WEIR_T_CUSTOM,
      .min = 1,
      .max = 2,
      .flags = WEIR_D_BLOCK | WEIR_D_MANY,
      .set = set_geo },
};

WEIR_MODULE("geo", "1.0", .summary = "variables whose values depend on an address",
            .directives = WEIR_ITEMS(directives));
