/* Whatever the path, the result is canonical or refused, never longer than the input, and stays itself when it is escaped
 * and normalised again. */
#include <stdlib.h>
#include <string.h>
#include <weir/text.h>

#include "base/assert.h"
#include "base/str.h"
#include "wire/escape.h"
#include "wire/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_canonical(weir_str path, bool merged)
{
    WR_ASSERT(path.len > 0 && path.data[0] == '/');
    WR_ASSERT(memchr(path.data, 0, path.len) == NULL);
    for (size_t at = 0; at < path.len;) { /* at stands on a slash */
        weir_str rest = weir_str_cut(path, at + 1, path.len);
        weir_str segment = weir_str_cut(rest, 0, weir_str_find(rest, '/'));

        WR_ASSERT(!weir_str_eq(segment, weir_str_c(".")));
        WR_ASSERT(!weir_str_eq(segment, weir_str_c("..")));
        WR_ASSERT(!merged || segment.len != 0 || segment.len == rest.len);
        at += 1 + segment.len;
    }
}

static void
check_stays(weir_str path, const struct wr_uri_rules *rules)
{
    char *escaped = malloc(path.len * 3), *to = malloc(path.len * 3 + 1);
    struct wr_strbuf b = wr_strbuf_over(escaped, path.len * 3);
    weir_str again, args;

    WR_ASSERT(escaped != NULL && to != NULL);
    wr_escape(&b, path, WEIR_ESCAPE_URI);
    WR_ASSERT(!b.full);
    WR_ASSERT(wr_uri_path(wr_strbuf_view(&b), rules, to, &again, &args, NULL) == WR_OK);
    WR_ASSERT(weir_str_eq(again, path) && args.data == NULL);
    free(escaped);
    free(to);
}

/* The way back, written here anew. */
static void
undo(struct wr_strbuf *b, weir_str s, uint32_t kind)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];

        WR_ASSERT(c != '+' || kind != WEIR_ESCAPE_ARGS); /* it would be read as a blank */
        if (c == '%') {
            WR_ASSERT(s.len - i > 2);
            c = (char)(weir_hex_digit((uint8_t)s.data[i + 1]) << 4 |
                       weir_hex_digit((uint8_t)s.data[i + 2]));
            i += 2;
        }
        wr_strbuf_byte(b, c);
    }
}

static void
check_undo(weir_str raw, uint32_t kind)
{
    char *coded = malloc(raw.len * 6 + 1), *back = malloc(raw.len + 1);
    struct wr_strbuf b = wr_strbuf_over(coded, raw.len * 6);
    struct wr_strbuf c = wr_strbuf_over(back, raw.len);

    WR_ASSERT(coded != NULL && back != NULL);
    wr_escape(&b, raw, kind);
    WR_ASSERT(!b.full && wr_escape_keeps(raw, kind) == weir_str_eq(raw, wr_strbuf_view(&b)));
    if (kind == WEIR_ESCAPE_URI || kind == WEIR_ESCAPE_ARGS) {
        undo(&c, wr_strbuf_view(&b), kind);
        WR_ASSERT(!c.full);
        WR_ASSERT(weir_str_eq(wr_strbuf_view(&c), raw));
    }
    free(coded);
    free(back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wr_uri_rules rules;
    struct wr_err err;
    weir_str raw, path, args;
    char *to;

    if (size < 1) {
        return 0;
    }
    rules.merge_slashes = (data[0] & 1) != 0;
    rules.decode_slash = (data[0] & 2) != 0;
    raw = (weir_str){ (const char *)data + 1, size - 1 };
    to = malloc(raw.len + 1);
    WR_ASSERT(to != NULL);
    if (wr_uri_path(raw, &rules, to, &path, &args, &err) == WR_OK) {
        size_t question = weir_str_find(raw, '?');

        WR_ASSERT(path.len <= question);
        WR_ASSERT((args.data != NULL) == (question < raw.len));
        WR_ASSERT(args.data == NULL || args.len == raw.len - question - 1);
        check_canonical(path, rules.merge_slashes);
        check_stays(path, &rules);
    }
    free(to);
    for (uint32_t kind = WEIR_ESCAPE_LOG; kind <= WEIR_ESCAPE_HTML; kind++) {
        check_undo(raw, kind);
    }
    return 0;
}
