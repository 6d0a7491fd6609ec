/* http/respond_file.c - weir_respond_file: the one way to answer with a file.
 *
 * The head of a file (type, date, ETag) is formatted once for its cache entry and shared by all answers until a filter changes
 * it; a small hot file's bytes come from memory. Ranges are cut later, by http/range, so that they are right behind filters.
 */
#include <stdio.h>
#include <string.h>
#include <weir/file.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"
#include "http/file.h"
#include "http/response.h"
#include "http/types.h"
#include "net/buf.h"
#include "wire/etag.h"
#include "wire/precondition.h"

/* The request holds a file until it ends: the first in a field of its own, further ones (an error's page) by these. */
struct hold {
    struct wr_owned owned;
    struct wr_file *file;
};

static void
hold_end(struct wr_owned *o)
{
    wr_file_unref(WR_CONTAINER(o, struct hold, owned)->file);
}

static void
hold_file(struct wr_request *r, struct wr_file *f)
{
    struct hold *h;

    if (r->file == NULL) {
        r->file = f;
        return;
    }
    h = wr_pool_alloc(r->pub.pool, sizeof(*h));
    h->file = f;
    wr_pool_own(r->pub.pool, &h->owned, hold_end);
}

/* ---- The head. ---- */

static void
format_validators(struct wr_file *f)
{
    struct wr_strbuf b = wr_strbuf_over(f->etag, sizeof(f->etag));
    char hex[16];

    wr_clock_format_http(f->modified, f->mtime);
    wr_strbuf_byte(&b, '"');
    wr_strbuf_bytes(&b, hex, wr_num_format_hex(hex, (uint64_t)f->mtime));
    wr_strbuf_byte(&b, '-');
    wr_strbuf_bytes(&b, hex, wr_num_format_hex(hex, f->size));
    wr_strbuf_byte(&b, '"');
    wr_strbuf_byte(&b, '\0');
}

/* Does its time say that it was changed in the future? Some clock is wrong. */
static bool
is_ahead(const struct wr_file *f)
{
    return f->mtime > wr_clock.wall_s;
}

/* The fields of f under the settings c, and their lines. What is ahead was modified now. [RFC 9110 8.8.2.1] */
static struct wr_fields *
make_head(struct wr_file *f, weir_pool *pool, const struct wr_files_conf *c, weir_str type)
{
    weir_pair fields[4];
    weir_str modified = { f->modified, 29 };
    uint32_t n = 0;

    format_validators(f);
    if (is_ahead(f)) {
        modified = weir_dup(pool, (weir_str){ wr_clock.http_date, 29 });
    }
    if (type.len != 0) {
        fields[n++] = (weir_pair){ WEIR_STR("Content-Type"), type };
    }
    fields[n++] = (weir_pair){ WEIR_STR("Last-Modified"), modified };
    if (c->etag) {
        fields[n++] = (weir_pair){ WEIR_STR("ETag"), weir_str_c(f->etag) };
    }
    if (c->max_ranges != 0) {
        fields[n++] = (weir_pair){ WEIR_STR("Accept-Ranges"), WEIR_STR("bytes") };
    }
    return wr_fields_ready(pool, fields, n);
}

/* f's head: its own if that fits, else one for this request. */
static struct wr_fields *
head_of(struct wr_request *r, struct wr_file *f)
{
    const struct wr_files_conf *c = wr_files_conf(r);
    weir_pool *pool;

    /* the request's path need not be the file's */
    if (wr_file_head_fits(f, c) && wr_types_has_extension(r->pub.path, f->extension) && !is_ahead(f)) {
        return f->head;
    }
    pool = is_ahead(f) ? NULL : wr_file_head_begin(f, c);
    if (pool == NULL) {
        return make_head(f, r->pub.pool, c, wr_types_of(c, r->pub.path));
    }
    f->extension = weir_dup(pool, wr_types_extension(r->pub.path));
    f->head = make_head(f, pool, c, wr_types_of(c, r->pub.path));
    return f->head;
}

static void
use_head(struct wr_request *r, struct wr_fields *head)
{
    const weir_header *had = r->pub.out_first;

    r->out = head;
    r->pub.out = head->index;
    r->pub.out_first = head->first;
    for (; had != NULL; had = had->next) { /* what earlier hooks had set stays */
        if (had->id == 0 || head->index[had->id] == NULL) {
            (void)weir_out_add(&r->pub, had->name, had->value);
        } else if (had->id == WEIR_H_CONTENT_TYPE) { /* who sends a request on to a file knows what it is */
            (void)weir_out_set(&r->pub, had->name, had->value);
        }
    }
}

/* ---- Preconditions. ---- */

/* The value of a request field, its lines joined by commas. */
static weir_str
joined(const struct wr_request *r, uint32_t id)
{
    const weir_header *h = r->pub.in[id];
    weir_str all = { NULL, 0 };

    for (; h != NULL; h = h->same) {
        all = all.data == NULL ? h->value
                               : weir_print(r->pub.pool, "%.*s, %.*s", WEIR_FMT(all), WEIR_FMT(h->value));
    }
    return all;
}

static bool
conditional(const struct wr_request *r)
{
    const weir_header *const *in = r->pub.in;

    return in[WEIR_H_IF_NONE_MATCH] != NULL || in[WEIR_H_IF_MODIFIED_SINCE] != NULL ||
           in[WEIR_H_IF_MATCH] != NULL || in[WEIR_H_IF_UNMODIFIED_SINCE] != NULL;
}

static enum wr_precondition
check_fields(const struct wr_request *r, const struct wr_precondition_state *now,
             enum wr_precondition_since since)
{
    struct wr_precondition_fields fields = {
        .if_match = joined(r, WEIR_H_IF_MATCH),
        .if_none_match = joined(r, WEIR_H_IF_NONE_MATCH),
        .if_modified_since = joined(r, WEIR_H_IF_MODIFIED_SINCE),
        .if_unmodified_since = joined(r, WEIR_H_IF_UNMODIFIED_SINCE),
    };

    return wr_precondition_check(&fields, now, true, since, wr_clock.wall_s);
}

static enum wr_precondition
check_preconditions(const struct wr_request *r, const struct wr_file *f)
{
    static const enum wr_precondition_since since[] = { WR_SINCE_OFF, WR_SINCE_EXACT,
                                                        WR_SINCE_BEFORE };
    const struct wr_files_conf *c = wr_files_conf(r);
    struct wr_precondition_state now = { .exists = true, .last_modified_s = f->mtime };

    if (c->etag) {
        now.etag.opaque = weir_str_c(f->etag);
    }
    return check_fields(r, &now, since[c->if_modified_since]);
}

int
weir_precondition(weir_request *pub, weir_str etag, int64_t modified)
{
    struct wr_request *r = wr_request_of(pub);
    struct wr_precondition_state now = { .exists = true, .last_modified_s = modified };

    if (!conditional(r)) {
        return WEIR_NEXT;
    }
    (void)wr_etag_parse(etag, &now.etag);
    switch (check_fields(r, &now,
                         wr_files_conf(r)->if_modified_since == 0 ? WR_SINCE_OFF
                                                                  : WR_SINCE_BEFORE)) {
    case WR_PRECONDITION_NOT_MODIFIED:
        return 304;
    case WR_PRECONDITION_FAILED:
        wr_response_clear(r); /* what was said of the representation is not true of the page */
        return 412;
    default:
        return WEIR_NEXT;
    }
}

static int
not_modified(struct wr_request *r, uint64_t size)
{
    weir_chain body = { NULL, NULL };

    r->pub.status = 304; /* filters see the type and length of the 200: what they add must be the same */
    r->pub.out_length = (int64_t)size;
    weir_chain_push(&body, weir_buf_mark(r->pub.pool, WEIR_BUF_LAST));
    wr_response_begin(r, &body);
    return WEIR_DONE;
}

/* ---- The answer. ---- */

static int
send_file(struct wr_request *r, struct wr_file *f, uint32_t flags)
{
    weir_chain body = { NULL, NULL };
    weir_buf *b;

    if (flags & WEIR_FILE_NO_RANGES) {
        (void)weir_out_remove(&r->pub, WEIR_STR("Accept-Ranges"));
    }
    r->pub.status = r->pub.status == 0 || !(flags & WEIR_FILE_AS_IS) ? 200 : r->pub.status;
    r->pub.out_length = (int64_t)f->size;
    if (f->bytes != NULL && wr_response_whole(r, (weir_str){ (const char *)f->bytes, (size_t)f->size })) {
        return WEIR_DONE;
    }
    b = f->bytes != NULL
            ? weir_buf_ref(r->pub.pool, (weir_str){ (const char *)f->bytes, (size_t)f->size })
            : weir_buf_file(r->pub.pool, f->fd, 0, (size_t)f->size, false);
    b->flags |= WEIR_BUF_LAST;
    weir_chain_push(&body, b);
    r->body_file = f;
    wr_response_begin(r, &body);
    return WEIR_DONE;
}

int
weir_respond_file(weir_request *pub, weir_str path, uint32_t flags)
{
    struct wr_request *r = wr_request_of(pub);
    bool reads = pub->method & (WEIR_GET | WEIR_HEAD);
    struct wr_file *f;
    int error;

    if (wr_response_begun(r)) {
        return WEIR_ERROR;
    }
    error = wr_file_get(r, path, reads || r->error_paged, true, &f);
    if (error != 0) {
        int rc = wr_file_status(r, path, error, true);
        return rc == WEIR_ABSENT ? 404 : rc;
    }
    hold_file(r, f);
    if (f->kind == WEIR_FILE_DIRECTORY) {
        return WEIR_NEXT;
    }
    if (f->kind != WEIR_FILE_REGULAR) {
        wr_say(&r->log, CRIT, "\"%s\" is not a regular file", path.data);
        return 404;
    }
    if (!reads && !r->error_paged) {
        return weir_respond_method_not_allowed(pub, WEIR_GET | WEIR_HEAD);
    }
    if (f->bytes == NULL && f->fd < 0) {
        return WEIR_ERROR;
    }
    if (!(flags & WEIR_FILE_AS_IS)) {
        use_head(r, head_of(r, f));
        if (conditional(r) && r->parent == NULL) {
            switch (check_preconditions(r, f)) {
            case WR_PRECONDITION_NOT_MODIFIED:
                return not_modified(r, f->size);
            case WR_PRECONDITION_FAILED:
                wr_response_clear(r);
                return 412;
            default:
                break;
            }
        }
    }
    return send_file(r, f, flags);
}
