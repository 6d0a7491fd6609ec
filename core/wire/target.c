/* wire/target.c - request targets: which form, which host, which path. */
#include "wire/target.h"

#include <weir/request.h>
#include "base/assert.h"
#include "base/str.h"
#include "wire/host.h"

/* Bytes of "http://" or "https://" that target begins with, in any case; 0 for neither. */
static size_t
scheme_len(weir_str target)
{
    if (weir_str_ieq(weir_str_cut(target, 0, 7), WEIR_STR("http://"))) {
        return 7;
    }
    return weir_str_ieq(weir_str_cut(target, 0, 8), WEIR_STR("https://")) ? 8 : 0;
}

static enum wr_wire
split_absolute(weir_str target, uint32_t method, struct wr_target *out, struct wr_fault *fault)
{
    struct wr_target t = { .form = WR_TARGET_ABSOLUTE };
    size_t scheme = scheme_len(target);
    size_t end = scheme;

    if (scheme == 0) {
        return wr_fault_set(fault, 400, "request target is neither a path nor an http URI");
    }
    while (end < target.len && target.data[end] != '/' && target.data[end] != '?') {
        end++;
    }
    if (!wr_host_parse(weir_str_cut(target, scheme, end - scheme), &t.host, &t.port)) {
        return wr_fault_set(fault, 400, "malformed host in the request target");
    }
    t.https = scheme == 8;
    if (end == target.len) {
        t.path = method == WEIR_OPTIONS ? WEIR_STR("*") : WEIR_STR("/");
        t.form = method == WEIR_OPTIONS ? WR_TARGET_ASTERISK : WR_TARGET_ABSOLUTE;
    } else if (target.data[end] == '/') {
        t.path = weir_str_cut(target, end, target.len);
    } else {
        t.path = WEIR_STR("/");
        t.query = weir_str_cut(target, end + 1, target.len);
    }
    *out = t;
    return WR_OK;
}

static enum wr_wire
split_authority(weir_str target, struct wr_target *out, struct wr_fault *fault)
{
    struct wr_target t = { .form = WR_TARGET_AUTHORITY };

    if (!wr_host_parse(target, &t.host, &t.port) || t.port == 0) {
        return wr_fault_set(fault, 400, "target of CONNECT is not host:port");
    }
    *out = t;
    return WR_OK;
}

/* Every form but a path. */
static enum wr_wire
split_other(weir_str target, uint32_t method, struct wr_target *out, struct wr_fault *fault)
{
    if (method == WEIR_CONNECT) {
        return split_authority(target, out, fault);
    }
    if (weir_str_eq(target, WEIR_STR("*"))) {
        if (method != WEIR_OPTIONS) {
            return wr_fault_set(fault, 400, "target * with a method other than OPTIONS");
        }
        *out = (struct wr_target){ .form = WR_TARGET_ASTERISK, .path = target };
        return WR_OK;
    }
    return split_absolute(target, method, out, fault);
}

enum wr_wire
wr_target_split(weir_str target, uint32_t method, struct wr_target *out, struct wr_fault *fault)
{
    if (WR_LIKELY(method != WEIR_CONNECT && target.len != 0 && target.data[0] == '/')) {
        *out = (struct wr_target){ .form = WR_TARGET_ORIGIN, .path = target };
        return WR_OK;
    }
    return split_other(target, method, out, fault);
}
