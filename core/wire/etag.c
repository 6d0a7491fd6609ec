/* wire/etag.c - tags are scanned by themselves and not as list elements: in them a backslash is a byte like others. */
#include "wire/etag.h"

#include "base/str.h"

/* The entity-tag at the start of *in; moves *in behind it. */
static bool
take(weir_str *in, struct wr_etag *tag)
{
    bool weak = in->len >= 2 && in->data[0] == 'W' && in->data[1] == '/';
    weir_str s = weir_str_cut(*in, weak ? 2 : 0, in->len);
    size_t n = 1;

    if (s.len < 2 || s.data[0] != '"') {
        return false;
    }
    /* etagc: visible but the quote, and all above 7f */
    while (n < s.len && (uint8_t)s.data[n] > 0x20 && s.data[n] != '"' && s.data[n] != 0x7f) {
        n++;
    }
    if (n == s.len || s.data[n] != '"') {
        return false;
    }
    *tag = (struct wr_etag){ weir_str_cut(s, 0, n + 1), weak };
    *in = weir_str_cut(s, n + 1, s.len);
    return true;
}

bool
wr_etag_parse(weir_str text, struct wr_etag *tag)
{
    struct wr_etag t;

    if (!take(&text, &t) || text.len != 0) {
        return false;
    }
    *tag = t;
    return true;
}

bool
wr_etag_is_same(struct wr_etag a, struct wr_etag b, enum wr_etag_how how)
{
    if (a.opaque.len == 0 || !weir_str_eq(a.opaque, b.opaque)) {
        return false;
    }
    return how == WR_ETAG_WEAK || (!a.weak && !b.weak);
}

/* *in behind blanks and commas. */
static void
skip_gap(weir_str *in)
{
    while (in->len != 0 && (in->data[0] == ',' || in->data[0] == ' ' || in->data[0] == '\t')) {
        in->data++;
        in->len--;
    }
}

bool
wr_etag_is_listed(weir_str list, struct wr_etag tag, enum wr_etag_how how)
{
    struct wr_etag t;

    for (skip_gap(&list); list.len != 0; skip_gap(&list)) {
        if (!take(&list, &t)) {
            return false;
        }
        if (list.len != 0 && list.data[0] != ',' && list.data[0] != ' ' && list.data[0] != '\t') {
            return false;
        }
        if (wr_etag_is_same(t, tag, how)) {
            return true;
        }
    }
    return false;
}
