/* scanner.c - the states of the HTML tokenizer, a byte at a time where it matters and by memchr
 * where it does not.
 *
 * States that differ in parse errors alone are one here: a DOCTYPE ends at the first '>' whatever
 * stands in it, as a bogus comment does, and a '<' in a comment changes nothing about its end.
 */
#include "states.h"

static bool
step_open(struct scanner *s, uint8_t c)
{
    if (s->state == TAG_OPEN) {
        if (weir_is_letter(c)) {
            begin_tag(s, false);
            return false;
        }
        return c == '!'   ? step_to(s, MARKUP)
               : c == '/' ? step_to(s, END_TAG_OPEN)
               : c == '?' ? step_to(s, BOGUS_COMMENT)
                          : again_in(s, DATA);
    }
    if (weir_is_letter(c)) {
        begin_tag(s, true);
        return false;
    }
    return c == '>' ? step_to(s, DATA) : again_in(s, BOGUS_COMMENT);
}

static bool
step_markup(struct scanner *s, uint8_t c)
{
    static const char cdata[] = "[CDATA[";

    if (s->state == MARKUP) {
        s->matched = 1;
        return c == '-'   ? step_to(s, MARKUP_DASH)
               : c == '[' ? step_to(s, MARKUP_CDATA)
                          : again_in(s, BOGUS_COMMENT);
    }
    if (s->state == MARKUP_DASH) {
        return c == '-' ? step_to(s, COMMENT_START) : again_in(s, BOGUS_COMMENT);
    }
    if (c != (uint8_t)cdata[s->matched]) {
        return again_in(s, BOGUS_COMMENT);
    }
    if (cdata[++s->matched] == '\0') {
        s->matched = 0;
        s->state = scanner_in_foreign(s) ? CDATA : BOGUS_COMMENT;
    }
    return true;
}

static bool
step_comment(struct scanner *s, uint8_t c)
{
    switch (s->state) {
    case COMMENT_START:
        return c == '-'   ? step_to(s, COMMENT_START_DASH)
               : c == '>' ? step_to(s, DATA)
                          : again_in(s, COMMENT);
    case COMMENT_START_DASH:
        return c == '-'   ? step_to(s, COMMENT_END)
               : c == '>' ? step_to(s, DATA)
                          : again_in(s, COMMENT);
    case COMMENT_END_DASH:
        return c == '-' ? step_to(s, COMMENT_END) : again_in(s, COMMENT);
    case COMMENT_END:
        return c == '>'   ? step_to(s, DATA)
               : c == '!' ? step_to(s, COMMENT_END_BANG)
               : c == '-' ? true
                          : again_in(s, COMMENT);
    case COMMENT_END_BANG:
        return c == '-'   ? step_to(s, COMMENT_END_DASH)
               : c == '>' ? step_to(s, DATA)
                          : again_in(s, COMMENT);
    default:
        return c == '-' ? step_to(s, COMMENT_END_DASH) : true;
    }
}

/* "]]>" */
static bool
step_cdata(struct scanner *s, uint8_t c)
{
    if (c == '>' && s->matched == 2) {
        s->state = DATA;
    }
    s->matched = c == ']' ? (uint8_t)(s->matched < 2 ? s->matched + 1 : 2) : 0;
    return true;
}

static bool
step(struct scanner *s, uint8_t c, enum scan_event *what)
{
    if (s->state >= TAG_NAME && s->state <= SELF_CLOSING) {
        return scanner_step_tag(s, c, what);
    }
    if (s->state <= END_TAG_OPEN) {
        return s->state == DATA ? step_to(s, c == '<' ? TAG_OPEN : DATA) : step_open(s, c);
    }
    if (s->state >= MARKUP && s->state <= MARKUP_CDATA) {
        return step_markup(s, c);
    }
    if (s->state >= COMMENT_START && s->state <= COMMENT_END_BANG) {
        return step_comment(s, c);
    }
    switch (s->state) {
    case BOGUS_COMMENT:
        return c == '>' ? step_to(s, DATA) : true;
    case CDATA:
        return step_cdata(s, c);
    case PLAIN:
        return true;
    case RAW:
        return c == '<' ? step_to(s, RAW_LESS) : true;
    case SCRIPT:
        return c == '<' ? step_to(s, SCRIPT_LESS) : true;
    default:
        return scanner_step_text(s, c, what);
    }
}

/* The byte that this state waits for; -1: each one matters. */
static int
awaited(const struct scanner *s)
{
    switch (s->state) {
    case DATA:
        return s->seeks_head ? -1 : '<';
    case RAW:
    case SCRIPT:
        return '<';
    case BOGUS_COMMENT:
        return '>';
    case COMMENT:
        return '-';
    case VALUE_DOUBLE:
        return s->is_candidate ? -1 : '"';
    case VALUE_SINGLE:
        return s->is_candidate ? -1 : '\'';
    default:
        return -1;
    }
}

void
scanner_init(struct scanner *s, const struct scan_marker *marker)
{
    *s = (struct scanner){ .marker = marker };
}

size_t
scanner_run(struct scanner *s, const uint8_t *data, size_t len, enum scan_event *what)
{
    size_t i = 0;

    *what = SCAN_END;
    while (i < len) {
        int c = awaited(s);
        if (s->is_lost || s->state == PLAIN) {
            return len;
        }
        if (c >= 0) {
            const uint8_t *at = memchr(data + i, c, len - i);
            if (at == NULL) {
                return len;
            }
            i = (size_t)(at - data);
            if (s->state == DATA && s->n_foreign == 0) {
                i = scanner_skip_tags(data, i, len);
                if (i == len) {
                    return len;
                }
            }
        }
        uint8_t was = s->state, byte = data[i];
        bool used = step(s, byte, what);
        i += used;
        if (s->seeks_head) {
            scanner_seek_head(s, was, byte, used, what);
        }
        if (*what != SCAN_END) {
            return i;
        }
    }
    return i;
}
