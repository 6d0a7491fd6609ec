/* http/regex_gate.c - the gate of an expression, from its literals. */
#include "http/regex_gate.h"

static uint64_t
head_bit(weir_str start)
{
    return start.len > 2 ? wr_regex_gate_bit(start.data + 1) : UINT64_MAX;
}

static uint64_t
tail_bit(weir_str end)
{
    return end.len > 1 ? wr_regex_gate_bit(end.data + end.len - 2) : UINT64_MAX;
}

/* The bits of any one of them. */
static uint64_t
bits_of(const struct wr_regex_choices *c, uint64_t (*bit)(weir_str s))
{
    uint64_t bits = c->n != 0 ? 0 : UINT64_MAX;

    for (uint32_t i = 0; i < c->n; i++) {
        bits |= bit(c->at[i]);
    }
    return bits;
}

struct wr_regex_gate
wr_regex_gate_of(const struct wr_regex_literals *l)
{
    return (struct wr_regex_gate){ .head = head_bit(l->start) & bits_of(&l->starts, head_bit),
                                   .tail = tail_bit(l->end) & bits_of(&l->ends, tail_bit) };
}
