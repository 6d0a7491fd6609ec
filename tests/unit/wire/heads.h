/* tests/unit/wire/heads.h - read a head in every way it may arrive and insist that the result is
 * one and the same.
 *
 * Each piece of input is a heap block of exactly its length, so that AddressSanitizer sees any byte
 * read past it.
 */
#ifndef WR_TESTS_UNIT_WIRE_HEADS_H
#define WR_TESTS_UNIT_WIRE_HEADS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "wire/http1_head.h"

#define FIELDS_MAX 16

static const struct wr_head_limits usual = {
    .line_max = 1024,
    .field_max = 1024,
    .head_max = 4096,
    .fields_max = FIELDS_MAX,
    .empty_max = 4,
};

struct reading {
    const char *text;
    enum wr_wire rc;
    uint32_t at_status; /* of the fault */
    const char *reason;
    struct wr_request_head request;
    struct wr_response_head response;
    struct wr_head_field fields[FIELDS_MAX];
};

enum kind { REQUEST, RESPONSE };

static inline void
read_once(struct reading *r, enum kind kind, const char *text, size_t len,
          struct wr_head_scan *scan, const struct wr_head_limits *limits)
{
    char *exact = malloc(len + (len == 0));
    struct wr_fault fault = { 0 };

    assert_non_null(exact);
    memcpy(exact, text, len);
    memset(r->fields, 0x5a, sizeof(r->fields));
    r->text = text;
    r->request = (struct wr_request_head){ .fields = r->fields };
    r->response = (struct wr_response_head){ .fields = r->fields };
    r->rc = kind == REQUEST
                ? wr_http1_request_head(exact, len, scan, limits, &r->request, &fault)
                : wr_http1_response_head(exact, len, scan, limits, &r->response, &fault);
    r->at_status = fault.status;
    r->reason = fault.reason;
    free(exact);
}

static inline void
assert_same(const struct reading *a, const struct reading *b)
{
    assert_int_equal(a->rc, b->rc);
    assert_int_equal(a->at_status, b->at_status);
    assert_ptr_equal(a->reason, b->reason);
    if (a->rc == WR_OK) {
        struct wr_request_head x = a->request;
        struct wr_response_head y = a->response;
        x.fields = b->request.fields;
        y.fields = b->response.fields;
        assert_memory_equal(&x, &b->request, sizeof(x));
        assert_memory_equal(&y, &b->response, sizeof(y));
        assert_memory_equal(a->fields, b->fields,
                            (a->request.n_fields + a->response.n_fields) * sizeof(a->fields[0]));
    }
}

/* At once, in two pieces cut at every byte, and byte by byte. A verdict other than WR_MORE must
 * never change. */
static inline struct reading
read_head(enum kind kind, const char *text, size_t len, const struct wr_head_limits *limits)
{
    struct reading whole;
    struct reading drip = { .rc = WR_MORE };
    struct wr_head_scan scan = { 0 };

    read_once(&whole, kind, text, len, &scan, limits);
    if (whole.rc == WR_OK) {
        assert_int_equal(scan.at, 0);
    }
    for (size_t cut = 0; cut < len; cut++) {
        struct reading part;
        struct wr_head_scan two = { 0 };
        read_once(&part, kind, text, cut, &two, limits);
        if (part.rc == WR_MORE) {
            read_once(&part, kind, text, len, &two, limits);
        }
        assert_same(&part, &whole);
    }
    scan = (struct wr_head_scan){ 0 };
    for (size_t n = 0; n <= len && drip.rc == WR_MORE; n++) {
        read_once(&drip, kind, text, n, &scan, limits);
    }
    assert_same(&drip, &whole);
    whole.request.fields = whole.response.fields = NULL; /* whole moves: use .fields */
    return whole;
}

static inline struct reading
read_request(const char *text)
{
    return read_head(REQUEST, text, strlen(text), &usual);
}

static inline struct reading
read_response(const char *text)
{
    return read_head(RESPONSE, text, strlen(text), &usual);
}

static inline void
assert_refused(const char *text, uint32_t status)
{
    struct reading r = read_request(text);

    if (r.rc != WR_BAD || r.at_status != status) {
        print_error("not refused with %u but %d %u: %s\n", status, (int)r.rc, r.at_status, text);
    }
    assert_int_equal(r.rc, WR_BAD);
    assert_int_equal(r.at_status, status);
    assert_non_null(r.reason);
}

static inline void
assert_slice(const char *text, uint32_t at, uint32_t len, const char *want)
{
    assert_int_equal(len, strlen(want));
    assert_memory_equal(text + at, want, len);
}

static inline void
assert_field(const struct reading *r, size_t i, const char *name, const char *value)
{
    assert_slice(r->text, r->fields[i].name_at, r->fields[i].name_len, name);
    assert_slice(r->text, r->fields[i].value_at, r->fields[i].value_len, value);
}

#endif
