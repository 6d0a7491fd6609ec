/* http/coded.c - the head of a response whose body is decoded for its filters, and coded again behind them.
 *
 * The decision falls with the header filters: when the first that wants text says it stays in, Content-Encoding goes, so that
 * those behind it, the encoders among them, see the head of a plain response. What nobody has coded by the end is coded as it
 * came, or as the client takes it. [RFC 9110 8.4]
 */
#include "http/coded.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/str.h"
#include "http/encode_rules.h"
#include "http/filter.h"
#include "http/http.h"
#include "http/kept.h"
#include "http/response.h"
#include "http/subrequest.h"
#include "net/buf.h"
#include "wire/field_list.h"

enum kind { PLAIN, CODED, SEALED /* coded, and to stay so */ };

/* r->coded, made on first use. */
static struct wr_coded *
coded_of(struct wr_request *r)
{
    if (r->coded == NULL) {
        r->coded = wr_pool_zalloc(r->pub.pool, sizeof(*r->coded));
    }
    return r->coded;
}

/* Has the response a body that stages will see? */
static bool
has_body(const struct wr_request *r)
{
    return r->pub.method != WEIR_HEAD && r->pub.status >= 200 && r->pub.status != 204 &&
           r->pub.status != 304;
}

bool
wr_coded_runs(const struct wr_request *r)
{
    return r->coded != NULL && (r->coded->decode.coder != NULL || r->coded->encode.coder != NULL);
}

/* ---- Codings by name. ---- */

static const weir_coding *
find_coding(const struct wr_registry *registry, weir_str name)
{
    WR_VEC_EACH (struct wr_registry_module, l, &registry->loaded) {
        const weir_interface *f = l->module->interfaces.at;

        for (uint32_t i = 0; i < l->module->interfaces.count; i++) {
            const weir_coding *c = f[i].table;
            if (weir_str_eq(weir_str_c(f[i].id), WEIR_STR(WEIR_CODING)) &&
                weir_str_ieq(weir_str_c(c->name), name)) {
                return c;
            }
        }
    }
    return NULL;
}

const weir_coding *
weir_coding_find(weir_conf *cf, weir_str name)
{
    return find_coding(wr_registry_of(cf), name);
}

/* "x-gzip" is gzip [RFC 9110 8.4.1.3]. */
const weir_coding *
weir_coding_of(const weir_request *r, weir_str name)
{
    if (weir_str_ieq(name, WEIR_STR("x-gzip"))) {
        name = WEIR_STR("gzip");
    }
    return find_coding(wr_request_of(r)->http->registry, name);
}

/* ---- How it comes. ---- */

/* Is the body coded, and by what can it be decoded? A part of a coded body cannot, nor what was coded twice. */
static enum kind
kind_of(const weir_request *r, const weir_coding **coding)
{
    const weir_header *h = r->out[WEIR_H_CONTENT_ENCODING];
    weir_str rest, name = { NULL, 0 }, second;

    if (h == NULL) {
        return PLAIN;
    }
    rest = h->value;
    if (!weir_list_next(&rest, &name) || weir_str_ieq(name, WEIR_STR("identity"))) {
        return PLAIN;
    }
    if (h->same != NULL || weir_list_next(&rest, &second) || r->status == 206 || r->status < 200 ||
        wr_encode_list_has(r->out[WEIR_H_CACHE_CONTROL], WEIR_STR("no-transform"))) {
        return SEALED;
    }
    *coding = weir_coding_of(r, name);
    return *coding != NULL && (*coding)->decoder_open != NULL ? CODED : SEALED;
}

bool
weir_out_is_text(const weir_request *r)
{
    const struct wr_coded *c = wr_request_of(r)->coded;
    const weir_coding *coding;

    return (c != NULL && c->decode.coding != NULL) || kind_of(r, &coding) != SEALED;
}

/* ---- Decoding. ---- */

/* Decode in front of BODY hook `at`. */
static bool
decode_at(struct wr_request *r, const weir_coding *coding, uint32_t at)
{
    struct wr_coded *c = coded_of(r);

    if (has_body(r)) {
        c->decode.coder = wr_coder_take(r->pub.pool, coding, NULL);
        if (c->decode.coder == NULL) {
            wr_coding_count_no_coder(true);
            wr_say(&r->log, ERROR, "no decoder of \"%s\" is to be had for a response", coding->name);
            return false;
        }
        wr_coding_count_response(coding, true);
    }
    c->decode.coding = coding;
    c->decode.at = at;
    (void)weir_out_remove(&r->pub, WEIR_STR("Content-Encoding"));
    (void)weir_out_length(&r->pub, -1);
    return true;
}

uint32_t
wr_coded_want_text(struct wr_request *r, uint64_t texts)
{
    uint32_t first = (uint32_t)__builtin_ctzll(texts);
    const weir_coding *coding = NULL;

    if (r->coded != NULL && r->coded->decode.coding != NULL) {
        r->coded->decode.at = WR_MIN(r->coded->decode.at, first);
        r->coded->for_text = true;
        return 0;
    }
    switch (kind_of(&r->pub, &coding)) {
    case PLAIN:
        return 0;
    case SEALED:
        wr_say(&r->log, INFO, "module \"%s\" is left out of a response that cannot be decoded",
               wr_filters_of(r)->at[first].module);
        r->filters_out |= texts;
        return 0;
    case CODED:
        break;
    }
    if (!decode_at(r, coding, first)) {
        return 503;
    }
    r->coded->for_text = true;
    return 0;
}

int
weir_decode(weir_request *pub)
{
    struct wr_request *r = wr_request_of(pub);
    const weir_coding *coding = NULL;

    if (r->answer != WR_ANSWER_HEADERS) {
        return WEIR_CLOSED;
    }
    if (pub->status == 304) {
        wr_coded_weaken_304(pub);
    }
    if ((r->coded != NULL && r->coded->decode.coding != NULL) || kind_of(pub, &coding) != CODED) {
        return WEIR_ABSENT;
    }
    return decode_at(r, coding, r->plan->encode_at) ? WEIR_OK : WEIR_LIMIT;
}

/* ---- Coding. ---- */

void
weir_out_vary(weir_request *r, weir_str name)
{
    const weir_header *vary = r->out[WEIR_H_VARY];

    if (!wr_encode_list_has(vary, name) && !wr_encode_list_has(vary, WEIR_STR("*"))) {
        (void)weir_out_add(r, WEIR_STR("Vary"), name);
    }
}

void
wr_coded_use(struct wr_request *r, const weir_coding *coding, const weir_coding_shape *shape)
{
    struct wr_coded *c = coded_of(r);

    if (c->encode.coding == NULL) {
        c->plain_length = r->pub.out_length;
    }
    c->encode.coding = coding;
    c->encode.at = r->plan->encode_at;
    c->shape = *shape;
    (void)weir_out_set(&r->pub, WEIR_STR("Content-Encoding"), weir_str_c(coding->name));
    (void)weir_out_length(&r->pub, -1);
}

/* What the client takes most willingly among all codings that can be made; at equal weights, as the response came. */
static const weir_coding *
best_coding(const struct wr_request *r, const weir_coding *came_as)
{
    const weir_coding *best = NULL;
    uint32_t most = 0;

    WR_VEC_EACH (struct wr_registry_module, l, &r->http->registry->loaded) {
        const weir_interface *f = l->module->interfaces.at;

        for (uint32_t i = 0; i < l->module->interfaces.count; i++) {
            const weir_coding *c = f[i].table;
            uint32_t q;
            if (!weir_str_eq(weir_str_c(f[i].id), WEIR_STR(WEIR_CODING)) || c->encoder_open == NULL) {
                continue;
            }
            q = weir_accepts_coding(&r->pub, weir_str_c(c->name));
            if (q > most || (q == most && q != 0 && c == came_as)) {
                best = c;
                most = q;
            }
        }
    }
    return best;
}

/* What came coded and was decoded for its filters goes out coded. */
static void
code_again(struct wr_request *r)
{
    const weir_coding *best = NULL;

    weir_out_vary(&r->pub, WEIR_STR("Accept-Encoding"));
    if (r->pub.in[WEIR_H_ACCEPT_ENCODING] != NULL) {
        best = best_coding(r, r->coded->decode.coding);
    }
    if (best != NULL) {
        wr_coded_use(r, best, &best->preset);
    }
}

/* Nothing but the encoder changes the body. */
static bool
is_unchanged(const struct wr_request *r)
{
    uint64_t all = wr_filters_all(r);

    return r->coded->decode.coding == NULL && (r->filters_out & all) == all;
}

/* Under what the coded body is kept. False: it is not. */
static bool
key_of(const struct wr_request *r, struct wr_kept_key *key)
{
    *key = (struct wr_kept_key){ .coding = r->coded->encode.coding, .shape = r->coded->shape };
    if (!is_unchanged(r)) {
        return false;
    }
    if (r->body_file != NULL && r->source == NULL) {
        key->file = wr_file_identity(r->body_file);
    } else if (r->identity != NULL) {
        key->given = *r->identity;
    } else {
        return false;
    }
    return true;
}

/* Answer with what was coded before. */
static void
use_kept(struct wr_request *r, struct wr_kept *k)
{
    struct wr_coded *c = r->coded;
    weir_str bytes = wr_kept_bytes(k);
    weir_buf *b;

    c->encode.bytes_in = wr_kept_plain_bytes(k);
    c->encode.bytes_out = bytes.len;
    r->pub.out_length = (int64_t)bytes.len;
    r->source = NULL;
    wr_chain_drop(&r->queued);
    b = weir_buf_extern(r->pub.pool, bytes, wr_kept_unref, k);
    b->flags |= WEIR_BUF_LAST;
    weir_chain_push(&r->queued, b);
    wr_coding_count_hit(c->encode.coding);
}

/* Is the coded body at hand? If not, it is collected as it is made, unless it is of a file that may be changing right now. */
static bool
find_kept(struct wr_request *r)
{
    struct wr_coded *c = r->coded;
    struct wr_kept_key key;
    struct wr_kept *k;

    if (!key_of(r, &key)) {
        return false;
    }
    k = wr_kept_find(&key);
    if (k != NULL) {
        use_kept(r, k);
    } else if (has_body(r) &&
               wr_file_is_settled(&key.file, wr_clock.wall_s, wr_clock.wall_ms)) {
        c->keeping = wr_keeping_begin(r->pub.pool, &key);
    }
    return k != NULL;
}

int
weir_out_identity(weir_request *pub, weir_str bytes)
{
    struct wr_request *r = wr_request_of(pub);
    struct wr_kept_given *given;

    if (wr_response_begun(r) && r->answer != WR_ANSWER_HEADERS) {
        return WEIR_CLOSED;
    }
    if (bytes.len == 0 || bytes.len > WR_KEPT_GIVEN) {
        return WEIR_INVALID;
    }
    given = wr_pool_zalloc(pub->pool, sizeof(*given));
    given->len = bytes.len;
    memcpy(given->bytes, bytes.data, bytes.len);
    r->identity = given;
    return WEIR_OK;
}

void
wr_coded_settle(struct wr_request *r)
{
    struct wr_coded *c;

    if (r->parent != NULL && wr_subrequest_is_part(r)) { /* of a page that is coded as a whole */
        (void)weir_decode(&r->pub);
    }
    if (r->pub.status == 304 && r->plan->wants_text) {
        wr_coded_weaken_304(&r->pub);
    }
    c = r->coded;
    if (c == NULL) {
        return;
    }
    if (c->for_text && c->encode.coding == NULL && r->parent == NULL &&
        r->pub.out[WEIR_H_CONTENT_ENCODING] == NULL) {
        code_again(r);
    }
    if (c->encode.coding == NULL || find_kept(r) || !has_body(r)) {
        return;
    }
    c->encode.coder = wr_coder_take(r->pub.pool, c->encode.coding, &c->shape);
    if (c->encode.coder == NULL) {
        wr_coding_count_no_coder(false);
        wr_say(&r->log, WARN, "no encoder of \"%s\" is to be had, the response is sent as it is",
               c->encode.coding->name);
        c->encode.coding = NULL;
        (void)weir_out_remove(&r->pub, WEIR_STR("Content-Encoding"));
    } else {
        wr_coding_count_response(c->encode.coding, false);
    }
}
