/* proxy/request.c - the head of the request that is sent.
 *
 * proxy_set_header and the fields that always stand are compiled for a block: lines without
 * variables are joined, so that a request copies them at once. Behind them come the framing, which
 * is ours alone, and the client's own fields but for those that are set here, belong to its
 * connection, or are named by its Connection field. Every value that a variable made is checked:
 * none ends a line.
 */
#include "proxy.h"

enum { FIELDS_MAX = 256 }; /* proxy_set_header lines of a block */

/* ---- proxy_set_header. ---- */

int
set_set_header(weir_conf *cf, const weir_directive *d, void *field)
{
    struct set_header *h = weir_zalloc(weir_conf_pool(cf), sizeof(*h)), **at = field;

    (void)d;
    h->name = weir_conf_arg(cf, 1);
    if (h->name.len == 0 || weir_str_find(h->name, ':') < h->name.len ||
        weir_str_find(h->name, ' ') < h->name.len || !weir_is_field_value(h->name)) {
        return weir_conf_error_at(cf, 1, "invalid header name \"%.*s\"", WEIR_FMT(h->name));
    }
    h->value = weir_value_compile(cf, weir_conf_arg(cf, 2));
    if (h->value == NULL) {
        return WEIR_ERROR;
    }
    if (h->value->constant.data != NULL && !weir_is_field_value(h->value->constant)) {
        return weir_conf_error_at(cf, 2, "a header value cannot hold control characters");
    }
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = h;
    return WEIR_OK;
}

/* ---- Compiling. ---- */

struct compiler {
    weir_conf *cf;
    struct head_template *head;
    struct head_step *steps;
    weir_str *names;
    size_t n_names;
    weir_text run; /* constant lines not yet made a step */
};

static void
end_run(struct compiler *c)
{
    if (c->run.len != 0) {
        c->steps[c->head->n_steps++] = (struct head_step){ .text = weir_text_view(&c->run) };
        c->run = weir_text_begin(weir_conf_pool(c->cf), 256, TEXT_MAX);
    }
}

/* The client's field of that name is not passed on. */
static void
drop(struct compiler *c, weir_str name)
{
    uint32_t id = weir_header_id(name);

    if (id != 0) {
        c->head->dropped |= UINT64_C(1) << id;
    } else {
        c->names[c->n_names++] = name;
    }
}

static void
add_constant(struct compiler *c, weir_str name, weir_str value)
{
    if (value.len != 0) {
        weir_text_add(&c->run, name);
        weir_text_add(&c->run, WEIR_STR(": "));
        weir_text_add(&c->run, value);
        weir_text_add(&c->run, WEIR_STR("\r\n"));
    }
}

static void
add_line(struct compiler *c, weir_str name, weir_value *value)
{
    if (value->constant.data != NULL) {
        add_constant(c, name, value->constant);
        return;
    }
    end_run(c);
    c->steps[c->head->n_steps++] =
        (struct head_step){ .text = weir_print(weir_conf_pool(c->cf), "%.*s: ", WEIR_FMT(name)),
                            .value = value,
                            .id = weir_header_id(name) };
}

/* Fields that say where a body ends are not the operator's: what they would say is ignored. */
static bool
is_framing(weir_conf *cf, const struct set_header *h, uint32_t id)
{
    if (id != WEIR_H_CONTENT_LENGTH && id != WEIR_H_TRANSFER_ENCODING) {
        return false;
    }
    if (h->value->constant.data == NULL || h->value->constant.len != 0) {
        weir_conf_warn(cf,
                       "proxy_set_header \"%.*s\" has no effect: the length of a body is not a "
                       "matter of settings",
                       WEIR_FMT(h->name));
    }
    return true;
}

static void
add_set_header(struct compiler *c, const struct set_header *h)
{
    uint32_t id = weir_header_id(h->name);

    drop(c, h->name);
    if (is_framing(c->cf, h, id)) {
        return;
    }
    c->head->sets_connection |= id == WEIR_H_CONNECTION;
    c->head->sets_upgrade |= id == WEIR_H_UPGRADE;
    c->head->names_upgrade |= id == WEIR_H_UPGRADE && h->value->constant.len != 0;
    c->head->sets_te |= id == WEIR_H_TE;
    add_line(c, h->name, h->value);
}

bool
request_sets(weir_request *r, void *data, weir_str name, weir_str *value)
{
    const proxy_conf *c = ((const struct proxied *)data)->conf;
    weir_text t = weir_text_begin(r->pool, 64, TEXT_MAX);
    bool sets = !c->pass_headers;

    for (const struct set_header *h = c->set_headers; h != NULL; h = h->next) {
        if (weir_str_ieq(h->name, name)) {
            weir_str line = weir_value_get(r, h->value);
            weir_text_add(&t, t.len != 0 && line.len != 0 ? WEIR_STR(", ") : WEIR_STR(""));
            weir_text_add(&t, line);
            sets = true;
        }
    }
    *value = weir_text_view(&t);
    return sets;
}

static bool
is_set(const proxy_conf *c, weir_str name)
{
    for (const struct set_header *h = c->set_headers; h != NULL; h = h->next) {
        if (weir_str_ieq(h->name, name)) {
            return true;
        }
    }
    return false;
}

/* What a preset says, unless the operator says it. */
static bool
add_preset(struct compiler *c, const proxy_conf *conf, weir_str name, weir_str text)
{
    weir_value *value;

    if (is_set(conf, name)) {
        return true;
    }
    drop(c, name);
    value = weir_value_compile(c->cf, text);
    if (value != NULL) {
        add_line(c, name, value);
    }
    return value != NULL;
}

static bool
add_presets(struct compiler *c, const proxy_conf *conf)
{
    static const char *const forwarded[][2] = { { "X-Forwarded-For", "$proxy_add_x_forwarded_for" },
                                                { "X-Forwarded-Proto", "$scheme" },
                                                { "X-Forwarded-Host", "$http_host" },
                                                { "X-Real-IP", "$remote_addr" } };
    bool ok;

    if (conf->pass->value == NULL && !is_set(conf, WEIR_STR("Host"))) { /* known, so constant */
        drop(c, WEIR_STR("Host"));
        add_constant(c, WEIR_STR("Host"), conf->pass->known.host);
        ok = true;
    } else {
        ok = add_preset(c, conf, WEIR_STR("Host"), WEIR_STR("$proxy_host"));
    }
    for (size_t i = 0; ok && conf->forwarded == FORWARDED_X && i < 4; i++) {
        ok = add_preset(c, conf, weir_str_c(forwarded[i][0]), weir_str_c(forwarded[i][1]));
    }
    if (conf->http_version == 10 && !c->head->sets_connection) {
        weir_text_add(&c->run, WEIR_STR("Connection: close\r\n"));
    }
    return ok;
}

int
head_compile(weir_conf *cf, proxy_conf *conf)
{
    /* What concerns the client's connection alone [RFC 9110 7.6.1], or is written here in any case.
     */
    static const char *const never[] = {
        "Connection", "Keep-Alive",        "Proxy-Connection", "TE",    "Trailer",
        "Upgrade",    "Transfer-Encoding", "Content-Length",   "Expect"
    };
    size_t most = 1;
    struct compiler c = { .cf = cf, .head = &conf->head };

    for (const struct set_header *h = conf->set_headers; h != NULL; h = h->next) {
        most++;
    }
    if (most > FIELDS_MAX) {
        return weir_conf_error(cf, "more than %d \"proxy_set_header\" lines", FIELDS_MAX);
    }
    conf->head = (struct head_template){ 0 };
    c.steps = weir_zalloc(weir_conf_pool(cf), (2 * most + 16) * sizeof(*c.steps));
    c.names = weir_zalloc(weir_conf_pool(cf), (most + 32) * sizeof(*c.names));
    c.run = weir_text_begin(weir_conf_pool(cf), 256, TEXT_MAX);
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        drop(&c, weir_str_c(never[i]));
    }
    for (const struct set_header *h = conf->set_headers; h != NULL; h = h->next) {
        add_set_header(&c, h);
    }
    if (!add_presets(&c, conf)) {
        return WEIR_ERROR;
    }
    if (conf->forwarded == FORWARDED_RFC7239 && !is_set(conf, WEIR_STR("Forwarded"))) {
        drop(&c, WEIR_STR("Forwarded"));
        conf->head.forwarded = true;
    }
    if (conf->via) {
        drop(&c, WEIR_STR("Via"));
    }
    end_run(&c);
    conf->head.steps = c.steps;
    conf->head.dropped_names = (weir_strs){ c.names, c.n_names };
    return WEIR_OK;
}

/* ---- Writing. ---- */

static bool
is_dropped(const struct head_template *t, const weir_header *h)
{
    if (h->id != 0) {
        return (t->dropped >> h->id & 1) != 0;
    }
    for (size_t i = 0; i < t->dropped_names.count; i++) {
        if (weir_str_ieq(t->dropped_names.at[i], h->name)) {
            return true;
        }
    }
    return false;
}

/* Run the steps; false: a value would break the head. Notes whether they ask for an upgrade. */
static bool
write_steps(weir_text *to, struct proxied *p)
{
    const struct head_template *t = &p->conf->head;
    bool upgrades = t->names_upgrade && p->r->in[WEIR_H_UPGRADE] != NULL, connects = false;

    for (uint32_t i = 0; i < t->n_steps; i++) {
        const struct head_step *s = &t->steps[i];
        weir_str value;
        if (s->value == NULL) {
            weir_text_add(to, s->text);
            continue;
        }
        value = weir_value_get(p->r, s->value);
        if (!weir_is_field_value(value)) {
            weir_say(p->r->log, ERROR,
                     "a value for the upstream holds a line break or another control character: "
                     "\"%.*s%.*s\"",
                     WEIR_FMT(s->text), WEIR_FMT(value));
            return false;
        }
        if (value.len != 0) {
            weir_text_add(to, s->text);
            weir_text_add(to, value);
            weir_text_add(to, WEIR_STR("\r\n"));
            upgrades |= s->id == WEIR_H_UPGRADE;
            connects |= s->id == WEIR_H_CONNECTION && value.len == 7 &&
                        weir_str_ieq(value, WEIR_STR("upgrade"));
        }
    }
    p->is_upgrade = p->asks_upgrade || (upgrades && p->r->version > 10 &&
                                        (connects || t->sets_connection));
    return true;
}

static void
write_framing(weir_text *to, const struct proxied *p)
{
    if (p->up_chunked) {
        weir_text_add(to, WEIR_STR("Transfer-Encoding: chunked\r\n"));
    } else if (p->up_length >= 0) {
        weir_text_add(to, WEIR_STR("Content-Length: "));
        weir_text_add_number(to, (uint64_t)p->up_length);
        weir_text_add(to, WEIR_STR("\r\n"));
    }
}

/* What this hop asks for itself. */
static void
write_connection(weir_text *to, struct proxied *p)
{
    const weir_request *r = p->r;
    const struct head_template *t = &p->conf->head;
    bool te = p->conf->pass_trailers && !t->sets_te && !t->sets_connection &&
              p->conf->http_version == 11 &&
               (p->change.shared || weir_header_has(r->in[WEIR_H_TE], WEIR_STR("trailers")));

    if (p->asks_upgrade) {
        weir_text_add(to, te ? WEIR_STR("Connection: upgrade, TE\r\nUpgrade: ")
                             : WEIR_STR("Connection: upgrade\r\nUpgrade: "));
        weir_text_add(to, r->in[WEIR_H_UPGRADE]->value);
        weir_text_add(to, WEIR_STR("\r\n"));
    } else if (te) {
        weir_text_add(to, WEIR_STR("Connection: TE\r\n"));
    }
    if (te) {
        weir_text_add(to, WEIR_STR("TE: trailers\r\n"));
    }
}

/* The client's fields. Where filters are to read the body, Accept-Encoding names what can be
 * decoded, in one line. */
static void
write_client_fields(weir_text *to, const struct proxied *p)
{
    weir_request *r = p->r;
    weir_str accept = weir_accept_decodable(r);

    for (const weir_header *h = r->in_first; h != NULL; h = h->next) {
        if (is_dropped(&p->conf->head, h) || (p->change.dropped >> h->id & 1) != 0 ||
            (r->in[WEIR_H_CONNECTION] != NULL && is_nominated(r, h))) {
            continue;
        }
        if (accept.data != NULL && h->id == WEIR_H_ACCEPT_ENCODING &&
            h != r->in[WEIR_H_ACCEPT_ENCODING]) {
            continue;
        }
        weir_text_add(to, h->name);
        weir_text_add(to, WEIR_STR(": "));
        weir_text_add(to,
                      accept.data != NULL && h->id == WEIR_H_ACCEPT_ENCODING ? accept : h->value);
        weir_text_add(to, WEIR_STR("\r\n"));
    }
}

/* What the cache asks for besides. */
static void
write_added(weir_text *to, const struct proxied *p)
{
    for (const weir_header *h = p->change.added; h != NULL; h = h->next) {
        weir_text_add(to, h->name);
        weir_text_add(to, WEIR_STR(": "));
        weir_text_add(to, h->value);
        weir_text_add(to, WEIR_STR("\r\n"));
    }
}

/* The method: the client's, or as proxy_method or the cache says. Absent: it is none. */
static weir_str
method_of(const struct proxied *p)
{
    weir_request *r = p->r;
    weir_str method = weir_value_get(r, p->conf->method);

    if (method.len == 0 && p->change.as_get) {
        return WEIR_STR("GET");
    }
    if (method.len == 0) {
        return r->method == WEIR_CONNECT ? WEIR_STR("GET") : r->method_name;
    }
    for (size_t i = 0; i < method.len; i++) {
        if ((uint8_t)method.data[i] <= 0x20 || (uint8_t)method.data[i] >= 0x7f) {
            weir_say(r->log, ERROR, "proxy_method is no method: \"%.*s\"", WEIR_FMT(method));
            return (weir_str){ NULL, 0 };
        }
    }
    return method;
}

/* Room that most heads fit into: the client's fields and what is added. */
static size_t
room_for(const struct proxied *p, weir_str uri)
{
    size_t room = 512 + uri.len;

    for (const weir_header *h = p->r->in_first; h != NULL; h = h->next) {
        room += h->name.len + h->value.len + 4;
    }
    return room;
}

weir_str
head_write(struct proxied *p)
{
    const weir_str none = { NULL, 0 };
    const proxy_conf *c = p->conf;
    weir_str method = method_of(p), uri = target_uri(p->r, c->pass, &p->to);
    weir_text to;

    if (method.data == NULL || uri.data == NULL) {
        return none;
    }
    to = weir_text_begin(p->r->pool, room_for(p, uri), TEXT_MAX);
    weir_text_add(&to, method);
    weir_text_add(&to, WEIR_STR(" "));
    weir_text_add(&to, uri);
    weir_text_add(&to,
                  c->http_version == 10 ? WEIR_STR(" HTTP/1.0\r\n") : WEIR_STR(" HTTP/1.1\r\n"));
    if (!write_steps(&to, p)) {
        return none;
    }
    write_framing(&to, p);
    write_connection(&to, p);
    forwarded_write(&to, p);
    if (c->pass_headers) {
        write_client_fields(&to, p);
    }
    write_added(&to, p);
    if (c->via) {
        via_write(&to, p->r);
    }
    weir_text_add(&to, WEIR_STR("\r\n"));
    if (to.full) {
        weir_say(p->r->log, ERROR, "the head for the upstream would be too long");
        return none;
    }
    return weir_text_view(&to);
}
