/* proxy/conf.c - setters of the directives that have no file of their own, and what is worked out
 * once a block is read. */
#include "conf.h"

enum { SIZE_SANE = 1 << 30 };

/* proxy_buffers NUMBER SIZE */
int
set_buffers(weir_conf *cf, const weir_directive *d, void *field)
{
    struct buffers *b = field;
    uint64_t number;

    (void)d;
    if (!weir_parse_number(weir_conf_arg(cf, 1), 1 << 20, &number) || number == 0) {
        return weir_conf_invalid(cf, 1, "value");
    }
    if (weir_parse_size(weir_conf_arg(cf, 2), &b->size) != WEIR_OK || b->size == 0 ||
        b->size > SIZE_SANE) {
        return weir_conf_invalid(cf, 2, "value");
    }
    if (number < 2) {
        return weir_conf_error_at(cf, 1, "there must be at least 2 \"proxy_buffers\"");
    }
    b->number = (uint32_t)number;
    return WEIR_OK;
}

/* proxy_temp_path PATH [LEVEL ...]; files have no names where the system can do without. */
int
set_temp_path(weir_conf *cf, const weir_directive *d, void *field)
{
    struct temp_folder *t = field;

    (void)d;
    t->path = weir_conf_path(cf, weir_conf_arg(cf, 1));
    for (uint32_t i = 2; i < weir_conf_argc(cf); i++) {
        uint64_t level;
        if (!weir_parse_number(weir_conf_arg(cf, i), 3, &level) || level == 0) {
            return weir_conf_invalid(cf, i, "value");
        }
        t->levels[i - 2] = (uint32_t)level;
    }
    return WEIR_OK;
}

/* proxy_next_upstream off | CONDITION ... */
int
set_next_upstream(weir_conf *cf, const weir_directive *d, void *field)
{
    static const struct {
        const char *word;
        uint32_t bit;
    } conditions[] = { { "error", WEIR_RETRY_ERROR },
                       { "timeout", WEIR_RETRY_TIMEOUT },
                       { "invalid_header", WEIR_RETRY_INVALID_HEADER },
                       { "non_idempotent", WEIR_RETRY_NON_IDEMPOTENT },
                       { "http_500", WEIR_RETRY_500 },
                       { "http_502", WEIR_RETRY_502 },
                       { "http_503", WEIR_RETRY_503 },
                       { "http_504", WEIR_RETRY_504 },
                       { "http_403", WEIR_RETRY_403 },
                       { "http_404", WEIR_RETRY_404 },
                       { "http_429", WEIR_RETRY_429 },
                       { "denied", 0 },
                       { "off", 0 } };
    struct retry *retry = field;

    (void)d;
    *retry = (struct retry){ .written = true };
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        size_t n = sizeof(conditions) / sizeof(conditions[0]), k = 0;
        while (k < n && !weir_str_eq(weir_conf_arg(cf, i), weir_str_c(conditions[k].word))) {
            k++;
        }
        if (k == n) {
            return weir_conf_invalid(cf, i, "value");
        }
        retry->on |= conditions[k].bit;
    }
    return WEIR_OK;
}

/* proxy_bind off | ADDRESS [transparent] */
int
set_bind(weir_conf *cf, const weir_directive *d, void *field)
{
    struct bind *b = field;

    (void)d;
    *b = (struct bind){ 0 };
    if (weir_conf_argc(cf) == 2 && weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("off"))) {
        return WEIR_OK;
    }
    if (weir_conf_argc(cf) == 3) {
        if (!weir_str_eq(weir_conf_arg(cf, 2), WEIR_STR("transparent"))) {
            return weir_conf_invalid(cf, 2, "parameter");
        }
        b->transparent = true;
    }
    b->address = weir_value_compile(cf, weir_conf_arg(cf, 1));
    return b->address != NULL ? WEIR_OK : WEIR_ERROR;
}

/* proxy_http_version */
int
check_version(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return *(uint32_t *)field != 20
               ? WEIR_OK
               : weir_conf_error_at(cf, 1,
                                    "weir speaks HTTP/1.0 and HTTP/1.1 to upstreams, not HTTP/2");
}

/* proxy_limit_rate: what holds no variables has to be a rate now. */
int
check_rate(weir_conf *cf, const weir_directive *d, void *field)
{
    const weir_value *v = *(weir_value **)field;
    uint64_t bytes;

    return v->constant.data == NULL || weir_parse_size(v->constant, &bytes) == WEIR_OK
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "\"%s\" directive invalid value", d->name);
}

int
check_socket_size(weir_conf *cf, const weir_directive *d, void *field)
{
    return *(uint64_t *)field <= SIZE_SANE
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "\"%s\" directive invalid value", d->name);
}

int
check_positive(weir_conf *cf, const weir_directive *d, void *field)
{
    return *(int64_t *)field >= 0
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "\"%s\" directive invalid number", d->name);
}

/* ---- A whole block. ---- */

static void
make_policy(proxy_conf *c)
{
    weir_exchange_policy *p = &c->plain;

    *p = (weir_exchange_policy){ .size = sizeof(*p),
                                 .retry = c->retry.on,
                                 .tries = (uint32_t)c->tries,
                                 .tries_ms = c->tries_ms,
                                 .connect_ms = c->connect_ms,
                                 .send_ms = c->send_ms,
                                 .read_ms = c->read_ms,
                                 .head_max = c->buffer_size,
                                 .bind = c->bind.address,
                                 .protocol = "http",
                                 .rcvbuf = (uint32_t)c->rcvbuf,
                                 .sndbuf = (uint32_t)c->sndbuf };
    p->flags = (c->socket_keepalive ? WEIR_POLICY_SOCKET_KEEPALIVE : 0u) |
               (c->bind.transparent ? WEIR_POLICY_TRANSPARENT : 0u) |
               (c->loose ? WEIR_POLICY_ANY_RESPONSE : 0u);
    c->tls = *p;
    c->tls.protocol = "https";
}

/* nginx's rules for how the sizes of buffers hang together. */
static int
check_sizes(weir_conf *cf, const proxy_conf *c)
{
    uint64_t larger = c->buffer_size > c->buffers.size ? c->buffer_size : c->buffers.size;

    if (c->busy_size != 0 && c->busy_size < larger) {
        return weir_conf_error(cf,
                               "\"proxy_busy_buffers_size\" must be equal to or greater than the "
                               "maximum of the value of \"proxy_buffer_size\" and one of the "
                               "\"proxy_buffers\"");
    }
    if (c->busy_size > (c->buffers.number - 1) * c->buffers.size) {
        return weir_conf_error(cf, "\"proxy_busy_buffers_size\" must be less than the size of all "
                                   "\"proxy_buffers\" minus one buffer");
    }
    if (c->file_write_size != 0 && c->file_write_size < larger) {
        return weir_conf_error(
            cf, "\"proxy_temp_file_write_size\" must be equal to or greater than the "
                "maximum of the value of \"proxy_buffer_size\" and one of the "
                "\"proxy_buffers\"");
    }
    if (c->file_max != 0 && c->file_max < larger) {
        return weir_conf_error(cf, "\"proxy_max_temp_file_size\" must be equal to zero to disable "
                                   "temporary files usage or must be equal to or greater than the "
                                   "maximum of the value of \"proxy_buffer_size\" and one of the "
                                   "\"proxy_buffers\"");
    }
    return WEIR_OK;
}

/* Settings without a row that could say their default. */
static void
set_defaults(weir_conf *cf, proxy_conf *c)
{
    if (c->buffers.number == 0) {
        c->buffers = (struct buffers){ 8, 8192 };
    }
    if (c->temp.path.data == NULL) {
        c->temp.path = weir_conf_path(cf, WEIR_STR("proxy_temp"));
    }
    if (!c->retry.written) {
        c->retry.on = WEIR_RETRY_ERROR | WEIR_RETRY_TIMEOUT;
    }
    if (c->store_access == 0) {
        c->store_access = 0600;
    }
}

int
proxy_check(weir_conf *cf, void *conf)
{
    proxy_conf *c = conf;

    if (weir_conf_where(cf) == WEIR_IN_MAIN || weir_conf_where(cf) == WEIR_IN_HTTP) {
        set_defaults(cf, c);
    }
    if (c->pass == NULL) {
        return WEIR_OK;
    }
    if (store_is_outdone(cf)) {
        c->store.mode = STORE_OFF;
    }
    c->cache = c->store.mode == STORE_OFF ? weir_interface_find(cf, WEIR_CACHE_ID) : NULL;
    if (check_sizes(cf, c) != WEIR_OK || redirect_compile(cf, c) != WEIR_OK ||
        head_compile(cf, c) != WEIR_OK || reply_compile(cf, c) != WEIR_OK) {
        return WEIR_ERROR;
    }
    c->limit_rate_var = weir_var_declare(cf, WEIR_STR("limit_rate"));
    make_policy(c);
    weir_conf_folder(cf, c->temp.path);
    return ssl_compile(cf, c);
}
