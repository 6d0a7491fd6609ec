/* wire/qvalue.c - weights are kept in thousandths: the grammar has no finer ones, and they compare exactly. */
#include "wire/qvalue.h"

#include "base/str.h"
#include "wire/field_list.h"

bool
wr_qvalue_parse(weir_str text, uint32_t *thousandths)
{
    uint32_t value, unit = 100;

    if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
        (text.len > 1 && text.data[1] != '.')) {
        return false;
    }
    value = text.data[0] == '1' ? WR_QVALUE_MAX : 0;
    for (size_t i = 2; i < text.len; i++) {
        uint8_t digit = (uint8_t)(text.data[i] - '0');
        if (digit > 9) {
            return false;
        }
        value += digit * unit;
        unit /= 10;
    }
    if (value > WR_QVALUE_MAX) {
        return false;
    }
    *thousandths = value;
    return true;
}

bool
wr_qvalue_next(weir_str *rest, weir_str *name, uint32_t *thousandths)
{
    static const weir_str q = { "q", 1 };
    weir_str element, params, key, weight;

    if (!weir_list_next(rest, &element)) {
        return false;
    }
    *name = wr_field_head(element, &params);
    *thousandths = WR_QVALUE_MAX;
    while (wr_field_param_next(&params, &key, &weight)) {
        if (weir_str_ieq(key, q)) {
            if (!wr_qvalue_parse(weight, thousandths)) {
                *thousandths = 0;
            }
            break;
        }
    }
    return true;
}

/* The name of a coding without the "x-" of its two old aliases.  [RFC 9110 8.4.1] */
static weir_str
plain_name(weir_str name)
{
    static const weir_str gzip = { "x-gzip", 6 }, compress = { "x-compress", 10 };

    if (name.len < 2 || name.data[1] != '-') {
        return name;
    }
    return weir_str_ieq(name, gzip) || weir_str_ieq(name, compress)
               ? weir_str_cut(name, 2, name.len)
               : name;
}

uint32_t
wr_qvalue_coding(weir_str accept_encoding, weir_str coding)
{
    static const weir_str identity = { "identity", 8 };
    bool is_identity = weir_str_ieq(coding, identity), has_star = false;
    uint32_t weight, star = 0;
    weir_str name;

    if (accept_encoding.data == NULL) {
        return is_identity ? WR_QVALUE_MAX : 0;
    }
    while (wr_qvalue_next(&accept_encoding, &name, &weight)) {
        name = plain_name(name);
        if (name.len == coding.len && weir_str_ieq(name, coding)) {
            return weight;
        }
        if (!has_star && name.len == 1 && name.data[0] == '*') {
            has_star = true;
            star = weight;
        }
    }
    return !has_star && is_identity ? 1 : star;
}
