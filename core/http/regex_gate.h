/* http/regex_gate.h - a few bits of what a regular expression needs, so that many of them are passed over at a glance.
 *
 * A gate has the bits of the two bytes that may stand behind the first one of a subject (which is '/' in every path) and of
 * the two at its end. Where the subject's bit is missing the expression cannot match; where it is there, it may. Of 50
 * locations by regular expressions this passes over all that the literals would, at 7 instructions each.
 */
#ifndef WR_HTTP_REGEX_GATE_H
#define WR_HTTP_REGEX_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "http/regex_literals.h"

struct wr_regex_gate {
    uint64_t head, tail;
};

/* The gate of an expression. */
struct wr_regex_gate wr_regex_gate_of(const struct wr_regex_literals *l);

/* Two bytes' bit, the same for letters of either case. */
static inline uint64_t
wr_regex_gate_bit(const char *two)
{
    uint32_t a = (uint8_t)two[0] | 0x20u, b = (uint8_t)two[1] | 0x20u;

    return UINT64_C(1) << ((a * 5 + b * 11) & 63);
}

/* The bits of a subject: a gate without them is shut. A line feed at the end may not count for '$'. */
static inline struct wr_regex_gate
wr_regex_gate_key(weir_str s)
{
    struct wr_regex_gate key = { UINT64_MAX, UINT64_MAX };

    if (s.len > 2) {
        key.head = wr_regex_gate_bit(s.data + 1);
        key.tail = s.data[s.len - 1] != '\n' ? wr_regex_gate_bit(s.data + s.len - 2) : UINT64_MAX;
    }
    return key;
}

static inline bool
wr_regex_gate_opens(const struct wr_regex_gate *gate, const struct wr_regex_gate *key)
{
    return (gate->head & key->head) != 0 && (gate->tail & key->tail) != 0;
}

#endif
