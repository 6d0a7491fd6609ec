/* conf/suggest.c - edit distance with swaps (Damerau's, each part edited once), given up as soon as
 * it gets too far. */
#include "conf/suggest.h"

#include "base/assert.h"

enum { WORD_MAX = 64 };

uint32_t
wr_suggest_distance(weir_str a, weir_str b, uint32_t max)
{
    uint8_t rows[3][WORD_MAX + 1];
    uint8_t *two_up = rows[0], *up = rows[1], *row = rows[2];

    WR_ASSERT(a.len <= WORD_MAX && b.len <= WORD_MAX);
    if ((a.len > b.len ? a.len - b.len : b.len - a.len) > max) {
        return max + 1;
    }
    for (size_t j = 0; j <= b.len; j++) {
        up[j] = (uint8_t)j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        uint8_t least = row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b.len; j++) {
            uint8_t d = (uint8_t)(up[j - 1] + (a.data[i - 1] != b.data[j - 1]));
            d = (uint8_t)WR_MIN(d, WR_MIN(up[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
                a.data[i - 2] == b.data[j - 1]) {
                d = (uint8_t)WR_MIN(d, two_up[j - 2] + 1);
            }
            row[j] = d;
            least = WR_MIN(least, d);
        }
        if (least > max) {
            return max + 1;
        }
        uint8_t *free_row = two_up;
        two_up = up;
        up = row;
        row = free_row;
    }
    return WR_MIN((uint32_t)up[b.len], max + 1);
}

void
wr_suggest_init(struct wr_suggest *s, weir_str word)
{
    /* One edit for short words, up to three for long ones: more would offer words that have nothing
     * to do with it. */
    uint32_t edits = word.len > WORD_MAX || word.len < 2 ? 0
                     : word.len < 5                      ? 1
                     : word.len < 9                      ? 2
                                                         : 3;

    *s = (struct wr_suggest){ .word = word, .distance = edits + 1 };
}

void
wr_suggest_add(struct wr_suggest *s, const char *name)
{
    weir_str candidate = weir_str_c(name);
    uint32_t d;

    if (s->distance == 1 || candidate.len > WORD_MAX) { /* only the very word could be nearer */
        return;
    }
    d = wr_suggest_distance(s->word, candidate, s->distance - 1);
    if (d < s->distance) {
        s->distance = d;
        s->best = name;
    }
}
