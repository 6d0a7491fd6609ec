/* tests/fuzz/fuzz_framing.c - what follows from a head: framing, target, host. Accepted lengths are
 * unambiguous, parts lie inside what they are parts of, and a host that was accepted is accepted
 * again. The first byte chooses a response (odd) or a request. */
#include "heads.h"

#include <weir/request.h>
#include "base/str.h"
#include "wire/framing.h"
#include "wire/host.h"
#include "wire/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int
inside(weir_str part, weir_str whole)
{
    return part.data >= whole.data && part.data + part.len <= whole.data + whole.len;
}

static uint32_t
count(const struct wr_head_field *fields, uint32_t n, uint32_t id)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < n; i++) {
        found += fields[i].id == id;
    }
    return found;
}

static void
check_host(weir_str authority)
{
    weir_str host;
    weir_str again;
    uint32_t port;

    if (!wr_host_parse(authority, &host, &port)) {
        return;
    }
    PROPERTY(host.len != 0 && inside(host, authority) && port <= 65535);
    for (size_t i = 0; i < host.len; i++) {
        PROPERTY(host.data[i] > ' ' && host.data[i] < 0x7f);
        PROPERTY(strchr("/@?#\\\"<>^", host.data[i]) == NULL);
    }
    PROPERTY(wr_host_parse(host, &again, &port));
    PROPERTY(weir_str_eq(host, again) && port == 0);
}

static void
check_target(weir_str target, uint32_t method)
{
    struct wr_target t;
    struct wr_fault fault = { 0 };

    if (wr_target_split(target, method, &t, &fault) != WR_OK) {
        PROPERTY(fault.status == 400 && fault.reason != NULL);
        return;
    }
    switch (t.form) {
    case WR_TARGET_ORIGIN:
    case WR_TARGET_ABSOLUTE:
        PROPERTY(t.path.len != 0 && t.path.data[0] == '/');
        PROPERTY(method != WEIR_CONNECT);
        break;
    case WR_TARGET_ASTERISK:
        PROPERTY(method == WEIR_OPTIONS && weir_str_eq(t.path, WEIR_STR("*")));
        break;
    case WR_TARGET_AUTHORITY:
        PROPERTY(method == WEIR_CONNECT && t.port != 0);
        break;
    }
    if (t.host.data != NULL) {
        PROPERTY(inside(t.host, target));
        check_host(t.host);
    }
}

/* The fields that the reader noted are all there are of their names: looking at every field finds
 * no more. */
static void
check_marks(const struct wr_head_field *fields, uint32_t n, const struct wr_head_marks *marks)
{
    uint32_t framing = count(fields, n, WEIR_H_CONTENT_LENGTH) +
                       count(fields, n, WEIR_H_TRANSFER_ENCODING) +
                       count(fields, n, WEIR_H_CONNECTION) + count(fields, n, WEIR_H_EXPECT) +
                       count(fields, n, WEIR_H_HOST);

    PROPERTY(marks->n == framing);
    for (uint32_t i = 1; i < framing && i < sizeof(marks->at) / sizeof(marks->at[0]); i++) {
        PROPERTY(marks->at[i - 1] < marks->at[i] && marks->at[i] < n);
    }
}

static int
same_framing(const struct wr_framing *a, const struct wr_framing *b)
{
    return a->length == b->length && a->length_given == b->length_given && a->close == b->close &&
           a->keep_alive == b->keep_alive && a->upgrade == b->upgrade &&
           a->nominated == b->nominated && a->persistent == b->persistent &&
           a->expect_continue == b->expect_continue && a->host.data == b->host.data &&
           a->host.len == b->host.len;
}

/* Without the notes, which leaves every short cut, the verdict is the same. */
static void
check_unmarked(const char *in, struct wr_request_head head, enum wr_wire rc,
               const struct wr_framing *f)
{
    struct wr_framing again;
    struct wr_fault fault = { 0 };

    head.marks.n = UINT32_MAX;
    PROPERTY(wr_framing_request(in, &head, &again, &fault) == rc);
    PROPERTY(rc != WR_OK || same_framing(&again, f));
}

static void
check_request(const char *in, size_t len)
{
    struct wr_head_field fields[FIELDS_MAX];
    struct wr_request_head head = { .fields = fields };
    struct wr_head_limits limits = limits_of(0);
    struct wr_head_scan scan = { 0 };
    struct wr_framing f;
    struct wr_fault fault = { 0 };

    if (wr_http1_request_head(in, len, &scan, &limits, &head, &fault) != WR_OK) {
        return;
    }
    check_target((weir_str){ in + head.target_at, head.target_len }, head.method);
    uint32_t lengths = count(fields, head.n_fields, WEIR_H_CONTENT_LENGTH);
    uint32_t codings = count(fields, head.n_fields, WEIR_H_TRANSFER_ENCODING);
    uint32_t hosts = count(fields, head.n_fields, WEIR_H_HOST);
    check_marks(fields, head.n_fields, &head.marks);
    enum wr_wire rc = wr_framing_request(in, &head, &f, &fault);
    check_unmarked(in, head, rc, &f);
    if (rc != WR_OK) {
        PROPERTY(fault.status == 400 || fault.status == 417 || fault.status == 501);
        return;
    }
    PROPERTY(lengths + codings <= 1 && hosts <= 1 && (head.version == 10 || hosts == 1));
    PROPERTY(f.length >= WR_LENGTH_CHUNKED);
    PROPERTY((f.length == WR_LENGTH_CHUNKED) == (codings == 1));
    PROPERTY(f.length_given == (lengths == 1));
    PROPERTY(codings == 0 || head.version == 11);
    PROPERTY(!(f.close && f.persistent));
    if (f.host.data != NULL) {
        check_host(f.host);
    }
}

static void
check_response(const char *in, size_t len, uint32_t method)
{
    struct wr_head_field fields[FIELDS_MAX];
    struct wr_response_head head = { .fields = fields };
    struct wr_head_limits limits = limits_of(0);
    struct wr_head_scan scan = { 0 };
    struct wr_framing f;
    struct wr_fault fault = { 0 };

    if (wr_http1_response_head(in, len, &scan, &limits, &head, &fault) != WR_OK) {
        return;
    }
    check_marks(fields, head.n_fields, &head.marks);
    if (wr_framing_response(in, &head, method, &f, &fault) != WR_OK) {
        PROPERTY(fault.status == 502);
        return;
    }
    PROPERTY(f.length >= WR_LENGTH_UNTIL_CLOSE);
    PROPERTY(f.length != WR_LENGTH_UNTIL_CLOSE || !f.persistent);
    PROPERTY(method != WEIR_HEAD || f.length == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const uint32_t methods[] = { WEIR_GET, WEIR_HEAD, WEIR_POST, WEIR_CONNECT };

    if (len < 1 || len > TEXT_MAX / 2) {
        return 0;
    }
    char *in = exact_copy(bytes + 1, len - 1);
    if ((bytes[0] & 1) != 0) {
        check_response(in, len - 1, methods[bytes[0] >> 1 & 3]);
    } else {
        check_request(in, len - 1);
    }
    check_host((weir_str){ in, len - 1 });
    free(in);
    return 0;
}
