/* wire/framing.c - collect what the few fields say that frame the message, then the verdict.
 *
 * What must always hold: a message whose length two readers could see differently is refused, never
 * repaired.
 */
#include "wire/framing.h"

#include <weir/request.h>
#include "base/assert.h"
#include "base/num.h"
#include "base/str.h"
#include "wire/chars.h"

/* What has been seen so far. */
struct facts {
    struct wr_framing f;
    int64_t length; /* of Content-Length */
    bool chunked;
};

/* The next element of a comma-separated list, trimmed, maybe empty; *list keeps the rest, absent
 * after the last. */
static weir_str
next_element(weir_str *list)
{
    size_t comma = weir_str_find(*list, ',');
    weir_str element = weir_str_trim(weir_str_cut(*list, 0, comma));

    *list = comma < list->len ? weir_str_cut(*list, comma + 1, list->len) : (weir_str){ NULL, 0 };
    return element;
}

static enum wr_wire
take_length(struct facts *s, weir_str value, struct wr_fault *fault)
{
    uint64_t n;

    if (s->f.length_given) {
        return wr_fault_set(fault, 400, "more than one Content-Length");
    }
    if (!weir_parse_number(value, INT64_MAX, &n)) {
        return wr_fault_set(fault, 400, "Content-Length is not a number");
    }
    s->f.length_given = true;
    s->length = (int64_t)n;
    return WR_OK;
}

/* Transfer-Encoding may be chunked and nothing else. Codings before a last chunked, and unknown
 * ones, are a 501; what no reading makes right is a 400. [RFC 9112 6.1, 7] */
static enum wr_wire
take_codings(struct facts *s, weir_str list, struct wr_fault *fault)
{
    bool other = false;

    if (s->chunked) {
        return wr_fault_set(fault, 400, "more than one Transfer-Encoding");
    }
    while (list.data != NULL) {
        weir_str coding = next_element(&list);
        weir_str name = weir_str_trim(weir_str_cut(coding, 0, weir_str_find(coding, ';')));
        if (!wr_char_is_token(name)) {
            return wr_fault_set(fault, 400, "malformed Transfer-Encoding");
        }
        if (s->chunked) {
            return wr_fault_set(fault, 400, "chunked is not the last transfer coding");
        }
        if (!weir_str_ieq(name, WEIR_STR("chunked"))) {
            other = true;
        } else if (name.len != coding.len) {
            return wr_fault_set(fault, 400, "chunked has parameters");
        } else {
            s->chunked = true;
        }
    }
    return other ? wr_fault_set(fault, 501, "transfer coding other than chunked") : WR_OK;
}

static void
take_option(struct facts *s, weir_str option)
{
    if (weir_str_ieq(option, WEIR_STR("keep-alive"))) {
        s->f.keep_alive = true;
    } else if (weir_str_ieq(option, WEIR_STR("close"))) {
        s->f.close = true;
    } else if (weir_str_ieq(option, WEIR_STR("upgrade"))) {
        s->f.upgrade = true;
    } else if (option.len != 0) {
        s->f.nominated = true;
    }
}

static void
take_connection(struct facts *s, weir_str list)
{
    while (list.data != NULL) {
        take_option(s, next_element(&list));
    }
}

static enum wr_wire
take_expect(struct facts *s, weir_str value, struct wr_fault *fault)
{
    if (!weir_str_ieq(value, WEIR_STR("100-continue"))) {
        return wr_fault_set(fault, 417, "expectation other than 100-continue");
    }
    s->f.expect_continue = true;
    return WR_OK;
}

static enum wr_wire
take_host(struct facts *s, weir_str value, struct wr_fault *fault)
{
    if (s->f.host.data != NULL) {
        return wr_fault_set(fault, 400, "more than one Host");
    }
    s->f.host = value;
    return WR_OK;
}

static enum wr_wire
take_field(struct facts *s, const char *base, const struct wr_head_field *field, bool request,
           struct wr_fault *fault)
{
    weir_str value = { base + field->value_at, field->value_len };

    switch (field->id) {
    case WEIR_H_CONTENT_LENGTH:
        return take_length(s, value, fault);
    case WEIR_H_TRANSFER_ENCODING:
        return take_codings(s, value, fault);
    case WEIR_H_CONNECTION:
        take_connection(s, value);
        return WR_OK;
    case WEIR_H_EXPECT:
        return request ? take_expect(s, value, fault) : WR_OK;
    case WEIR_H_HOST:
        return request ? take_host(s, value, fault) : WR_OK;
    default:
        return WR_OK;
    }
}

/* The reader has noted where the fields are; where they are many, all are looked at. */
static enum wr_wire
collect(struct facts *s, const char *base, const struct wr_head_field *fields, uint32_t n_fields,
        const struct wr_head_marks *marks, bool request, struct wr_fault *fault)
{
    bool noted = marks->n <= WR_COUNT(marks->at);
    uint32_t n = noted ? marks->n : n_fields;
    enum wr_wire rc = WR_OK;

    for (uint32_t i = 0; i < n && rc == WR_OK; i++) {
        rc = take_field(s, base, &fields[noted ? marks->at[i] : i], request, fault);
    }
    return rc;
}

/* The rules that need all fields and the version. */
static enum wr_wire
judge(struct facts *s, uint32_t version, struct wr_fault *fault)
{
    if (s->chunked && version < 11) {
        return wr_fault_set(fault, 400, "Transfer-Encoding in HTTP/1.0");
    }
    if (s->chunked && s->f.length_given) {
        return wr_fault_set(fault, 400, "both Transfer-Encoding and Content-Length");
    }
    /* A 1.0 message has no meaning for upgrade, and no 100 can be sent in answer to it. */
    if (version < 11) {
        s->f.upgrade = false;
        s->f.expect_continue = false;
    }
    s->f.persistent = !s->f.close && (version >= 11 || s->f.keep_alive);
    return WR_OK;
}

/* Nearly every request of 1.1 says one Host, and of the connection nothing or that it stays: no
 * body, nothing to weigh. False for all others. */
static bool
frames_plainly(const char *base, const struct wr_request_head *head, struct wr_framing *out)
{
    weir_str host = { NULL, 0 };
    bool keep_alive = false;

    if (head->version < 11 || head->marks.n > 2) {
        return false;
    }
    for (uint32_t i = 0; i < head->marks.n; i++) {
        const struct wr_head_field *field = &head->fields[head->marks.at[i]];
        weir_str value = { base + field->value_at, field->value_len };
        if (field->id == WEIR_H_HOST && host.data == NULL) {
            host = value;
        } else if (field->id == WEIR_H_CONNECTION && weir_str_ieq(value, WEIR_STR("keep-alive"))) {
            keep_alive = true;
        } else {
            return false;
        }
    }
    if (host.data == NULL) {
        return false;
    }
    *out = (struct wr_framing){ .host = host, .keep_alive = keep_alive, .persistent = true };
    return true;
}

/* What the fields of any request say. */
static enum wr_wire
frame_any(const char *base, const struct wr_request_head *head, struct wr_framing *out,
          struct wr_fault *fault)
{
    struct facts s = { 0 };

    if (collect(&s, base, head->fields, head->n_fields, &head->marks, true, fault) != WR_OK ||
        judge(&s, head->version, fault) != WR_OK) {
        return WR_BAD;
    }
    if (s.f.host.data == NULL && head->version >= 11) {
        return wr_fault_set(fault, 400, "no Host");
    }
    s.f.length = s.chunked ? WR_LENGTH_CHUNKED : s.length;
    *out = s.f;
    return WR_OK;
}

enum wr_wire
wr_framing_request(const char *base, const struct wr_request_head *head, struct wr_framing *out,
                   struct wr_fault *fault)
{
    return frames_plainly(base, head, out) ? WR_OK : frame_any(base, head, out, fault);
}

/* Can a response with this status to a request of this method have a body? [RFC 9112 6.3] */
static bool
may_have_body(uint32_t status, uint32_t method)
{
    return method != WEIR_HEAD && status >= 200 && status != 204 && status != 304 &&
           !(method == WEIR_CONNECT && status < 300);
}

/* As most origins say it: one length, and of the connection nothing, that it stays, or that it does
 * not. False for all others. */
static bool
answers_plainly(const char *base, const struct wr_response_head *head, struct wr_framing *out)
{
    struct wr_framing f = { .length_given = false };
    bool said = false;
    uint64_t n;

    if (head->version < 11 || head->marks.n > 2) {
        return false;
    }
    for (uint32_t i = 0; i < head->marks.n; i++) {
        const struct wr_head_field *field = &head->fields[head->marks.at[i]];
        weir_str value = { base + field->value_at, field->value_len };
        if (field->id == WEIR_H_CONTENT_LENGTH && !f.length_given &&
            weir_parse_number(value, INT64_MAX, &n)) {
            f.length_given = true;
            f.length = (int64_t)n;
        } else if (field->id == WEIR_H_CONNECTION && !said) {
            f.keep_alive = weir_str_ieq(value, WEIR_STR("keep-alive"));
            f.close = weir_str_ieq(value, WEIR_STR("close"));
            said = true;
            if (!f.keep_alive && !f.close) {
                return false;
            }
        } else {
            return false;
        }
    }
    f.persistent = !f.close;
    *out = f;
    return f.length_given;
}

enum wr_wire
wr_framing_response(const char *base, const struct wr_response_head *head, uint32_t method,
                    struct wr_framing *out, struct wr_fault *fault)
{
    struct facts s = { 0 };

    if (answers_plainly(base, head, out)) {
        out->length = may_have_body(head->status, method) ? out->length : 0;
        return WR_OK;
    }
    if (collect(&s, base, head->fields, head->n_fields, &head->marks, false, fault) != WR_OK ||
        judge(&s, head->version, fault) != WR_OK) {
        fault->status = 502;
        return WR_BAD;
    }
    if (!may_have_body(head->status, method)) {
        s.f.length = 0;
    } else if (s.chunked) {
        s.f.length = WR_LENGTH_CHUNKED;
    } else if (s.f.length_given) {
        s.f.length = s.length;
    } else {
        s.f.length = WR_LENGTH_UNTIL_CLOSE;
        s.f.persistent = false;
    }
    *out = s.f;
    return WR_OK;
}
