/* wire/status.c - status lines made by the compiler: one table of the known ones, one of all 500
 * with an empty phrase.
 *
 * The parts of a line stand at fixed places: "HTTP/1.1 " is 9 bytes, the digits 3, then a blank and
 * the phrase.
 */
#include "wire/status.h"

#include "base/assert.h"

#define CODE_AT    9
#define LINE_END   2
#define STATUS_MIN 100
#define STATUS_MAX 599

static const weir_str known[STATUS_MAX - STATUS_MIN + 1] = {
#define WR_STATUS(code, phrase)                                                                    \
    [code - STATUS_MIN] = { "HTTP/1.1 " #code " " phrase "\r\n",                                   \
                            sizeof("HTTP/1.1 " #code " " phrase "\r\n") - 1 },
#include "wire/status.def"
#undef WR_STATUS
};

#define BARE_LEN      15
#define BARE(h, t, u) "HTTP/1.1 " #h #t #u " \r\n"
#define BARE_TEN(h, t)                                                                             \
    BARE(h, t, 0), BARE(h, t, 1), BARE(h, t, 2), BARE(h, t, 3), BARE(h, t, 4), BARE(h, t, 5),      \
        BARE(h, t, 6), BARE(h, t, 7), BARE(h, t, 8), BARE(h, t, 9)
#define BARE_HUNDRED(h)                                                                            \
    BARE_TEN(h, 0), BARE_TEN(h, 1), BARE_TEN(h, 2), BARE_TEN(h, 3), BARE_TEN(h, 4),                \
        BARE_TEN(h, 5), BARE_TEN(h, 6), BARE_TEN(h, 7), BARE_TEN(h, 8), BARE_TEN(h, 9)

static const char bare[][BARE_LEN + 1] = { BARE_HUNDRED(1), BARE_HUNDRED(2), BARE_HUNDRED(3),
                                           BARE_HUNDRED(4), BARE_HUNDRED(5) };

_Static_assert(sizeof(bare) / sizeof(bare[0]) == STATUS_MAX - STATUS_MIN + 1, "one line a status");

weir_str
wr_status_line(uint32_t status)
{
    WR_ASSERT(status >= STATUS_MIN && status <= STATUS_MAX);
    weir_str line = known[status - STATUS_MIN];

    return line.data != NULL ? line : (weir_str){ bare[status - STATUS_MIN], BARE_LEN };
}

weir_str
wr_status_title(uint32_t status)
{
    weir_str line = wr_status_line(status);
    size_t blank = line.len == BARE_LEN ? 1 : 0;

    return (weir_str){ line.data + CODE_AT, line.len - CODE_AT - LINE_END - blank };
}
