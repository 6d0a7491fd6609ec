/* slice - asks for a large response in parts of one size, each of which a cache can keep.
 *
 * The content hook stands in front of those that fetch. It gets each part by a subrequest that
 * takes the request's course once more, with $slice_range for the part; the first one says how
 * large the whole is. A range that the client asks for begins with the part it lies in. What does
 * not come in parts is left to the hook that fetches.
 */
#include "slice.h"

enum { SLICE_MAX = 64 << 20 };

typedef struct {
    uint64_t size; /* of a part; 0: off */
} slice_conf;

/* A request that is answered in parts. */
struct sliced {
    weir_request *r;
    uint64_t size;
    uint64_t at;       /* where the part that is being fetched begins */
    struct span span;  /* what the client gets */
    uint64_t total;    /* of the whole; known once the first part has come */
    weir_str etag;     /* of the first part; absent: none, */
    weir_str modified; /* then its Last-Modified says which version it is; absent: none */
    weir_chain ready;  /* bytes of the part that came */
    weir_ticket *ticket;
    uint64_t skip;     /* of the first part's bytes, in front of what is wanted */
    bool whole_answer; /* it does not come in parts */
    bool broken, begun;
};

/* ---- Fetching a part. ---- */

static void part_came(weir_request *r, void *data, int result, weir_request *sub, weir_chain *body);

static int
fetch(struct sliced *s)
{
    weir_sub_options o = {
        .size = sizeof(o), .method = WEIR_GET, .keep = s->size, .flags = WEIR_SUB_AGAIN
    };
    int rc;

    s->ticket = weir_suspend(s->r, WEIR_NEVER, NULL, NULL); /* the fetch has deadlines */
    if (s->ticket == NULL) {
        return WEIR_ERROR;
    }
    rc = weir_subrequest(s->r, &o, part_came, s);
    return rc == WEIR_OK ? WEIR_AGAIN : WEIR_ERROR;
}

static weir_str
value_of(const weir_header *h)
{
    return h != NULL ? h->value : (weir_str){ NULL, 0 };
}

/* Is it the part that was asked for, of the same whole as those before? */
static bool
is_fitting(struct sliced *s, const weir_request *sub, struct span *got, uint64_t *total)
{
    const weir_header *range = sub->out[WEIR_H_CONTENT_RANGE], *etag = sub->out[WEIR_H_ETAG];
    const weir_header *modified = sub->out[WEIR_H_LAST_MODIFIED];

    if (sub->status != 206 || range == NULL || !span_parse_content(range->value, got, total) ||
        got->from != s->at || got->to - got->from > s->size) {
        return false;
    }
    if (!s->begun) {
        return true;
    }
    if (*total != s->total || !weir_str_eq(s->etag, value_of(etag)) ||
        (s->etag.len == 0 && !weir_str_eq(s->modified, value_of(modified)))) {
        weir_say(s->r->log, ERROR,
                 "a part of another version came: the response changed meanwhile");
        return false;
    }
    return true;
}

/* Fields of the first part are those of the whole, but for what says that it is one. */
static void
take_fields(struct sliced *s, const weir_request *sub)
{
    weir_pool *pool = s->r->pool;

    for (const weir_header *h = sub->out_first; h != NULL; h = h->next) {
        if (h->id != WEIR_H_CONTENT_RANGE && h->id != WEIR_H_ACCEPT_RANGES &&
            h->id != WEIR_H_CONTENT_LENGTH) {
            (void)weir_out_add(s->r, weir_dup(pool, h->name), weir_dup(pool, h->value));
        }
    }
    s->etag = weir_dup(pool, value_of(sub->out[WEIR_H_ETAG]));
    s->modified = weir_dup(pool, value_of(sub->out[WEIR_H_LAST_MODIFIED]));
}

static int answer(weir_request *r, void *data);

static int
fetch_first(weir_request *r, void *data)
{
    struct sliced *s = data;

    (void)r;
    s->at = 0;
    return fetch(s) == WEIR_AGAIN ? WEIR_AGAIN : 500;
}

static void
part_came(weir_request *r, void *data, int result, weir_request *sub, weir_chain *body)
{
    struct sliced *s = data;
    weir_ticket *ticket = s->ticket;
    struct span got;
    uint64_t total;
    bool fits = result == WEIR_OK && is_fitting(s, sub, &got, &total);

    (void)r;
    s->ticket = NULL;
    if (fits && weir_chain_len(body) != got.to - got.from) {
        weir_say(s->r->log, ERROR, "a part is not as long as it says");
        fits = false;
    }
    if (fits) {
        weir_chain_take(&s->ready, body);
        s->at = got.to;
    }
    if (s->begun) {
        s->broken = !fits;
        (void)weir_resume(ticket, fits ? WEIR_NEXT : WEIR_ERROR);
        return;
    }
    if (result == WEIR_OK && sub->status == 416 && s->at != 0) { /* a range behind the end */
        (void)weir_resume_with(ticket, fetch_first, s);
        return;
    }
    s->whole_answer = !fits;
    if (fits) {
        s->total = total;
        take_fields(s, sub);
        weir_upstream_cached(s->r, weir_upstream_cache_status(sub));
    }
    (void)weir_resume_with(ticket, answer, s);
}

/* ---- Answering. ---- */

static int
source(weir_request *r, void *data, weir_chain *out, size_t want)
{
    struct sliced *s = data;

    (void)r;
    (void)want;
    if (s->broken) {
        return WEIR_ERROR;
    }
    if (s->ready.head == NULL) {
        return s->at < s->span.to ? fetch(s) : WEIR_DONE;
    }
    weir_chain_skip(&s->ready, s->skip);
    s->skip = 0;
    if (s->at > s->span.to) {
        uint64_t len = weir_chain_len(&s->ready), over = s->at - s->span.to;
        weir_chain_move(s->r->pool, out, &s->ready, over < len ? len - over : 0);
        s->ready = (weir_chain){ NULL, NULL };
    } else {
        weir_chain_take(out, &s->ready);
    }
    return s->at < s->span.to ? WEIR_NEXT : WEIR_DONE;
}

/* May the client have a part? If-Range has to agree. [RFC 9110 13.1.5] */
static bool
range_counts(const struct sliced *s)
{
    const weir_header *if_range = s->r->in[WEIR_H_IF_RANGE],
                      *modified = s->r->out[WEIR_H_LAST_MODIFIED];

    return if_range == NULL ||
           (s->etag.len != 0 && s->etag.data[0] == '"' && weir_str_eq(if_range->value, s->etag)) ||
           (modified != NULL && weir_str_eq(if_range->value, modified->value));
}

static int
begin(struct sliced *s, const struct span *wanted)
{
    weir_request *r = s->r;
    uint64_t first = s->at - weir_chain_len(&s->ready);

    if (wanted->from < first || wanted->from >= s->at) { /* the part that came is not the first */
        s->ready = (weir_chain){ NULL, NULL };
        s->at = first = wanted->from / s->size * s->size;
    }
    s->span = *wanted;
    s->skip = wanted->from - first;
    (void)weir_out_length(r, (int64_t)(wanted->to - wanted->from));
    if (wanted->to - wanted->from == s->total) {
        return weir_respond_from(r, 200, source, s);
    }
    (void)weir_out_set(r, WEIR_STR("Content-Range"), span_print_content(r->pool, wanted, s->total));
    return weir_respond_from(r, 206, source, s);
}

/* The first part is there, or it does not come in parts. */
static int
answer(weir_request *r, void *data)
{
    struct sliced *s = data;
    struct span wanted = { 0, s->total };
    int64_t modified = -1;
    int rc;

    if (s->whole_answer) {
        return WEIR_NEXT;
    }
    s->begun = true;
    if (r->out[WEIR_H_LAST_MODIFIED] != NULL) {
        (void)weir_parse_date(r->out[WEIR_H_LAST_MODIFIED]->value, &modified);
    }
    rc = weir_precondition(r, s->etag, modified);
    if (rc != WEIR_NEXT) {
        return rc == 304 ? weir_respond(r, 304, WEIR_STR(""), WEIR_STR("")) : rc;
    }
    if (r->in[WEIR_H_RANGE] != NULL && r->method == WEIR_GET && range_counts(s)) {
        (void)span_parse_wanted(r->in[WEIR_H_RANGE]->value, s->total, &wanted);
    }
    (void)weir_out_set(r, WEIR_STR("Accept-Ranges"), WEIR_STR("bytes"));
    return begin(s, &wanted);
}

/* ---- The hook. ---- */

static bool
wanted(const void *conf)
{
    return ((const slice_conf *)conf)->size != 0;
}

static int
slice(weir_request *r, const void *conf)
{
    const slice_conf *c = conf;
    struct sliced *s;
    uint64_t from = 0;

    if ((r->method & (WEIR_GET | WEIR_HEAD)) == 0 || weir_ctx(r) != NULL) {
        return WEIR_NEXT;
    }
    if (r->in[WEIR_H_RANGE] != NULL && r->method == WEIR_GET) {
        from = span_first(r->in[WEIR_H_RANGE]->value);
    }
    s = weir_ctx_make(r, sizeof(*s));
    s->r = r;
    s->size = c->size;
    s->at = from / c->size * c->size;
    return fetch(s) == WEIR_AGAIN ? WEIR_AGAIN : 500;
}

/* "bytes=0-1048575" in the subrequest that fetches a part; nothing elsewhere. */
static weir_str
slice_range(weir_request *r, const void *conf, weir_str name)
{
    const struct sliced *s = weir_sub_data(r, part_came);

    (void)conf;
    (void)name;
    return s == NULL ? (weir_str){ NULL, 0 }
                     : weir_print(r->pool, "bytes=%llu-%llu", (unsigned long long)s->at,
                                  (unsigned long long)(s->at + s->size - 1));
}

static int
check_size(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return *(uint64_t *)field <= SLICE_MAX
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "a part may have at most %dm", SLICE_MAX >> 20);
}

static const weir_directive directives[] = {
    { .name = "slice",
      .help = "size of the parts in which a response is fetched; 0: in one",
      .preset = "0",
      .where = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION,
      .type = WEIR_T_SIZE,
      WEIR_FIELD_(slice_conf, size, SIZE),
      .set = check_size },
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT,
      .rank = WEIR_RANK_EARLY - 1,
      .handler = slice,
      .wanted = wanted },
};

static const weir_variable variables[] = {
    { .name = "slice_range", .flags = WEIR_VAR_FRESH, .get = slice_range },
};

WEIR_MODULE("slice", "1.0", .summary = "fetches large responses in parts that a cache can keep",
            .conf_size = sizeof(slice_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .variables = WEIR_ITEMS(variables));
