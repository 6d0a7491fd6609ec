/* Pages on their way through the scanner: what comes out is what went in but for the markers, the same for every cut, as is the state
 * at the end; a nonce goes nowhere but into a start tag of script, style or link; and what is kept back is bounded. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#include "../modules/csp/elements.c"
#include "../modules/csp/scanner.c"
#include "../modules/csp/scanner_head.c"
#include "../modules/csp/scanner_skip.c"
#include "../modules/csp/scanner_tag.c"
#include "../modules/csp/scanner_text.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MARKS_MAX = 256 };

/* Where markers were found. */
struct marks {
    struct {
        size_t begin, end;
        enum scan_event what;
    } at[MARKS_MAX];
    size_t n;
    size_t head;  /* where it begins; SIZE_MAX: nowhere */
    uint32_t end; /* the state the page ends in, and what is open there */
};

static const struct scan_marker marker = { .name = { "n", 1 } };
static const struct scan_marker secret = { .name = { "n", 1 }, .value = { "s", 1 } };

/* Scan in pieces of `cut` bytes. */
static void
scan(const struct scan_marker *m, const uint8_t *data, size_t size, size_t cut, struct marks *marks)
{
    struct scanner s;
    enum scan_event what;
    size_t floor = 0; /* no marker lies before it: it has been sent */

    scanner_init(&s, m);
    s.seeks_head = m != &marker;
    marks->n = 0;
    marks->head = SIZE_MAX;
    for (size_t piece = 0; piece < size; piece += cut) {
        size_t end = size - piece < cut ? size : piece + cut;
        for (size_t at = piece; at < end;) {
            at += scanner_run(&s, data + at, end - at, &what);
            WR_ASSERT(at <= end && (what != SCAN_END || at == end));
            if (what == SCAN_HEAD) {
                WR_ASSERT(marks->head == SIZE_MAX && s.begin <= at - floor && s.end == s.begin);
                floor = marks->head = at - s.begin;
            }
            if (what != SCAN_STAMP && what != SCAN_STRIP) {
                continue;
            }
            WR_ASSERT(s.begin <= at - floor && s.end < s.begin && s.held == 0);
            floor = at - s.end;
            if (marks->n < MARKS_MAX) {
                marks->at[marks->n].begin = at - s.begin;
                marks->at[marks->n].end = at - s.end;
                marks->at[marks->n++].what = what;
            }
        }
        WR_ASSERT(s.held <= SCAN_HELD_MAX && s.held <= end - floor);
        floor = end - s.held;
    }
    marks->end = s.is_lost ? UINT32_MAX
                           : (uint32_t)s.state | (uint32_t)s.n_foreign << 8 | (uint32_t)s.in_text << 16;
}

static bool
is_name(const uint8_t *p, size_t n, const char *name)
{
    return n == strlen(name) && strncasecmp((const char *)p, name, n) == 0;
}

/* Is there a '<' before the marker with one of the names behind it, and no '>' between outside of quotes? */
static bool
stands_in_tag(const uint8_t *data, size_t at)
{
    for (size_t i = at; i-- != 0;) {
        size_t n = 1;
        if (data[i] != '<') {
            continue;
        }
        while (i + n < at && weir_is_letter(data[i + n])) {
            n++;
        }
        if (is_name(data + i + 1, n - 1, "script") || is_name(data + i + 1, n - 1, "style") ||
            is_name(data + i + 1, n - 1, "link")) {
            return i + n < at && (is_space(data[i + n]) || data[i + n] == '/');
        }
        return false; /* a tag with a '<' in it is not stamped */
    }
    return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct marks whole, cut;

    for (int with_secret = 0; with_secret < 2; with_secret++) {
        const struct scan_marker *m = with_secret ? &secret : &marker;
        scan(m, data, size, size + 1, &whole);
        for (size_t n = 1; n <= 7; n += 2) {
            scan(m, data, size, n, &cut);
            WR_ASSERT(cut.end == whole.end && cut.head == whole.head);
            WR_ASSERT(cut.n == whole.n && memcmp(cut.at, whole.at, whole.n * sizeof(whole.at[0])) == 0);
        }
        for (size_t i = 0; i < whole.n; i++) {
            const uint8_t *from = data + whole.at[i].begin;
            WR_ASSERT((*from | 0x20) == 'n');
            WR_ASSERT(whole.at[i].what == SCAN_STRIP || stands_in_tag(data, whole.at[i].begin));
            WR_ASSERT(!with_secret ||
                      memchr(from, 's', whole.at[i].end - whole.at[i].begin) != NULL);
        }
    }
    return 0;
}
