/* csp/states.h - the states of the scanner, and what its files share. The files: scanner.c has the
 * loop, data and comments, scanner_tag.c tags and SVG, scanner_skip.c the fast way past most tags,
 * scanner_text.c raw text and scripts, scanner_head.c the place where the head begins.
 *
 * A step takes one byte and says whether it has used it; if not, the byte is for the state that the
 * step has left.
 */
#ifndef CSP_STATES_H
#define CSP_STATES_H

#include "scanner.h"

enum state {
    DATA,
    TAG_OPEN,
    END_TAG_OPEN,
    TAG_NAME,
    BEFORE_ATTRIBUTE,
    ATTRIBUTE_NAME,
    AFTER_NAME,
    BEFORE_VALUE,
    VALUE_DOUBLE,
    VALUE_SINGLE,
    VALUE_UNQUOTED,
    AFTER_VALUE,
    SELF_CLOSING,
    BOGUS_COMMENT,
    MARKUP,
    MARKUP_DASH,
    MARKUP_CDATA,
    COMMENT_START,
    COMMENT_START_DASH,
    COMMENT,
    COMMENT_END_DASH,
    COMMENT_END,
    COMMENT_END_BANG,
    CDATA,
    PLAIN,
    RAW, /* RCDATA, RAWTEXT */
    SCRIPT,
    RAW_LESS, /* '<' in RAW */
    SCRIPT_LESS,
    RAW_END_OPEN, /* "</"; back_to says in what */
    RAW_END_NAME,
    ESCAPE_START, /* "<!" */
    ESCAPE_START_DASH,
    ESCAPED,
    ESCAPED_DASH,
    ESCAPED_DASH_DASH,
    ESCAPED_LESS,
    DOUBLE_START,
    DOUBLE,
    DOUBLE_DASH,
    DOUBLE_DASH_DASH,
    DOUBLE_LESS,
    DOUBLE_END
};

static inline bool
is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static inline weir_str
name_of(const struct scanner *s)
{
    return (weir_str){ s->name, s->n_name };
}

static inline void
begin_name(struct scanner *s)
{
    s->n_name = 0;
    s->name_hash = 2166136261u;
}

static inline void
add_to_name(struct scanner *s, uint8_t c)
{
    if (s->n_name < SCAN_NAME_MAX) {
        s->name[s->n_name++] = (char)weir_lower(c);
    }
    s->name_hash = (s->name_hash ^ weir_lower(c)) * 16777619u;
}

static inline void
begin_tag(struct scanner *s, bool is_end)
{
    begin_name(s);
    s->is_end = is_end;
    s->closes_self = s->is_candidate = s->has_nonce = s->has_src = s->is_doubtful = false;
    s->state = TAG_NAME;
}

static inline bool
step_to(struct scanner *s, enum state state)
{
    s->state = (uint8_t)state;
    return true;
}

static inline bool
again_in(struct scanner *s, enum state state)
{
    s->state = (uint8_t)state;
    return false;
}

/* Does SVG or MathML go on here, in which "<![CDATA[" begins text? */
bool scanner_in_foreign(const struct scanner *s);

/* Past the tags from the '<' at `at` on that change nothing: where the first stands that may, in
 * the data state; len: there is none. Only while neither SVG nor MathML is open. */
size_t scanner_skip_tags(const uint8_t *data, size_t at, size_t len);

/* While the head is sought: look at the step that was made from the state `was` at c, and used it
 * or not. */
void scanner_seek_head(struct scanner *s, uint8_t was, uint8_t c, bool used, enum scan_event *what);

/* The steps of TAG_NAME to SELF_CLOSING. */
bool scanner_step_tag(struct scanner *s, uint8_t c, enum scan_event *what);

/* The steps of RAW_LESS to DOUBLE_END. */
bool scanner_step_text(struct scanner *s, uint8_t c, enum scan_event *what);

#endif
