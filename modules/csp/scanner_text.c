/* scanner_text.c - raw text and its end, and the escapes of scripts. */
#include "states.h"

/* An end tag's name in raw text: does it end the element? */
static bool
step_raw_end(struct scanner *s, uint8_t c, enum scan_event *what)
{
    if (s->state == RAW_END_OPEN) {
        if (!weir_is_letter(c)) {
            return again_in(s, s->back_to);
        }
        begin_tag(s, true);
        s->state = RAW_END_NAME;
        return false;
    }
    if (weir_is_letter(c)) {
        add_to_name(s, c);
        return true;
    }
    if ((!is_space(c) && c != '/' && c != '>') ||
        !weir_str_eq(name_of(s), (weir_str){ s->raw, s->n_raw })) {
        return again_in(s, s->back_to);
    }
    if (s->in_text) {
        s->in_text = false;
        s->begin = 2u + s->n_name;
        *what = SCAN_TEXT_ENDED;
    }
    return again_in(s, TAG_NAME);
}

static bool
step_less(struct scanner *s, uint8_t c)
{
    uint8_t back = s->state == RAW_LESS ? RAW : s->state == SCRIPT_LESS ? SCRIPT : ESCAPED;

    s->back_to = back;
    if (c == '/') {
        return step_to(s, RAW_END_OPEN);
    }
    if (back == SCRIPT && c == '!') {
        return step_to(s, ESCAPE_START);
    }
    if (back == ESCAPED && weir_is_letter(c)) {
        begin_name(s);
        return again_in(s, DOUBLE_START);
    }
    return again_in(s, back);
}

/* The name behind '<' or "</" in an escaped script: "script" leads into the double escape, or out
 * of it. */
static bool
step_double_name(struct scanner *s, uint8_t c)
{
    bool is_start = s->state == DOUBLE_START;

    if (weir_is_letter(c)) {
        add_to_name(s, c);
        return true;
    }
    if (!is_space(c) && c != '/' && c != '>') {
        return again_in(s, is_start ? ESCAPED : DOUBLE);
    }
    return step_to(s, weir_str_eq(name_of(s), WEIR_STR("script")) == is_start ? DOUBLE : ESCAPED);
}

/* "<!--" in a script, and what follows it. */
static bool
step_escaped(struct scanner *s, uint8_t c)
{
    bool twice = s->state >= DOUBLE;

    switch (s->state) {
    case ESCAPE_START:
        return c == '-' ? step_to(s, ESCAPE_START_DASH) : again_in(s, SCRIPT);
    case ESCAPE_START_DASH:
        return c == '-' ? step_to(s, ESCAPED_DASH_DASH) : again_in(s, SCRIPT);
    case DOUBLE_START:
    case DOUBLE_END:
        return step_double_name(s, c);
    case DOUBLE_LESS:
        begin_name(s);
        return c == '/' ? step_to(s, DOUBLE_END) : again_in(s, DOUBLE);
    case ESCAPED_DASH_DASH:
    case DOUBLE_DASH_DASH:
        if (c == '-' || c == '>') {
            s->state = c == '>' ? SCRIPT : s->state;
            return true;
        }
        break;
    case ESCAPED_DASH:
    case DOUBLE_DASH:
        if (c == '-') {
            return step_to(s, twice ? DOUBLE_DASH_DASH : ESCAPED_DASH_DASH);
        }
        break;
    default:
        if (c == '-') {
            return step_to(s, twice ? DOUBLE_DASH : ESCAPED_DASH);
        }
        break;
    }
    return step_to(s, c == '<' ? (twice ? DOUBLE_LESS : ESCAPED_LESS) : (twice ? DOUBLE : ESCAPED));
}

bool
scanner_step_text(struct scanner *s, uint8_t c, enum scan_event *what)
{
    switch (s->state) {
    case RAW_LESS:
    case SCRIPT_LESS:
    case ESCAPED_LESS:
        return step_less(s, c);
    case RAW_END_OPEN:
    case RAW_END_NAME:
        return step_raw_end(s, c, what);
    default:
        return step_escaped(s, c);
    }
}
