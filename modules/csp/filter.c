/* filter.c - the hooks: what an upstream is told, the policy on the answer, nonces in the page.
 *
 * A page with a nonce is made for one answer: it must not be kept by a cache that others share, nor
 * be confirmed by a 304 or sent in parts, whose head and body would have different nonces.
 */
#include "csp.h"
#include "keeping.h"

weir_metric *csp_tags, *csp_pages;

static const weir_str field_enforced = { "Content-Security-Policy", 23 };
static const weir_str field_reported = { "Content-Security-Policy-Report-Only", 35 };

/* ---- The nonce. ---- */

struct csp_state *
csp_state_of(weir_request *r)
{
    return weir_ctx_make(r->main, sizeof(struct csp_state));
}

weir_str
csp_nonce(weir_request *r)
{
    struct csp_state *st = csp_state_of(r);
    char raw[NONCE_BYTES];

    if (!st->drawn) {
        weir_text t = weir_text_over(st->stamp, STAMP_LEN);
        weir_random(raw, sizeof(raw));
        weir_text_add(&t, WEIR_STR("nonce=\""));
        weir_base64_encode(&t, (weir_str){ raw, sizeof(raw) });
        weir_text_add_byte(&t, '"');
        st->drawn = true;
    }
    return (weir_str){ st->stamp + STAMP_BEFORE, NONCE_LEN };
}

/* ---- The request. ---- */

/* Does the path look like that of a page: nothing behind a dot, or one of these? */
static bool
may_be_page(weir_str path)
{
    static const char *const endings[] = { "html", "htm",  "shtml", "xhtml", "php",
                                           "asp",  "aspx", "jsp",   NULL };
    size_t i = path.len;

    while (i != 0 && path.data[i - 1] != '.' && path.data[i - 1] != '/') {
        i--;
    }
    if (i == 0 || path.data[i - 1] == '/') {
        return true;
    }
    return weir_str_is_among(weir_str_cut(path, i, path.len), endings);
}

int
csp_request(weir_request *r, const void *conf)
{
    const csp_conf *c = conf;

    if (c->nonce_header.len != 0) {
        (void)weir_in_set(r, c->nonce_header, csp_nonce(r));
    }
    if (csp_changes_pages(c) && r->in[WEIR_H_RANGE] != NULL && may_be_page(r->path)) {
        (void)weir_in_remove(r, WEIR_STR("Range"));
    }
    return WEIR_NEXT;
}

/* ---- The head. ---- */

static bool
has_type(const weir_request *r, weir_str type)
{
    const weir_strs types = { &type, 1 };
    const weir_header *h = r->out[WEIR_H_CONTENT_TYPE];

    return h != NULL && weir_type_among(h->value, &types);
}

/* Can the page be had as text, whose bytes are those of ASCII where they are below 128? */
static bool
is_readable(const weir_request *r)
{
    static const char *const others[] = { "utf-16", "utf-32",  "utf-7", "iso-2022",
                                          "hz-gb",  "unicode", NULL };
    weir_str type = r->out[WEIR_H_CONTENT_TYPE]->value;

    for (size_t i = 0; others[i] != NULL; i++) {
        size_t n = strlen(others[i]);
        for (size_t at = 0; at + n <= type.len; at++) {
            if (weir_str_ieq((weir_str){ type.data + at, n }, weir_str_c(others[i]))) {
                return false;
            }
        }
    }
    return weir_out_is_text(r);
}

/* Did the nonce come into the policy, from a variable that holds it (of a map, say)? */
static bool
has_nonce(const struct csp_state *st, weir_str text)
{
    return st->drawn && memmem(text.data, text.len, st->stamp + STAMP_BEFORE, NONCE_LEN) != NULL;
}

/* Send the policy. True: the nonce stands in it, as nobody could know beforehand; then a 304 has
 * none. */
static bool
send_policy(weir_request *r, weir_str name, const struct policy_values *values, bool is_page)
{
    weir_str text = weir_value_get(r, is_page ? values->page : values->other);
    bool brought;

    while (text.len != 0 && text.data[text.len - 1] == ' ') { /* an empty variable was the last */
        text.len--;
    }
    brought = !values->has_nonce && text.len != 0 && has_nonce(csp_state_of(r), text);

    if (brought && r->status == 304) {
        return true;
    }
    if (text.len != 0 && weir_out_add(r, name, text) != WEIR_OK) {
        weir_say(r->log, ERROR, "csp: a variable brought a line break, \"%.*s\" is not sent",
                 WEIR_FMT(name));
    }
    return brought;
}

static bool
is_made_for_page(const csp_conf *c)
{
    return c->enforced.values.has_nonce || c->reported.values.has_nonce || c->hashes.on;
}

/* The policy as an element of the page that is being answered with. */
static weir_str
meta_of(weir_request *r, const csp_conf *c)
{
    weir_str text = weir_value_get(r, c->enforced.values.meta);

    if (text.len == 0) {
        return WEIR_STR("");
    }
    text = weir_escape(r->pool, text, WEIR_ESCAPE_HTML);
    return weir_print(r->pool, "<meta http-equiv=\"Content-Security-Policy\" content=\"%.*s\">",
                      WEIR_FMT(text));
}

/* Is this page to be changed, and can it be? */
static bool
begin_page(weir_request *r, const csp_conf *c, weir_str meta)
{
    struct csp_state *st = csp_state_of(r);

    if ((c->stamps == NULL && meta.len == 0) || !has_type(r, WEIR_STR("text/html")) ||
        !is_readable(r)) {
        return false;
    }
    (void)weir_out_length(r, -1);
    (void)weir_out_remove(
        r, WEIR_STR("ETag")); /* the file's: with another policy it is another page */
    (void)weir_out_remove(r, WEIR_STR("Last-Modified"));
    if (c->stamps != NULL) {
        (void)csp_nonce(r);
    }
    scanner_init(&st->scanner, c->stamps);
    st->scanner.seeks_head = meta.len != 0;
    st->meta = meta;
    st->ahead = 0;
    st->scanned = (weir_chain){ NULL, NULL };
    return true;
}

/* Does the answer show a page? What leads elsewhere has one that nobody sees: it may be kept as
 * ever. */
static bool
has_page(const weir_request *r)
{
    bool leads_on = r->status > 300 && r->status < 400 && r->out[WEIR_H_LOCATION] != NULL;

    return !leads_on && r->status != 304 &&
           (has_type(r, WEIR_STR("text/html")) || has_type(r, WEIR_STR("application/xhtml+xml")));
}

int
csp_headers(weir_request *r, const void *conf)
{
    const csp_conf *c = conf;
    bool is_page = has_page(r), guard = false;
    bool is_own = is_page && is_made_for_page(c); /* else both values are the same */
    weir_str meta = WEIR_STR("");

    if (r->status < 200) {
        return WEIR_DONE;
    }
    if (c->upstream == UPSTREAM_REPLACE) {
        (void)weir_out_remove(r, field_enforced);
        (void)weir_out_remove(r, field_reported);
    }
    if (r->status == 304 && is_made_for_page(c)) {
        return WEIR_DONE; /* the stored page has the policy that goes with it */
    }
    if (r->status == 206 && csp_changes_pages(c) && has_type(r, WEIR_STR("text/html"))) {
        return 416; /* who can say whether a part begins in a tag */
    }
    if (c->hashes.on) {
        csp_state_of(r)->found = is_own ? hashes_find(r, &c->hashes) : NULL;
    }
    guard = send_policy(r, field_enforced, &c->enforced.values, is_own);
    guard = send_policy(r, field_reported, &c->reported.values, is_own) || guard;
    if (is_page && c->enforced.values.meta != NULL) {
        meta = meta_of(r, c);
    }
    if (c->hashes.on) {
        csp_state_of(r)->found = NULL;
    }
    guard = guard || (is_page && (c->enforced.values.has_nonce || c->reported.values.has_nonce));
    if (guard && r->status != 304) {
        keeping_guard(r);
        weir_count(csp_pages, is_page);
    }
    return is_page && begin_page(r, c, meta) ? WEIR_NEXT : WEIR_DONE;
}

/* ---- The page. ---- */

/* Put what belongs there in place of the bytes that were found, counted back from what has been
 * scanned: `st->ahead` on the chain. */
static void
replace(weir_request *r, struct csp_state *st, enum scan_event what, weir_chain *in,
        weir_chain *out)
{
    weir_chain_move(r->pool, out, in, st->ahead - st->scanner.begin);
    weir_chain_skip(in, st->scanner.begin - st->scanner.end);
    if (what == SCAN_HEAD) {
        weir_chain_push(out, weir_buf_ref(r->pool, st->meta));
    } else if (what == SCAN_STAMP) {
        weir_chain_push(out, weir_buf_ref(r->pool, (weir_str){ st->stamp, STAMP_LEN }));
        weir_count_at(csp_tags, TAG_STAMPED, 1);
    }
    st->ahead = st->scanner.end;
}

/* Scan what is on `in` behind the first `ahead` bytes. True: something was found, and all before it
 * is on `out`. */
static bool
scan_on(weir_request *r, struct csp_state *st, weir_chain *in, weir_chain *out)
{
    size_t before = 0, at;
    enum scan_event what;

    for (const weir_buf *b = in->head; b != NULL; before += b->len, b = b->next) {
        at = st->ahead > before ? st->ahead - before : 0;
        while (at < b->len) {
            at += scanner_run(&st->scanner, b->data + at, b->len - at, &what);
            st->ahead = before + at;
            if (what == SCAN_STAMP || what == SCAN_STRIP || what == SCAN_HEAD) {
                replace(r, st, what, in, out);
                return true;
            }
        }
    }
    return false;
}

/* Pass on what is on `from`, without the marker's secret, wherever it stands: who slips "<!--" in
 * front of a marked tag would else read it, and mark tags of his own. */
static void
hide_secret(weir_request *r, weir_str secret, weir_chain *from, weir_chain *out)
{
    size_t at;

    while (weir_chain_find(from, secret, &at) == WEIR_OK) {
        weir_chain_move(r->pool, out, from, at);
        weir_chain_skip(from, secret.len);
        weir_count_at(csp_tags, TAG_HIDDEN, 1);
    }
    if (from->tail != NULL && from->tail->flags & WEIR_BUF_LAST) {
        weir_chain_take(out, from);
    } else {
        weir_chain_move(r->pool, out, from, at);
    }
}

/* Scan what is new, and put on `out` what has been seen to its end. */
static void
scan_page(weir_request *r, struct csp_state *st, weir_chain *in, weir_chain *out)
{
    while (scan_on(r, st, in, out)) {
    }
    if (in->tail == NULL || !(in->tail->flags & WEIR_BUF_LAST)) {
        weir_chain_move(r->pool, out, in, st->ahead - st->scanner.held);
        st->ahead = st->scanner.held;
        return;
    }
    weir_count_at(csp_tags, TAG_REFUSED, st->scanner.refused);
    if (st->scanner.is_lost) {
        weir_say(r->log, INFO,
                 "csp: the page's SVG or MathML cannot be followed, tags behind it got no nonce");
    }
    weir_chain_take(out, in);
}

int
csp_body(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    const struct scan_marker *marker = ((const csp_conf *)conf)->stamps;
    weir_str secret = marker != NULL ? marker->value : (weir_str){ NULL, 0 };
    struct csp_state *st = csp_state_of(r);

    if (marker == NULL && !st->scanner.seeks_head) {
        weir_chain_take(out, in); /* the policy is in, and nothing else is looked for */
    } else if (secret.data == NULL) {
        scan_page(r, st, in, out);
    } else {
        scan_page(r, st, in, &st->scanned);
        hide_secret(r, secret, &st->scanned, out);
    }
    return WEIR_NEXT;
}
