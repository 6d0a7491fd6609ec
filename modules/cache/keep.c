/* cache/keep.c - a reply on its way into the store.
 *
 * The body is read as fast as the origin sends and the store takes it, whoever is waiting for it:
 * r's own client reads from the store as all others do, and when it goes or is slow, nothing stops.
 */
#include "flow.h"
#include "freshen.h"
#include "pass.h"
#include "tags.h"
#include "trailers.h"
#include "vary.h"

enum { PIECE = 64 * 1024, PIECES_A_TURN = 16 };

/* ---- What is stored. ---- */

/* Fields of this hop alone; what says where a body ends, and how old it is, is kept apart. */
static bool
is_left_out(const struct caching *c, const weir_header *h)
{
    static const char *const names[] = { "Proxy-Authenticate", "Proxy-Authentication-Info",
                                         "Proxy-Authorization" };

    if (h->id == WEIR_H_AGE || h->id == WEIR_H_CONTENT_LENGTH ||
        h->id == WEIR_H_PROXY_AUTHORIZATION || (h->id == WEIR_H_CONTENT_RANGE && c->parts.comes)) {
        return true;
    }
    for (size_t i = 0; h->id == WEIR_H_OTHER && i < sizeof(names) / sizeof(names[0]); i++) {
        if (weir_str_ieq(h->name, weir_str_c(names[i]))) {
            return true; /* [RFC 9111 3.1] */
        }
    }
    return false;
}

/* Is it one that no-cache="..." or private="..." names? */
static bool
is_listed(const weir_header *control, const weir_header *h)
{
    return control != NULL && control_lists(control, h->name);
}

/* r's fields as they are stored, Date among them whatever came. [RFC 9110 6.6.1] */
static struct field_list
fields_of(struct caching *c)
{
    weir_request *r = c->r;
    const weir_header *control = r->out[WEIR_H_CACHE_CONTROL];
    struct field_list list = { 0 };

    if (c->conf->rules == RULES_NGINX) { /* where each answer has a Date of its own */
        (void)weir_out_remove(r, WEIR_STR("Date"));
    } else if (r->out[WEIR_H_DATE] == NULL) {
        (void)weir_out_set(r, WEIR_STR("Date"), weir_print_date(r->pool, weir_wall_clock()));
    }
    if (!control_may_list(control)) {
        control = NULL;
    }
    for (const weir_header *h = r->out_first; h != NULL; h = h->next) {
        if (!is_left_out(c, h) && !is_listed(control, h)) {
            field_add(r->pool, &list, h);
        }
    }
    return list;
}

static void
make_meta(struct caching *c, struct store_meta *m, uint64_t *tags)
{
    weir_request *r = c->r;
    struct field_list fields = fields_of(c);

    *m = (struct store_meta){ .status = c->reply_status,
                              .length = r->out_length,
                              .fields = fields.first,
                              .n_fields = fields.count,
                              .tags = tags };
    weir_random(&m->times[TIME_BODY], sizeof(m->times[TIME_BODY]));
    kept_put(m, &c->kept);
    m->n_tags = tags_read(c->reply_fields, &c->conf->tags, origin_of(r), tags, STORE_TAGS_MAX);
}

/* ---- Variants. ---- */

/* Under the primary key: which fields choose, and the variants' generation. False: there is no
 * room. */
static bool
put_marker(struct caching *c)
{
    struct store_meta m = { .flags = KEPT_VARY, .note = c->names };
    bool others;
    struct store_fill *f = store_fill_begin(c->store, c->r->pool, &c->primary, &others);

    if (f == NULL) {
        return others; /* who fetches it in this moment writes one of its own */
    }
    m.times[TIME_GENERATION] = c->generation;
    m.times[TIME_ANSWERED] = (uint64_t)c->kept.answered;
    if (!store_fill_head(f, &m)) {
        store_fill_pass(f);
        return false;
    }
    store_fill_end(f, true);
    return true;
}

/* The reply says which variant it is: the fill goes under its key. False: it cannot be stored. */
static bool
find_place(struct caching *c)
{
    weir_str text;

    if (c->reply_vary.len == 0) {
        if (c->names.data != NULL) { /* there are no variants any more */
            c->key = c->primary;
            c->names = (weir_str){ NULL, 0 };
            store_fill_move(c->fill, &c->key);
        }
        return true;
    }
    if (c->names.data != NULL && weir_str_eq(c->names, c->reply_vary)) {
        return true;
    }
    weir_random(&c->generation, sizeof(c->generation));
    c->names = c->reply_vary;
    text = flow_vary_key(c);
    if (text.data == NULL) {
        return false;
    }
    store_key_make(c->store, text, &c->key);
    store_fill_move(c->fill, &c->key);
    return put_marker(c);
}

/* ---- The body. ---- */

static void pump(struct caching *c);

static void
let_go(struct caching *c)
{
    if (c->held) {
        c->held = false;
        weir_let_go(c->r);
    }
}

static void
on_writable(void *data)
{
    struct caching *c = data;

    c->stuck = false;
    pump(c);
}

/* Room for trailers: they can come where the length is not known. */
static void
leave_room(struct caching *c, struct store_meta *m, uint32_t flags)
{
    if ((flags & WEIR_KEEP_TRAILERS) != 0 && m->length < 0) {
        m->note.len = PART_NOTE + TRAILERS_MAX;
        m->note.data = weir_zalloc(c->r->pool, m->note.len);
        c->trailers = true;
    }
}

static void
keep_trailers(struct caching *c)
{
    const weir_header *h = weir_exchange_trailers(c->x);
    uint8_t bytes[TRAILERS_MAX];
    size_t n;

    if (h == NULL) {
        return;
    }
    n = trailers_write(bytes, sizeof(bytes), h);
    if (!store_fill_note(c->fill, PART_NOTE, (weir_str){ (const char *)bytes, n }) || n == 0) {
        weir_say(c->r->log, INFO, "trailers are too long to be stored");
    }
}

/* What was to take the place of what a POST has changed does not. [RFC 9111 4.4] */
static void
forget_replaced(struct caching *c)
{
    if (c->r->method == WEIR_POST && c->conf->rules == RULES_RFC) {
        (void)store_remove(c->store, &c->primary);
    }
}

/* Nothing more comes: rc as weir_exchange_read has said. */
static void
finish(struct caching *c, int rc)
{
    struct store_fill *f = c->fill;

    if (rc == WEIR_DONE && c->trailers) {
        keep_trailers(c);
    }
    c->fill = NULL;
    c->x = NULL;
    if (rc != WEIR_DONE) {
        weir_say(c->r->log, INFO, "a reply broke off while it was stored");
    }
    if (c->parts.cuttable && (rc == WEIR_CLOSED || rc == WEIR_TIMEOUT)) {
        store_fill_cut(f);
    } else {
        store_fill_end(f, rc == WEIR_DONE);
    }
    if (rc != WEIR_DONE) {
        forget_replaced(c);
    }
    let_go(c);
}

/* It cannot be stored, and nobody is there to read it. */
static void
give_up(struct caching *c)
{
    struct store_fill *f = c->fill;

    c->fill = NULL;
    c->x = NULL;
    store_fill_end(f, false);
    let_go(c);
}

static void
pump_on(void *data)
{
    pump(data);
}

/* Others have their turn. */
static void
pump_later(struct caching *c)
{
    if (c->pumping == NULL) {
        c->pumping = weir_timer_start(c->r->pool, 0, pump_on, c);
    } else {
        weir_timer_set(c->pumping, 0);
    }
}

/* What came goes into the store. False: it is not wanted. */
static bool
put(struct caching *c, weir_chain *piece)
{
    int rc = store_fill_write(c->fill, piece, on_writable, c);

    c->stuck = rc == WEIR_AGAIN;
    return rc != WEIR_CLOSED;
}

static void
pump(struct caching *c)
{
    for (unsigned i = 0; c->fill != NULL && !c->stuck; i++) {
        weir_chain piece = { NULL, NULL };
        int rc = c->parts.joins ? join_read(c, &piece, PIECE, pump_on)
                                : weir_exchange_read(c->x, c->r->pool, &piece, PIECE);
        if (piece.head != NULL && !put(c, &piece)) {
            give_up(c);
            return;
        }
        if (rc == WEIR_AGAIN) {
            return;
        }
        if (rc != WEIR_OK) {
            finish(c, rc);
            return;
        }
        if (i == PIECES_A_TURN) {
            pump_later(c);
            return;
        }
    }
}

void
flow_readable(weir_request *r)
{
    struct caching *c = weir_ctx(r);

    if (c != NULL && c->x != NULL) {
        pump(c);
    }
}

/* ---- A 304. ---- */

/* Do these fields choose among variants as those did that it is stored by? [RFC 9111 4.1] */
static bool
keeps_place(const struct caching *c, const weir_header *vary)
{
    weir_str now = vary_names(c->r->pool, vary);
    weir_str then = c->names.data != NULL ? c->names : WEIR_STR("");

    return now.data != NULL && weir_str_eq(now, then);
}

/* m has the fields of now: how long do they hold? What said nothing of it then says what it did.
 * news: they say something else than before. */
static void
renew(struct caching *c, struct store_meta *m, bool news)
{
    const struct kept old = kept_of(m);
    struct policy_fields raw;
    struct policy_case q = { .conf = &c->conf->policy,
                             .status = m->status,
                             .authorized = c->r->in[WEIR_H_AUTHORIZATION] != NULL,
                             .valid = conf_valid(c->family->valid, m->status),
                             .parts = conf_names_parts(c->family->valid),
                             .now = flow_now(),
                             .delay = c->delay };

    if (q.valid < 0 && (old.flags & KEPT_HEURISTIC) == 0) {
        q.valid = (int64_t)old.lifetime;
    }
    policy_collect(&q.fields, m->fields, c->ignored);
    policy_collect(&raw, c->reply_fields, c->ignored);
    q.fields.accel_expires = raw.accel_expires;
    q.fields.age = raw.age;
    if (policy_store(&q, &c->kept) == NULL && keeps_place(c, q.fields.vary)) {
        kept_put(m, &c->kept);
        c->stored = store_freshen(c->store, c->object, m,
                                  news || policy_lasts(&old, q.now) || policy_lasts(&c->kept, q.now));
    } else {
        (void)store_remove(c->store, &c->key);
    }
}

/* A cookie of a 304 is its client's, unless what is stored had one that is everybody's. */
static uint64_t
cookies_left_out(const weir_header *stored)
{
    while (stored != NULL && stored->id != WEIR_H_SET_COOKIE) {
        stored = stored->next;
    }
    return stored == NULL ? UINT64_C(1) << WEIR_H_SET_COOKIE : 0;
}

/* The stored head, brought up to date by the reply's. */
static void
refresh(struct caching *c, struct store_meta *m)
{
    const struct store_meta *stored = store_object_meta(c->object);
    const uint64_t skip = cookies_left_out(stored->fields);
    struct field_list newer = fields_of(c), merged;

    merged = freshen_merge(c->r->pool, stored->fields, newer.first, skip);
    *m = *stored;
    m->fields = merged.first;
    m->n_fields = merged.count;
    renew(c, m, freshen_changes(stored->fields, newer.first, skip));
}

/* What is stored holds, and is as new as this: the origin was asked about nothing else, so a tag in
 * its answer that is another one says nothing. [RFC 9111 4.3.4] */
static int
confirm(struct caching *c, weir_exchange *x)
{
    weir_request *r = c->r;
    struct store_meta m;
    weir_chain nothing = { NULL, NULL };

    (void)weir_exchange_read(x, r->pool, &nothing, PIECE); /* so that its connection can be kept */
    refresh(c, &m);
    store_fill_drop(c->fill); /* who waits finds it */
    c->fill = NULL;
    if (c->update) {
        return weir_respond(r, 204, WEIR_STR(""), WEIR_STR(""));
    }
    (void)weir_out_clear(r); /* the newer head makes way for that of the whole */
    c->outcome = OUTCOME_REVALIDATED;
    return answer_with(c, &m);
}

/* ---- Beginning. ---- */

/* There is no room for a join; alone the reply answers nothing. */
static int
ask_anew(struct caching *c)
{
    (void)weir_out_clear(c->r);
    return join_anew(c);
}

static bool
begin_reading(struct caching *c)
{
    c->reader = store_read_fill(c->r->pool, c->fill);
    return c->reader != NULL;
}

/* r's own client needs nothing more of what comes. */
static void
client_left(void *data)
{
    struct caching *c = data;
    weir_ticket *ticket = c->ticket;

    store_reader_end(c->reader);
    c->ticket = NULL;
    if (ticket != NULL) { /* the source's, which sees that it is for nobody */
        (void)weir_resume(ticket, WEIR_NEXT);
    }
}

/* There is no room for what comes: the client gets it, and nobody else. */
static int
keep_nothing(struct caching *c)
{
    if (c->reader != NULL) {
        store_reader_end(c->reader);
        c->reader = NULL;
    }
    store_fill_pass(c->fill);
    c->fill = NULL;
    forget_replaced(c);
    (void)weir_outlive_client(c->r, c->outlived);
    return c->parts.joins ? ask_anew(c) : WEIR_NEXT;
}

int
flow_keep(weir_request *r, weir_exchange *x, uint32_t flags)
{
    struct caching *c = weir_ctx(r);
    uint64_t tags[STORE_TAGS_MAX];
    struct store_meta m;

    if (c->confirmed) {
        return confirm(c, x);
    }
    if (c->learns) { /* and the client gets what came */
        refresh(c, &m);
        return WEIR_NEXT;
    }
    make_meta(c, &m, tags);
    join_meta(c, &m);
    leave_room(c, &m, flags);
    if (c->parts.joins) {
        join_fields(c, &m, tags);
    }
    if (!find_place(c) || !begin_reading(c) || !store_fill_head(c->fill, &m)) {
        return keep_nothing(c);
    }
    c->stored = true;
    pass_forget(&c->key);
    c->x = x;
    c->held = true;
    weir_hold(r, client_left, c);
    if (c->parts.comes) {
        join_span(c);
    }
    if (c->parts.joins) {
        (void)weir_out_clear(r); /* as what is stored goes on r, of both */
    }
    pump(c);
    return answer_fill(c, &m);
}

/* ---- A status. ---- */

/* Fields of a refusal that go with its page. */
static struct field_list
fields_of_refusal(const weir_request *r)
{
    struct field_list list = { 0 };

    for (const weir_header *h = r->out[WEIR_H_WWW_AUTHENTICATE]; h != NULL; h = h->same) {
        field_add(r->pool, &list, h);
    }
    return list;
}

/* What an error_page answers is made anew by each request: kept is that it does. */
void
flow_refuse(weir_request *r)
{
    struct caching *c = weir_ctx(r);
    uint64_t tags[STORE_TAGS_MAX];
    struct field_list fields = fields_of_refusal(r);
    struct store_meta m = { .status = c->reply_status,
                            .fields = fields.first,
                            .n_fields = fields.count,
                            .tags = tags };
    struct store_fill *f = c->fill;

    c->kept.flags |= KEPT_STATUS;
    kept_put(&m, &c->kept);
    m.n_tags = tags_read(c->reply_fields, &c->conf->tags, origin_of(r), tags, STORE_TAGS_MAX);
    if (f == NULL || policy_ttl(&c->kept, flow_now()) <= 0 || !find_place(c) ||
        !store_fill_head(f, &m)) {
        flow_leave(r);
        return;
    }
    c->fill = NULL;
    pass_forget(&c->key);
    store_fill_end(f, true);
    (void)weir_outlive_client(r, c->outlived);
}
