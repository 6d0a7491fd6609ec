/* slice/span.c - spans of bytes, as Range and Content-Range say them. */
#include "slice.h"

static bool
take_number(weir_str *in, uint64_t *n)
{
    size_t digits = 0;
    uint64_t value = 0;

    for (; digits < in->len && in->data[digits] >= '0' && in->data[digits] <= '9'; digits++) {
        if (digits == 18) {
            return false;
        }
        value = value * 10 + (uint64_t)(in->data[digits] - '0');
    }
    in->data += digits;
    in->len -= digits;
    *n = value;
    return digits != 0;
}

bool
span_parse_content(weir_str in, struct span *span, uint64_t *total)
{
    uint64_t first, last;

    if (!weir_str_after(in, WEIR_STR("bytes "), &in) || !take_number(&in, &first) ||
        !weir_str_after(in, WEIR_STR("-"), &in) || !take_number(&in, &last) ||
        !weir_str_after(in, WEIR_STR("/"), &in) || !take_number(&in, total) || in.len != 0 ||
        first > last || last >= *total) {
        return false;
    }
    *span = (struct span){ first, last + 1 };
    return true;
}

weir_str
span_print_content(weir_pool *pool, const struct span *span, uint64_t total)
{
    return weir_print(pool, "bytes %llu-%llu/%llu", (unsigned long long)span->from,
                      (unsigned long long)(span->to - 1), (unsigned long long)total);
}

bool
span_parse_wanted(weir_str in, uint64_t total, struct span *span)
{
    uint64_t first, last;

    if (!weir_str_after(in, WEIR_STR("bytes="), &in)) {
        return false;
    }
    if (weir_str_after(in, WEIR_STR("-"), &in)) {
        if (!take_number(&in, &last) || in.len != 0 || last == 0) {
            return false;
        }
        *span = (struct span){ last < total ? total - last : 0, total };
        return true;
    }
    if (!take_number(&in, &first) || !weir_str_after(in, WEIR_STR("-"), &in) || first >= total) {
        return false;
    }
    if (in.len == 0) {
        *span = (struct span){ first, total };
        return true;
    }
    if (!take_number(&in, &last) || in.len != 0 || last < first) {
        return false;
    }
    *span = (struct span){ first, last < total ? last + 1 : total };
    return true;
}

uint64_t
span_first(weir_str in)
{
    uint64_t first, last;

    if (!weir_str_after(in, WEIR_STR("bytes="), &in) || !take_number(&in, &first) ||
        !weir_str_after(in, WEIR_STR("-"), &in)) {
        return 0;
    }
    return in.len == 0 || (take_number(&in, &last) && in.len == 0) ? first : 0;
}
