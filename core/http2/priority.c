/* http2/priority.c - the priority of an answer, as the client wishes it: "u=3, i". [RFC 9218 4]
 *
 * A dictionary of structured fields, of which only two keys mean anything here: a digit, and a flag. Whatever is not of that
 * form is left alone, as the standard has it.
 */
#include "base/str.h"
#include "http2/http2.h"

/* The next member of the list, without blanks around it; *rest is what follows its comma. */
static weir_str
next_member(weir_str *rest)
{
    size_t comma = weir_str_find(*rest, ',');
    weir_str member = weir_str_trim(weir_str_cut(*rest, 0, comma));

    *rest = weir_str_cut(*rest, comma + 1, SIZE_MAX);
    return weir_str_trim(weir_str_cut(member, 0, weir_str_find(member, ';')));
}

void
wr_priority_parse(weir_str value, uint8_t *urgency, bool *incremental)
{
    while (value.len != 0) {
        weir_str member = next_member(&value);
        if (member.len == 3 && member.data[0] == 'u' && member.data[1] == '=' &&
            member.data[2] >= '0' && member.data[2] <= '7') {
            *urgency = (uint8_t)(member.data[2] - '0');
        } else if (weir_str_eq(member, WEIR_STR("i")) || weir_str_eq(member, WEIR_STR("i=?1"))) {
            *incremental = true;
        } else if (weir_str_eq(member, WEIR_STR("i=?0"))) {
            *incremental = false;
        }
    }
}
