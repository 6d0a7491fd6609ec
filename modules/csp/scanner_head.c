/* scanner_head.c - where the head's first element goes: behind <head>, or, where the page has no
 * such tag, before the first thing that makes a browser think of one.
 *
 * Before it there are comments, DOCTYPEs, white space and <html> alone. [HTML 13.2.6.4.1 to .3] A
 * tag that may be that first thing is kept back until its name is told from "html" and "head".
 */
#include "states.h"

static void
found(struct scanner *s, size_t back, enum scan_event *what)
{
    s->begin = s->end = back;
    s->held = 0;
    s->seeks_head = false;
    *what = SCAN_HEAD;
}

/* A byte of text. The mark of UTF-8 is none where the page begins. */
static void
seek_in_data(struct scanner *s, uint8_t c, enum scan_event *what)
{
    static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };

    if (s->n_mark < sizeof(mark) && c == mark[s->n_mark]) {
        s->n_mark++;
        s->held = s->n_mark < sizeof(mark) ? s->n_mark : 0;
        return;
    }
    if (s->held != 0 || (c != '<' && !is_space(c))) {
        found(s, s->held + 1, what);
        return;
    }
    s->n_mark = sizeof(mark);
    s->held = c == '<';
}

/* A byte of a start tag's name, or behind it. */
static void
seek_in_name(struct scanner *s, uint8_t c, enum scan_event *what)
{
    bool is_head = weir_str_eq(name_of(s), WEIR_STR("head"));

    s->held++;
    if (!is_space(c) && c != '/' && c != '>') {
        if (s->n_name > 4) {
            found(s, s->held, what);
        }
        return;
    }
    if (!is_head && !weir_str_eq(name_of(s), WEIR_STR("html"))) {
        found(s, s->held, what);
        return;
    }
    s->held = 0;
    s->in_head_tag = is_head;
}

void
scanner_seek_head(struct scanner *s, uint8_t was, uint8_t c, bool used, enum scan_event *what)
{
    if (was == DATA) {
        seek_in_data(s, c, what);
    } else if (was == TAG_OPEN && used) {
        s->held = c == '/' ? 2 : 0; /* else a comment */
    } else if (was == TAG_OPEN && s->state == DATA) {
        found(s, s->held, what); /* '<' was text */
    } else if (was == END_TAG_OPEN && s->state == TAG_NAME) {
        found(s, s->held, what);
    } else if (was == END_TAG_OPEN) {
        s->held = 0;
    } else if (was == TAG_NAME && used) {
        seek_in_name(s, c, what);
    }
    if (s->in_head_tag && s->seeks_head && s->state == DATA) {
        found(s, 0, what);
    }
}
