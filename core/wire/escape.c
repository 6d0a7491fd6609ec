/* wire/escape.c - runs of bytes that may stay are copied at once, the others one by one. */
#include "wire/escape.h"

#include "base/assert.h"
#include "base/num.h"

/* How many bytes at the start of a non-empty s stay as they are. */
typedef size_t (*stays_fn)(weir_str s);

/* Append what the first byte of a non-empty s becomes. */
typedef void (*write_fn)(struct wr_strbuf *b, uint8_t c);

static size_t
uri_stays(weir_str s)
{
    /* A bit for each byte of 0..7f: unreserved, sub-delims, ":", "@", "/". */
    static const uint32_t bits[4] = { 0, 0x2fffffd2, 0x87ffffff, 0x47fffffe };
    uint8_t c = (uint8_t)s.data[0];

    return c < 0x80 ? bits[c >> 5] >> (c & 31) & 1 : 0;
}

static size_t
args_stays(weir_str s)
{
    return s.data[0] == '&' || s.data[0] == '+' ? 0 : uri_stays(s);
}

static size_t
html_stays(weir_str s)
{
    char c = s.data[0];

    return c != '&' && c != '<' && c != '>' && c != '"' && c != '\'';
}

static void
html_write(struct wr_strbuf *b, uint8_t c)
{
    switch (c) {
    case '&':
        wr_strbuf_lit(b, "&amp;");
        return;
    case '<':
        wr_strbuf_lit(b, "&lt;");
        return;
    case '>':
        wr_strbuf_lit(b, "&gt;");
        return;
    case '"':
        wr_strbuf_lit(b, "&quot;");
        return;
    default:
        wr_strbuf_lit(b, "&#39;");
    }
}

static bool
is_utf8_tail(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

size_t
wr_escape_utf8(weir_str s)
{
    const uint8_t *p = (const uint8_t *)s.data;

    if (s.len == 0) {
        return 0;
    }
    if (p[0] < 0x80) {
        return 1;
    }
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        return s.len >= 2 && is_utf8_tail(p[1]) ? 2 : 0;
    }
    if ((p[0] & 0xf0) == 0xe0) {
        if (s.len < 3 || !is_utf8_tail(p[1]) || !is_utf8_tail(p[2])) {
            return 0;
        }
        /* e0 80..9f would be overlong, ed a0..bf a surrogate */
        return (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ? 0 : 3;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (s.len < 4 || !is_utf8_tail(p[1]) || !is_utf8_tail(p[2]) || !is_utf8_tail(p[3])) {
            return 0;
        }
        /* f0 80..8f would be overlong, f4 90.. past 10ffff */
        return (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ? 0 : 4;
    }
    return 0;
}

static size_t
json_stays(weir_str s)
{
    uint8_t c = (uint8_t)s.data[0];

    return c < 0x20 || c == '"' || c == '\\' ? 0 : wr_escape_utf8(s);
}

static void
json_write(struct wr_strbuf *b, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = "btn\0fr"; /* for 08..0d, but 0b */
    char coded[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

    if (c == '"' || c == '\\') {
        coded[1] = (char)c;
        wr_strbuf_bytes(b, coded, 2);
    } else if (c >= 0x08 && c <= 0x0d && letters[c - 8] != '\0') {
        coded[1] = letters[c - 8];
        wr_strbuf_bytes(b, coded, 2);
    } else {
        wr_strbuf_bytes(b, coded, sizeof(coded));
    }
}

static size_t
log_stays(weir_str s)
{
    uint8_t c = (uint8_t)s.data[0];

    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void
log_write(struct wr_strbuf *b, uint8_t c)
{
    wr_strbuf_escaped(b, (weir_str){ (const char *)&c, 1 });
}

static const struct kind {
    stays_fn stays;
    write_fn write;
    size_t worst; /* bytes that one byte becomes at most */
    bool quoted;  /* what wr_scan_quoted passes stays */
} kinds[] = {
    [WEIR_ESCAPE_LOG] = { log_stays, log_write, 4, true },
    [WEIR_ESCAPE_JSON] = { json_stays, json_write, 6, true },
    [WEIR_ESCAPE_URI] = { uri_stays, wr_strbuf_percent, 3, false },
    [WEIR_ESCAPE_ARGS] = { args_stays, wr_strbuf_percent, 3, false },
    [WEIR_ESCAPE_HTML] = { html_stays, html_write, 6, false },
};

/* From byte `at` of s to the first that changes, or s.len. */
static inline size_t
run_end(weir_str s, size_t at, const struct kind *k)
{
    while (at < s.len) {
        size_t n;
        if (k->quoted) { /* 16 bytes a step, as far as it goes: -1,700 instructions a log line */
            at = (size_t)(wr_scan_quoted(s.data + at, s.data + s.len) - s.data);
            if (at == s.len) {
                break;
            }
        }
        n = k->stays((weir_str){ s.data + at, s.len - at });
        if (n == 0) {
            break;
        }
        at += n;
    }
    return at;
}

void
wr_escape(struct wr_strbuf *b, weir_str s, uint32_t kind)
{
    size_t at = 0;

    if (kind == WEIR_ESCAPE_NONE) {
        wr_strbuf_str(b, s);
        return;
    }
    WR_ASSERT(kind < WR_COUNT(kinds));
    while (at < s.len) {
        size_t end = run_end(s, at, &kinds[kind]);
        wr_strbuf_bytes(b, s.data + at, end - at);
        if (end < s.len) {
            kinds[kind].write(b, (uint8_t)s.data[end]);
            end++;
        }
        at = end;
    }
}

bool
wr_escape_keeps(weir_str s, uint32_t kind)
{
    WR_ASSERT(kind < WR_COUNT(kinds));
    return kind == WEIR_ESCAPE_NONE || run_end(s, 0, &kinds[kind]) == s.len;
}

weir_str
weir_escape(weir_pool *pool, weir_str s, uint32_t escape)
{
    size_t room = 0;
    struct wr_strbuf b;

    if (wr_escape_keeps(s, escape)) {
        return s;
    }
    WR_ASSERT(wr_num_mul(s.len, kinds[escape].worst, &room));
    b = wr_strbuf_over(weir_alloc(pool, room), room);
    wr_escape(&b, s, escape);
    return wr_strbuf_view(&b);
}
