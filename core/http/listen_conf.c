/* http/listen_conf.c - `listen`: addresses and socket options as they are read. What comes of them
 * is endpoint.c's.
 *
 * Servers that name the same address share its entry; what they say about its socket must agree.
 */
#include <netinet/in.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/num.h"
#include "base/str.h"
#include "http/build.h"

/* What one `listen` says. */
struct words {
    struct wr_listen_options options;
    bool options_set; /* one of them concerns the socket */
    bool default_server, ssl, http2, proxy_protocol;
};

static const struct wr_listen_options plain = { .backlog = 511,
                                                .ipv6only = true,
                                                .unix_mode = 0666 };

/* ---- Parameters. ---- */

static bool
parse_count(weir_str text, int *value)
{
    uint64_t n;

    if (!weir_parse_number(text, INT32_MAX, &n)) {
        return false;
    }
    *value = (int)n;
    return true;
}

static bool
parse_bytes(weir_str text, int *value)
{
    uint64_t n;

    if (weir_parse_size(text, &n) != WEIR_OK || n > INT32_MAX) {
        return false;
    }
    *value = (int)n;
    return true;
}

static bool
parse_flag(weir_str text, bool *value)
{
    bool on = weir_str_eq(text, WEIR_STR("on"));

    if (!on && !weir_str_eq(text, WEIR_STR("off"))) {
        return false;
    }
    *value = on;
    return true;
}

static bool
parse_seconds(weir_str text, int *value)
{
    uint64_t ms;

    if (text.len == 0) {
        return true; /* the system's */
    }
    if (weir_parse_msec(text, &ms) != WEIR_OK || ms / 1000 > INT32_MAX) {
        return false;
    }
    *value = (int)(ms / 1000);
    return true;
}

/* "on", "off" or "idle:interval:count", parts of which may be empty. */
static bool
parse_keepalive(weir_str text, struct wr_listen_options *o)
{
    size_t first = weir_str_find(text, ':');
    weir_str rest = weir_str_cut(text, first + 1, SIZE_MAX);
    size_t second = weir_str_find(rest, ':');
    weir_str count = weir_str_cut(rest, second + 1, SIZE_MAX);

    o->keepalive_set = true;
    if (parse_flag(text, &o->keepalive)) {
        return true;
    }
    o->keepalive = true;
    return first != text.len && second != rest.len && text.len > 2 &&
           parse_seconds(weir_str_cut(text, 0, first), &o->keep_idle) &&
           parse_seconds(weir_str_cut(rest, 0, second), &o->keep_interval) &&
           (count.len == 0 || parse_count(count, &o->keep_count));
}

/* "name=value": true when text has that name; *value is what follows. */
static bool
named(weir_str text, weir_str name, weir_str *value)
{
    if (!weir_str_starts(text, name) || text.len == name.len || text.data[name.len] != '=') {
        return false;
    }
    *value = weir_str_cut(text, name.len + 1, SIZE_MAX);
    return true;
}

enum parsed { PARSED, PARSED_BAD, PARSED_UNKNOWN };

/* Parameters with a value. */
static enum parsed
parse_valued(struct weir_conf *cf, weir_str text, struct words *w)
{
    struct wr_listen_options *o = &w->options;
    weir_str value;
    bool good;

    if (named(text, WEIR_STR("setfib"), &value) || named(text, WEIR_STR("accept_filter"), &value)) {
        wr_diag_add(cf->diag, WR_DIAG_NOTE, wr_conf_place(cf->node, 0), NULL,
                    "the \"%.*s\" parameter is not for this system and has no effect",
                    WEIR_FMT(text));
        return PARSED;
    }
    if (named(text, WEIR_STR("backlog"), &value)) {
        good = parse_count(value, &o->backlog) && o->backlog > 0;
    } else if (named(text, WEIR_STR("rcvbuf"), &value)) {
        good = parse_bytes(value, &o->rcvbuf);
    } else if (named(text, WEIR_STR("sndbuf"), &value)) {
        good = parse_bytes(value, &o->sndbuf);
    } else if (named(text, WEIR_STR("fastopen"), &value)) {
        good = parse_count(value, &o->fastopen);
    } else if (named(text, WEIR_STR("ipv6only"), &value)) {
        good = parse_flag(value, &o->ipv6only);
    } else if (named(text, WEIR_STR("so_keepalive"), &value)) {
        good = parse_keepalive(value, o);
    } else {
        return PARSED_UNKNOWN;
    }
    w->options_set = true;
    return good ? PARSED : PARSED_BAD;
}

/* A protocol that weir does not speak: nobody would be heard at the address. */
static bool
refuse_quic(struct weir_conf *cf, uint32_t i)
{
    return wr_diag_error(cf->diag, wr_conf_place(cf->node, i), "leave it out: browsers come by HTTP/2 over \"ssl\"",
                         "\"listen ... quic\": HTTP/3 is not served");
}

/* Parameters that are one word. */
static enum parsed
parse_word(struct weir_conf *cf, uint32_t i, weir_str text, struct words *w)
{
    struct {
        weir_str name;
        bool *flag, socket;
    } flags[] = {
        { WEIR_STR("default_server"), &w->default_server, false },
        { WEIR_STR("default"), &w->default_server, false },
        { WEIR_STR("proxy_protocol"), &w->proxy_protocol, false },
        { WEIR_STR("ssl"), &w->ssl, false },
        { WEIR_STR("http2"), &w->http2, false },
        { WEIR_STR("reuseport"), &w->options.reuseport, true },
        { WEIR_STR("deferred"), &w->options.deferred, true },
        { WEIR_STR("bind"), &w->options.bind, true },
    };

    if (weir_str_eq(text, WEIR_STR("quic"))) {
        return refuse_quic(cf, i) ? PARSED : PARSED_BAD;
    }
    for (size_t k = 0; k < WR_COUNT(flags); k++) {
        if (weir_str_eq(text, flags[k].name)) {
            *flags[k].flag = true;
            w->options_set = w->options_set || flags[k].socket;
            return PARSED;
        }
    }
    return PARSED_UNKNOWN;
}

/* All words behind the address. False after reports. */
static bool
parse_words(struct weir_conf *cf, struct words *w)
{
    uint32_t errors = cf->diag->errors;

    for (uint32_t i = 2; i < weir_conf_argc(cf); i++) {
        weir_str text = weir_conf_arg(cf, i);
        enum parsed p = parse_word(cf, i, text, w);
        p = p == PARSED_UNKNOWN ? parse_valued(cf, text, w) : p;
        if (p != PARSED && cf->diag->errors == errors) {
            weir_conf_invalid(cf, i, "parameter");
        }
    }
    if (w->http2) {
        weir_conf_warn(cf, "the \"listen ... http2\" directive is deprecated, use the \"http2\" "
                           "directive instead");
    }
    return cf->diag->errors == errors;
}

/* ---- Addresses as read. ---- */

static struct wr_build_address *
address_of(struct weir_conf *cf, const struct wr_addr *addr)
{
    struct wr_build *b = wr_build_of(cf);
    struct wr_build_address *a;
    char room[WR_ADDR_TEXT];
    struct wr_strbuf to = wr_strbuf_over(room, sizeof(room));
    weir_str text;

    wr_addr_format(addr, false, &to);
    a = wr_map_find(&b->addresses, wr_strbuf_view(&to));
    if (a != NULL) {
        return a;
    }
    text = weir_dup(cf->pool, wr_strbuf_view(&to));
    a = wr_pool_zalloc(cf->pool, sizeof(*a));
    *a = (struct wr_build_address){ .addr = *addr, .text = text, .options = plain };
    a->names = wr_names_create(cf->pool);
    wr_map_add(&b->addresses, text, a);
    return a;
}

static bool
same_options(const struct wr_listen_options *a, const struct wr_listen_options *b)
{
    return a->backlog == b->backlog && a->rcvbuf == b->rcvbuf && a->sndbuf == b->sndbuf &&
           a->fastopen == b->fastopen && a->reuseport == b->reuseport &&
           a->deferred == b->deferred && a->ipv6only == b->ipv6only && a->bind == b->bind &&
           a->keepalive == b->keepalive && a->keepalive_set == b->keepalive_set &&
           a->keep_idle == b->keep_idle && a->keep_interval == b->keep_interval &&
           a->keep_count == b->keep_count;
}

static int
take_options(struct weir_conf *cf, struct wr_build_address *a, const struct words *w)
{
    if (!w->options_set) {
        return WEIR_OK;
    }
    if (a->options_node != NULL && !same_options(&a->options, &w->options)) {
        wr_diag_error(cf->diag, wr_conf_place(cf->node, 0), wr_build_first(cf, a->options_node),
                      "duplicate listen options for %.*s", WEIR_FMT(a->text));
        return WEIR_ERROR;
    }
    a->options = w->options;
    a->options_node = a->options_node != NULL ? a->options_node : cf->node;
    return WEIR_OK;
}

static int
take_default(struct weir_conf *cf, struct wr_build_address *a, const struct wr_server *server)
{
    if (a->default_node != NULL) {
        wr_diag_error(cf->diag, wr_conf_place(cf->node, 0), wr_build_first(cf, a->default_node),
                      "a duplicate default server for %.*s", WEIR_FMT(a->text));
        return WEIR_ERROR;
    }
    a->default_node = cf->node;
    a->fallback = server;
    return WEIR_OK;
}

/* The server being bound listens at addr. */
static int
listen_at(struct weir_conf *cf, const struct wr_addr *addr, const struct words *w)
{
    struct wr_build_server *s = wr_build_of(cf)->server;
    struct wr_build_address *a = address_of(cf, addr);

    if (a->last == s->server) {
        return weir_conf_error_at(cf, 1, "a duplicate listen %.*s", WEIR_FMT(a->text));
    }
    a->last = s->server;
    if (a->n_servers++ == 0) {
        a->first = cf->node;
        a->fallback = s->server;
        a->proxy_protocol = w->proxy_protocol;
        a->ssl = w->ssl;
    } else if ((w->proxy_protocol && !a->proxy_protocol) || (w->ssl && !a->ssl)) {
        wr_diag_add(cf->diag, WR_DIAG_WARN, wr_conf_place(cf->node, 0),
                    wr_build_first(cf, a->first), "protocol options redefined for %.*s",
                    WEIR_FMT(a->text));
        a->proxy_protocol = a->proxy_protocol || w->proxy_protocol;
        a->ssl = a->ssl || w->ssl;
    }
    a->http2 = a->http2 || w->http2;
    *(struct wr_build_address **)wr_vec_add(&s->addresses) = a;
    *(struct wr_build_listen *)wr_vec_add(&wr_build_of(cf)->listens) =
        (struct wr_build_listen){ s->server, a };
    if (w->default_server && take_default(cf, a, s->server) != WEIR_OK) {
        return WEIR_ERROR;
    }
    return take_options(cf, a, w);
}

/* Is text "HOST:A-B", or "A-B"? Then *host is the text before A, and the ports. */
static bool
port_range(weir_str text, weir_str *host, uint64_t *low, uint64_t *high)
{
    size_t dash = text.len, first;

    while (dash > 0 && text.data[dash - 1] != '-') {
        dash--;
    }
    first = dash != 0 ? dash - 1 : 0;
    while (first > 0 && text.data[first - 1] >= '0' && text.data[first - 1] <= '9') {
        first--;
    }
    if (dash == 0 || (first != 0 && text.data[first - 1] != ':')) {
        return false;
    }
    *host = weir_str_cut(text, 0, first);
    return weir_parse_number(weir_str_cut(text, first, dash - 1 - first), UINT16_MAX, low) &&
           weir_parse_number(weir_str_cut(text, dash, SIZE_MAX), UINT16_MAX, high);
}

static int
listen_text(struct weir_conf *cf, weir_str text, const struct words *w)
{
    struct wr_addr addr;
    struct wr_err err;

    memset(&addr, 0, sizeof(addr));
    if (!wr_addr_parse(text, 80, true, &addr, &err)) {
        return weir_conf_error_at(cf, 1, "%s of the \"listen\" directive", err.text);
    }
    return listen_at(cf, &addr, w);
}

int
wr_listen_set(weir_conf *cf, const weir_directive *d, void *field)
{
    struct words w = { .options = plain };
    weir_str text = weir_conf_arg(cf, 1), host;
    uint64_t low, high;
    int rc = WEIR_OK;

    (void)d;
    (void)field;
    if (!parse_words(cf, &w)) {
        return WEIR_ERROR;
    }
    if (weir_str_starts(text, WEIR_STR("unix:")) || !port_range(text, &host, &low, &high)) {
        return listen_text(cf, text, &w);
    }
    if (low == 0 || low > high) {
        return weir_conf_error_at(cf, 1, "invalid port range in \"%.*s\"", WEIR_FMT(text));
    }
    for (uint64_t port = low; port <= high && rc == WEIR_OK; port++) {
        rc = listen_text(cf, weir_print(cf->pool, "%.*s%u", WEIR_FMT(host), (unsigned)port), &w);
    }
    return rc;
}

void
wr_listen_default(struct weir_conf *cf)
{
    const struct wr_conf_node *node = cf->node;
    struct words w = { .options = plain };
    struct wr_addr addr;

    memset(&addr, 0, sizeof(addr));
    addr.at.v4.sin_family = AF_INET;
    addr.at.v4.sin_port = htons(geteuid() == 0 ? 80 : 8000);
    addr.len = sizeof(addr.at.v4);
    cf->node = wr_build_of(cf)->server->server->base.node;
    (void)listen_at(cf, &addr, &w);
    cf->node = node;
}
