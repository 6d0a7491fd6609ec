/* wire/uri.c - path normalising: a scan that most requests end with, and a rewriting pass for the
 * others. */
#include "wire/uri.h"

#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "wire/scan.h"

/* A path under construction: out[seg..len) is the segment being read, out[seg - 1] is the '/'
 * before it. */
struct rewrite {
    char *out;
    size_t len;
    size_t seg;
    bool merge_slashes;
};

/* The segment just read is complete; last: nothing follows it. False when it climbs above the root.
 */
static bool
segment_end(struct rewrite *w, bool last)
{
    size_t n = w->len - w->seg;
    const char *s = w->out + w->seg;

    if (n == 1 && s[0] == '.') {
        w->len = w->seg;
        return true;
    }
    if (n == 2 && s[0] == '.' && s[1] == '.') {
        if (w->seg == 1) {
            return false;
        }
        w->seg--;
        while (w->out[w->seg - 1] != '/') {
            w->seg--;
        }
        w->len = w->seg;
        return true;
    }
    if (!last && (n != 0 || !w->merge_slashes)) {
        w->out[w->len] = '/';
        w->len++;
        w->seg = w->len;
    }
    return true;
}

static enum wr_wire
bad(struct wr_err *err, const char *reason)
{
    (void)wr_err_set(err, "%s", reason);
    return WR_BAD;
}

/* The byte that %XX at `at` stands for, or -1 with a reason. */
static int
decode(weir_str raw, size_t at, const struct wr_uri_rules *rules, struct wr_err *err)
{
    int high = raw.len - at > 2 ? weir_hex_digit((uint8_t)raw.data[at + 1]) : -1;
    int low = high >= 0 ? weir_hex_digit((uint8_t)raw.data[at + 2]) : -1;
    int c;

    if (low < 0) {
        (void)bad(err, "the path has a '%' without two hexadecimal digits");
        return -1;
    }
    c = high << 4 | low;
    if (c == 0) {
        (void)bad(err, "the path has an encoded NUL");
        return -1;
    }
    if (c == '/' && !rules->decode_slash) {
        (void)bad(err, "the path has an encoded slash, and \"encoded_slash\" is off");
        return -1;
    }
    return c;
}

/* Decode and clean the path; *used is where it ends in raw: at a '?' or at the end. */
static enum wr_wire
rewrite(weir_str raw, const struct wr_uri_rules *rules, struct rewrite *w, size_t *used,
        struct wr_err *err)
{
    size_t at = 1;

    while (at < raw.len && raw.data[at] != '?') {
        int c = (uint8_t)raw.data[at];

        if (c <= 0x20 || c == '#' || c == 0x7f) {
            return bad(err, "the path has a byte that must be encoded");
        }
        if (c == '%') {
            c = decode(raw, at, rules, err);
            if (c < 0) {
                return WR_BAD;
            }
            at += 2;
        }
        at++;
        if (c != '/') {
            w->out[w->len] = (char)c;
            w->len++;
        } else if (!segment_end(w, false)) {
            return bad(err, "the path climbs above the root");
        }
    }
    if (!segment_end(w, true)) {
        return bad(err, "the path climbs above the root");
    }
    *used = at;
    return WR_OK;
}

/* What follows the '?' at `used` of raw; absent when raw ends there. */
static weir_str
args_from(weir_str raw, size_t used)
{
    return used < raw.len ? (weir_str){ raw.data + used + 1, raw.len - used - 1 }
                          : (weir_str){ NULL, 0 };
}

bool
wr_uri_plain(weir_str raw, weir_str *path, weir_str *args)
{
    if (raw.len == 0 || raw.data[0] != '/') {
        return false;
    }
    const char *stop = wr_scan_path(raw.data, raw.data + raw.len);
    size_t used = (size_t)(stop - raw.data);
    if (used != raw.len && *stop != '?') {
        return false;
    }
    *path = (weir_str){ raw.data, used };
    *args = args_from(raw, used);
    return true;
}

enum wr_wire
wr_uri_path(weir_str raw, const struct wr_uri_rules *rules, char *to, weir_str *path,
            weir_str *args, struct wr_err *err)
{
    struct rewrite w = { .out = to, .len = 1, .seg = 1, .merge_slashes = rules->merge_slashes };
    size_t used;

    if (raw.len == 0 || raw.data[0] != '/') {
        return bad(err, "the path does not begin with a slash");
    }
    if (wr_uri_plain(raw, path, args)) {
        return WR_OK;
    }
    to[0] = '/';
    if (rewrite(raw, rules, &w, &used, err) != WR_OK) {
        return WR_BAD;
    }
    *path = (weir_str){ to, w.len };
    *args = args_from(raw, used);
    return WR_OK;
}

weir_str
wr_uri_arg(weir_str args, weir_str name, bool fold)
{
    while (args.len != 0) {
        weir_str pair = weir_str_cut(args, 0, weir_str_find(args, '&'));
        weir_str key = weir_str_cut(pair, 0, weir_str_find(pair, '='));

        if (fold ? weir_str_ieq(key, name) : weir_str_eq(key, name)) {
            return weir_str_cut(pair, key.len + 1, pair.len);
        }
        args = weir_str_cut(args, pair.len + 1, args.len);
    }
    return (weir_str){ NULL, 0 };
}
