/* wire/uri.h - the one normaliser of request paths: what a client sent becomes the one path that locations, files, the cache
 * and the log see.
 *
 * The result always begins with '/', holds no NUL, no "." or ".." segment, and no "//" when those are merged; it never names
 * anything above the root. Escaping it (wire/escape.h) and normalising that again gives it unchanged.
 */
#ifndef WR_WIRE_URI_H
#define WR_WIRE_URI_H

#include <stdbool.h>
#include <weir/base.h>

#include "base/err.h"
#include "wire/wire.h"

struct wr_uri_rules {
    bool merge_slashes; /* "//" becomes "/" */
    bool decode_slash;  /* %2f is a '/'; otherwise refused: the two ends could disagree on it */
};

/* Part a target from its arguments, as wr_uri_path does, when its path is canonical already, as it is in nearly all requests.
 * False: it is not, or is bad. */
bool wr_uri_plain(weir_str raw, weir_str *path, weir_str *args);

/*
 * Normalise the path of a request target and part it from its arguments.
 *
 * raw    an origin-form target: '/', path, and '?' with arguments if there are any
 * to     room for raw.len + 1 bytes; used only when the path must be rewritten
 * path   out: the path, in `to` or, when it was canonical already, in raw
 * args   out: what follows the first '?', in raw and as sent; absent when there is no '?', empty when nothing follows
 *
 * WR_OK, or WR_BAD with a reason (answer 400): no leading '/', a byte that cannot stand in a path, '%' without two hexadecimal
 * digits, %00, %2f unless decoded, ".." above the root. Bytes of 80 and up pass as they are. Dot segments are removed after
 * decoding, so "%2e%2e" is "..".  [RFC 3986 2.1, 5.2.4, 6.2.2]
 */
enum wr_wire wr_uri_path(weir_str raw, const struct wr_uri_rules *rules, char *to, weir_str *path,
                         weir_str *args, struct wr_err *err);

/* The value of argument `name` in args ("a=1&b=2"), not decoded: absent when it is not there, empty for "a" and "a=". The first
 * one counts; fold compares the name without case, as variables named $arg_NAME do. */
weir_str wr_uri_arg(weir_str args, weir_str name, bool fold);

#endif
