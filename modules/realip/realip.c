/* realip - takes the client's address from a request field or the PROXY protocol, when it comes from somebody who is trusted:
 * set_real_ip_from, real_ip_header, real_ip_recursive.
 *
 * Right after the head is read for a server's settings, and once more when the location is known: whichever finds a trusted
 * peer first decides. The address before is kept for $realip_remote_addr.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <weir/weir.h>

typedef struct {
    weir_net *at;
    size_t count;
} nets;

typedef struct {
    nets from;
    weir_str header; /* "X-Real-IP"; "proxy_protocol": what a PROXY header said */
    bool recursive;
    bool proxy_protocol; /* check() fills these */
    int32_t proxied_addr, proxied_port;
} realip_conf;

/* Who the peer was, once its word was taken for another address. */
typedef struct {
    weir_str addr;
    uint32_t port;
} before;

/* ---- Whom to believe. ---- */

static bool
trusted(const realip_conf *c, weir_str addr)
{
    weir_str plain = weir_addr_plain(addr);

    for (size_t i = 0; i < c->from.count; i++) {
        if (weir_net_has(&c->from.at[i], plain) || weir_net_has(&c->from.at[i], addr)) {
            return true;
        }
    }
    return false;
}

/* ---- What to believe. ---- */

/* The last element of a comma-separated list, taken off it; absent: there is none. */
static weir_str
take_last(weir_str *list)
{
    weir_str last = { NULL, 0 };
    size_t end = list->len;

    while (end != 0 && strchr(" \t,", list->data[end - 1]) != NULL) {
        end--;
    }
    list->len = end;
    while (list->len != 0 && strchr(" \t,", list->data[list->len - 1]) == NULL) {
        list->len--;
    }
    if (end != 0) {
        last = (weir_str){ list->data + list->len, end - list->len };
    }
    return last;
}

/* Make the address that `text` says the client's. False: it is none, or nobody may be believed any more. Whoever comes by
 * way of a proxy does not come over a socket of this machine, and must not be taken for one who does. */
static bool
believe(weir_request *r, const realip_conf *c, weir_str text, uint32_t port)
{
    weir_str addr;

    return weir_addr_parse(text, &addr, port != 0 ? &(uint32_t){ 0 } : &port) == WEIR_OK &&
           !weir_str_eq(addr, WEIR_STR("unix:")) &&
           weir_set_client_addr(r, addr, port) == WEIR_OK && c->recursive &&
           trusted(c, weir_client_addr_bytes(r));
}

/* The fields of that name, the last line first: each line is a list, its last element the nearest. */
static void
believe_fields(weir_request *r, const realip_conf *c, const weir_header *line, bool *go_on)
{
    weir_str list, one;

    if (line == NULL) {
        return;
    }
    believe_fields(r, c, line->same, go_on);
    list = line->value;
    while (*go_on && (one = take_last(&list)).data != NULL) {
        *go_on = believe(r, c, one, 0);
    }
}

static void
believe_proxy_protocol(weir_request *r, const realip_conf *c)
{
    weir_str addr = weir_var_get(r, c->proxied_addr), port = weir_var_get(r, c->proxied_port);
    uint64_t number = 0; /* what the server has of it is a number, or empty */

    (void)weir_parse_number(port, UINT16_MAX, &number);
    if (addr.len != 0) {
        (void)weir_set_client_addr(r, addr, (uint32_t)number);
    }
}

static int
correct(weir_request *r, const void *conf)
{
    const realip_conf *c = conf;
    before *b = weir_ctx(r);
    uint32_t port;
    weir_str addr;
    bool go_on = true;

    if (b != NULL || !trusted(c, weir_client_addr_bytes(r))) {
        return WEIR_NEXT;
    }
    addr = weir_client_addr(r, &port);
    if (c->proxy_protocol) {
        believe_proxy_protocol(r, c);
    } else {
        believe_fields(r, c, weir_in_find(r, c->header), &go_on);
    }
    if (weir_client_addr(r, NULL).data != addr.data) {
        b = weir_ctx_make(r, sizeof(*b));
        b->addr = addr;
        b->port = port;
    }
    return WEIR_NEXT;
}

static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    const realip_conf *c = conf;
    weir_str addr = weir_client_addr(r, NULL), now;

    (void)phase;
    if (weir_ctx(r) != NULL) {
        return;
    }
    (void)correct(r, conf);
    now = weir_client_addr(r, NULL);
    if (weir_explain_unknown(to).data != NULL) {
        weir_explain_say(to, "a PROXY header decides who the client is");
    } else if (now.data != addr.data) {
        weir_explain_say(to, "the client is %.*s: %.*s says it, and is trusted", WEIR_FMT(now),
                         WEIR_FMT(addr));
    } else {
        weir_explain_say(to, "the client stays %.*s%s", WEIR_FMT(addr),
                         trusted(c, weir_client_addr_bytes(r)) ? "" : ", which is not trusted");
    }
}

/* ---- Variables. ---- */

static weir_str
get_addr(weir_request *r, const void *conf, weir_str name)
{
    const before *b = weir_ctx(r->main);

    (void)conf;
    (void)name;
    return b != NULL ? b->addr : weir_client_addr(r, NULL);
}

static weir_str
get_port(weir_request *r, const void *conf, weir_str name)
{
    const before *b = weir_ctx(r->main);
    uint32_t port;

    (void)conf;
    (void)name;
    if (b != NULL) {
        port = b->port;
    } else {
        (void)weir_client_addr(r, &port);
    }
    return port != 0 ? weir_print(r->pool, "%u", port) : WEIR_STR("");
}

/* ---- Configuration. ---- */

static void
add_net(weir_conf *cf, nets *to, const weir_net *net)
{
    weir_net *at = weir_alloc(weir_conf_pool(cf), (to->count + 1) * sizeof(*at));

    if (to->count != 0) {
        memcpy(at, to->at, to->count * sizeof(*at));
    }
    at[to->count++] = *net;
    to->at = at;
}

/* Every address of a host, as nginx: looked up once, now. */
static int
add_host(weir_conf *cf, nets *to, weir_str host)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(weir_dup(weir_conf_pool(cf), host).data, NULL, &hints, &found);

    if (rc != 0) {
        return weir_conf_error_at(cf, 1, "host not found in set_real_ip_from \"%.*s\"",
                                  WEIR_FMT(host));
    }
    for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        weir_net net = { .len = a->ai_family == AF_INET ? 4 : 16 };
        net.bits = (uint8_t)(net.len * 8);
        if (a->ai_family == AF_INET) {
            memcpy(net.addr, &((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr, 4);
        } else {
            memcpy(net.addr, &((const struct sockaddr_in6 *)(const void *)a->ai_addr)->sin6_addr,
                   16);
        }
        add_net(cf, to, &net);
    }
    freeaddrinfo(found);
    return WEIR_OK;
}

static int
set_from(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str text = weir_conf_arg(cf, 1);
    bool loose;
    weir_net net;

    (void)d;
    if (weir_net_parse(text, &net, &loose) == WEIR_OK) {
        if (loose) {
            weir_conf_warn(cf, "low address bits of %.*s are meaningless", WEIR_FMT(text));
        }
        add_net(cf, field, &net);
        return WEIR_OK;
    }
    return add_host(cf, field, text);
}

static int
check(weir_conf *cf, void *conf)
{
    realip_conf *c = conf;

    c->proxy_protocol = weir_str_eq(c->header, WEIR_STR("proxy_protocol"));
    if (c->proxy_protocol) {
        c->proxied_addr = weir_var_find(cf, WEIR_STR("proxy_protocol_addr"));
        c->proxied_port = weir_var_find(cf, WEIR_STR("proxy_protocol_port"));
    }
    return WEIR_OK;
}

static bool
wanted(const void *conf)
{
    return ((const realip_conf *)conf)->from.count != 0;
}

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(realip_conf, from, "set_real_ip_from", WHERE, 1, 1, WEIR_D_MANY, set_from,
                    "address, network, host or unix: whose word about the client's address is taken"),
    WEIR_OPT(realip_conf, header, STR, "real_ip_header", WHERE, "X-Real-IP",
             "the field that says it; proxy_protocol: the PROXY header does"),
    WEIR_OPT(realip_conf, recursive, FLAG, "real_ip_recursive", WHERE, "off",
             "go on to the next address in the field while the last one is trusted, too"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_POST_READ, .rank = WEIR_RANK_EARLY, .handler = correct, .wanted = wanted },
    { .phase = WEIR_PHASE_PREACCESS, .rank = WEIR_RANK_EARLY, .handler = correct, .wanted = wanted },
};

static const weir_variable variables[] = {
    { .name = "realip_remote_addr", .get = get_addr },
    { .name = "realip_remote_port", .get = get_port },
};

WEIR_MODULE("realip", "1.0", .summary = "the client's address as a trusted proxy tells it",
            .flags = WEIR_MODULE_STATE_STAYS,
            .conf_size = sizeof(realip_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .variables = WEIR_ITEMS(variables), .check = check,
            .explain = explain);
