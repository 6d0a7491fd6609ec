/* http/explain_client.c - the request that `weir -M URL` is asked about: made of words, without a
 * connection.
 */
#include "http/explain_client.h"

#include "base/log.h"
#include "base/str.h"
#include "http/client_addr.h"
#include "http/http.h"
#include "wire/chars.h"
#include "wire/names.h"

/* ---- Its fields. ---- */

static weir_str
trim(weir_str s)
{
    while (s.len != 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s = weir_str_cut(s, 1, s.len);
    }
    while (s.len != 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

static bool
add_field(struct wr_request *r, weir_str text)
{
    size_t colon = weir_str_find(text, ':');
    weir_str name = weir_str_cut(text, 0, colon),
             value = trim(weir_str_cut(text, colon + 1, text.len));

    if (colon == text.len || weir_in_add(&r->pub, name, value) != WEIR_OK) {
        wr_say(wr_log_process(), ERROR, "\"%.*s\" is no field: \"Name: value\"", WEIR_FMT(text));
        return false;
    }
    return true;
}

static bool
has_field(const struct wr_question *q, weir_str name)
{
    for (uint32_t i = 0; i < q->n_fields; i++) {
        weir_str text = weir_str_c(q->fields[i]);
        if (weir_str_ieq(weir_str_cut(text, 0, weir_str_find(text, ':')), name)) {
            return true;
        }
    }
    return false;
}

static bool
add_fields(struct wr_request *r, const struct wr_question *q, weir_str authority)
{
    if (authority.len != 0 && !has_field(q, WEIR_STR("Host"))) {
        (void)weir_in_add(&r->pub, WEIR_STR("Host"), authority);
    }
    for (uint32_t i = 0; i < q->n_fields; i++) {
        if (!add_field(r, weir_str_c(q->fields[i]))) {
            return false;
        }
    }
    return true;
}

/* ---- The rest. ---- */

static bool
set_client(struct wr_explain_client *c, weir_str address)
{
    if (address.data == NULL) {
        address = WEIR_STR("127.0.0.1");
    }
    if (!wr_client_parse(address, &c->conn.peer)) {
        wr_say(wr_log_process(), ERROR, "\"%.*s\" is no address", WEIR_FMT(address));
        return false;
    }
    return true;
}

static bool
set_method(struct wr_request *r, weir_str method)
{
    if (method.data == NULL) {
        method = WEIR_STR("GET");
    }
    if (!wr_char_is_token(method)) {
        wr_say(wr_log_process(), ERROR, "\"%.*s\" is no method", WEIR_FMT(method));
        return false;
    }
    r->pub.method_name = method;
    r->pub.method = wr_method_id(method);
    return true;
}

struct wr_request *
wr_explain_client_init(struct wr_explain_client *c, struct weir_pool *pool,
                       const struct wr_http *http, const struct wr_endpoint *e,
                       const struct wr_question *q, weir_str authority)
{
    static const struct wr_driver driver = { .name = "none" };
    struct wr_request *r;

    *c = (struct wr_explain_client){ .listen = { .addr = e->addr },
                                     .conn = { .transport = &wr_transport_plain } };
    c->conn.io.fd = -1;
    c->conn.listen = &c->listen;
    r = wr_request_create(pool, &c->conn, &driver, NULL, http, e->fallback);
    r->pub.flags |= e->ssl ? WEIR_R_TLS : 0;
    r->pub.version = 11;
    r->authority = authority;
    return set_client(c, q->client) && set_method(r, q->method) && add_fields(r, q, authority)
               ? r
               : NULL;
}
