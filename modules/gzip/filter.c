/* filter.c - the hooks: which response is coded, and its body through a compressor.
 *
 * The header hook decides (rules.h), says so in the head, and takes a compressor; the body hook
 * feeds it; the compressor goes back to the worker's pool with the last byte or with the request.
 * The body hook holds one output buffer that is not full yet and nothing else. Vary is sent
 * whenever the coding depended on the client, also with 304, 206 and answers left uncoded.
 */
#include "gzip.h"
#include "rules.h"

/* A response being coded. */
struct coding {
    struct compressor *compressor; /* NULL once given back */
    struct compressor_pool *pool;
    weir_buf *buf;     /* being filled, or NULL */
    uint8_t *at;       /* where to write in it */
    size_t room;       /* bytes left at `at` */
    size_t buf_size;   /* of buf */
    size_t first_size; /* for the first buffer, from the length if it was known */
    uint64_t in, out;  /* bytes so far */
};

weir_metric *gzip_bytes_in, *gzip_bytes_out, *gzip_responses;

/* ---- The head. ------------------------------------------------------------------------------ */

/* Could the response be coded, for one client or another? What depends on the client comes after.
 * A 304 or a multipart 206 may not tell the type: taken for one that could. */
static bool
could_apply(const weir_request *r, const gzip_conf *c)
{
    static const weir_str html = { "text/html", 9 };
    static const weir_strs always = { &html, 1 };
    const weir_header *type = r->out[WEIR_H_CONTENT_TYPE];
    bool whole = r->status == 200 || r->status == 403 || r->status == 404;

    if (!whole && r->status != 206 && r->status != 304) {
        return false;
    }
    if (r->out[WEIR_H_CONTENT_ENCODING] != NULL ||
        gzip_list_has(r->out[WEIR_H_CACHE_CONTROL], WEIR_STR("no-transform"))) {
        return false;
    }
    if (r->status != 206 && r->out_length >= (whole ? 0 : 1) &&
        (uint64_t)r->out_length < c->min_length) {
        return false;
    }
    if (type == NULL) {
        return !whole;
    }
    return weir_type_among(type->value, &always) || weir_type_among(type->value, &c->types) ||
           (r->status == 206 && type->value.len >= 10 &&
            memcmp(type->value.data, "multipart/", 10) == 0);
}

static bool
agent_disabled(weir_request *r, const struct gzip_disabled *d)
{
    const weir_header *agent = r->in[WEIR_H_USER_AGENT];

    if (d == NULL || agent == NULL) {
        return false;
    }
    if (d->old_msie && gzip_old_msie(agent->value)) {
        return true;
    }
    for (const struct gzip_agent *a = d->agents; a != NULL; a = a->next) {
        if (weir_regex_match(r, a->regex, agent->value) == WEIR_OK) {
            return true;
        }
    }
    return false;
}

/* Does this client get gzip? An absent Accept-Encoding allows any coding [RFC 9110 12.5.3], but who
 * sends none can rarely decode one. */
static bool
client_takes(weir_request *r, const gzip_conf *c)
{
    return r->in[WEIR_H_ACCEPT_ENCODING] != NULL && weir_accepts_coding(r, WEIR_STR("gzip")) > 0 &&
           r->version >= c->http_version && gzip_proxied_allows(r, c->proxied, weir_wall_clock()) &&
           !agent_disabled(r, c->disabled);
}

static void
add_vary(weir_request *r)
{
    const weir_header *vary = r->out[WEIR_H_VARY];

    if (!gzip_list_has(vary, WEIR_STR("Accept-Encoding")) && !gzip_list_has(vary, WEIR_STR("*"))) {
        (void)weir_out_add(r, WEIR_STR("Vary"), WEIR_STR("Accept-Encoding"));
    }
}

/* A 304 carries the ETag its 200 would have [RFC 9110 15.4.5]. When the type is not known, a weak
 * tag in the question shows what the 200 was. */
static void
weaken_304(weir_request *r)
{
    const weir_header *etag = r->out[WEIR_H_ETAG];

    if (etag == NULL || etag->value.len == 0 || etag->value.data[0] != '"') {
        return;
    }
    if (r->out[WEIR_H_CONTENT_TYPE] != NULL ||
        gzip_lists_weak(r->in[WEIR_H_IF_NONE_MATCH], etag->value)) {
        (void)weir_out_set(r, WEIR_STR("ETag"),
                           weir_print(r->pool, "W/%.*s", WEIR_FMT(etag->value)));
    }
}

static size_t
output_size(const gzip_conf *c)
{
    if (c->buffers.size == 0) {
        return GZIP_OUTPUT_SIZE;
    }
    return c->buffers.size < GZIP_OUTPUT_SIZE_MIN ? GZIP_OUTPUT_SIZE_MIN : c->buffers.size;
}

static void
give_back(void *data)
{
    struct coding *k = data;

    compressor_give(k->pool, k->compressor);
    k->compressor = NULL;
}

/* A compressor for r, held until the body's end or the request's. */
static bool
begin(weir_request *r, const gzip_conf *c)
{
    struct compressor_shape shape = {
        .level = (int)c->level,
        .window_bits = __builtin_ctzll(c->window),
        .memory_level = __builtin_ctzll(c->hash) - 8,
    };
    struct compressor *compressor = compressor_take(c->buffers.pool, &shape);
    size_t size = output_size(c);
    struct coding *k;

    if (compressor == NULL) {
        weir_say(r->log, WARN, "no compressor to be had, the response is sent as it is");
        return false;
    }
    k = weir_ctx_make(r, sizeof(*k));
    k->compressor = compressor;
    k->pool = c->buffers.pool;
    k->first_size = size;
    if (r->out_length >= 0 && (uint64_t)r->out_length < size) {
        size_t bound = compressor_bound((size_t)r->out_length);

        k->first_size = bound < size ? bound : size;
    }
    weir_on_end(r->pool, give_back, k);
    weir_count(gzip_responses, 1);
    return true;
}

int
gzip_headers(weir_request *r, const void *conf)
{
    const gzip_conf *c = conf;

    if (!could_apply(r, c)) {
        return WEIR_DONE;
    }
    if (c->vary) {
        add_vary(r);
    }
    if (r->status == 206 || !client_takes(r, c)) {
        return WEIR_DONE;
    }
    if (r->status == 304) {
        weaken_304(r);
        return WEIR_DONE;
    }
    /* HEAD gets the head that GET gets. */
    if (r->method != WEIR_HEAD && !begin(r, c)) {
        return WEIR_DONE;
    }
    (void)weir_out_set(r, WEIR_STR("Content-Encoding"), WEIR_STR("gzip"));
    (void)weir_out_length(r, -1);
    return r->method != WEIR_HEAD ? WEIR_NEXT : WEIR_DONE;
}

/* ---- The body. ------------------------------------------------------------------------------ */

static void
open_buffer(weir_request *r, const gzip_conf *c, struct coding *k)
{
    k->buf_size = k->first_size != 0 ? k->first_size : output_size(c);
    k->first_size = 0;
    k->buf = weir_buf_new(r->pool, k->buf_size, &k->at);
    k->room = k->buf_size;
}

static void
push_buffer(struct coding *k, uint32_t marks, weir_chain *out)
{
    k->buf->len = k->buf_size - k->room;
    k->buf->flags |= marks;
    k->out += k->buf->len;
    weir_count(gzip_bytes_out, k->buf->len);
    weir_chain_push(out, k->buf);
    k->buf = NULL;
}

/* Code one input buffer. */
static bool
code(weir_request *r, const gzip_conf *c, struct coding *k, const weir_buf *b, weir_chain *out)
{
    uint32_t marks = b->flags & (WEIR_BUF_LAST | WEIR_BUF_FLUSH);
    enum compressor_flush flush = marks & WEIR_BUF_LAST ? COMPRESSOR_END
                                  : marks != 0          ? COMPRESSOR_SYNC
                                                        : COMPRESSOR_MORE;
    struct compressor_io io = { .in = b->data, .in_len = b->len };
    enum compressor_result result = COMPRESSOR_FULL;

    k->in += b->len;
    weir_count(gzip_bytes_in, b->len);
    while (result == COMPRESSOR_FULL) {
        if (k->buf == NULL) {
            open_buffer(r, c, k);
        }
        io.out = k->at;
        io.out_len = k->room;
        result = compressor_run(k->compressor, &io, flush);
        k->at = io.out;
        k->room = io.out_len;
        if (result == COMPRESSOR_FULL) {
            push_buffer(k, 0, out);
        }
    }
    if (result == COMPRESSOR_OK && marks != 0) {
        push_buffer(k, marks, out);
    }
    return result == COMPRESSOR_OK;
}

int
gzip_body(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    struct coding *k = weir_ctx(r);
    weir_buf *b;

    while ((b = weir_chain_pop(in)) != NULL) {
        bool last = b->flags & WEIR_BUF_LAST;

        if (k->compressor == NULL || !code(r, conf, k, b, out)) {
            weir_say(r->log, ERROR, "the gzip stream is broken");
            return WEIR_ERROR;
        }
        weir_buf_drop(b);
        if (last) {
            give_back(k);
        }
    }
    return WEIR_NEXT;
}

/* $gzip_ratio: how many times smaller the response has become. */
weir_str
gzip_ratio(weir_request *r, const void *conf, weir_str name)
{
    const struct coding *k = weir_ctx(r);
    weir_str text = { NULL, 0 };
    char *to;

    (void)conf;
    (void)name;
    if (k != NULL && k->out != 0) {
        to = weir_alloc(r->pool, 24);
        text.len = gzip_ratio_text(k->in, k->out, to, 24);
        text.data = to;
    }
    return text;
}
