/* scanner_tag.c - tags: their names and attributes, the marker among these, what they do to SVG,
 * MathML and raw text.
 */
#include "elements.h"
#include "states.h"

/* Of scanner.foreign: the name's hash with two bits for these. */
enum { FOREIGN_HTML = 1u, FOREIGN_MATH = 2u, FOREIGN_BITS = 3u };

static void
name_complete(struct scanner *s)
{
    s->is_candidate = !s->is_end && element_among(" script style link ", name_of(s));
}

/* ---- SVG and MathML. ---- */

static uint32_t
foreign_top(const struct scanner *s)
{
    return s->n_foreign != 0 ? s->foreign[s->n_foreign - 1] : FOREIGN_HTML;
}

bool
scanner_in_foreign(const struct scanner *s)
{
    return !(foreign_top(s) & FOREIGN_HTML);
}

static void
push_foreign(struct scanner *s, uint32_t bits)
{
    if (s->n_foreign == SCAN_FOREIGN_MAX) {
        s->is_lost = true;
        return;
    }
    s->foreign[s->n_foreign++] = (s->name_hash & ~(uint32_t)FOREIGN_BITS) | bits;
}

static void
break_out(struct scanner *s)
{
    while (s->n_foreign != 0 && scanner_in_foreign(s)) {
        s->n_foreign--;
    }
}

/* A start tag in SVG or MathML. Whether font or annotation-xml lead out of it depends on
 * attributes. */
static void
start_in_foreign(struct scanner *s)
{
    uint32_t math = foreign_top(s) & FOREIGN_MATH;
    weir_str name = name_of(s);

    if (element_among(" font annotation-xml mglyph malignmark ", name)) {
        s->is_lost = true;
    } else if (!s->closes_self) {
        bool html = element_among(math ? elements_math_html : elements_svg_html, name);
        push_foreign(s, math | (html ? FOREIGN_HTML : 0));
    }
}

static bool
is_foreign_named(const struct scanner *s, uint32_t i)
{
    return ((s->foreign[i] ^ s->name_hash) & ~(uint32_t)FOREIGN_BITS) == 0;
}

/* An end tag while SVG or MathML is open. One that closes nothing there may close an element of
 * HTML around it, or be ignored: who knows. */
static void
end_tag(struct scanner *s)
{
    uint32_t i = s->n_foreign;

    if (i == 0) {
        return;
    }
    if (!scanner_in_foreign(s)) { /* in foreignObject and the like */
        if (is_foreign_named(s, i - 1)) {
            s->n_foreign--;
        } else if (element_among(" svg math ", name_of(s))) {
            s->is_lost = true;
        }
        return;
    }
    if (element_among(" br p ", name_of(s))) {
        break_out(s);
        return;
    }
    while (i != 0 && !(s->foreign[i - 1] & FOREIGN_HTML) && !is_foreign_named(s, i - 1)) {
        i--;
    }
    if (i != 0 && !(s->foreign[i - 1] & FOREIGN_HTML)) {
        s->n_foreign = (uint8_t)(i - 1);
    } else {
        s->is_lost = true;
    }
}

/* ---- Tags. ---- */

/* A start tag of HTML: what follows it may be text. */
static void
start_in_html(struct scanner *s, enum scan_event *what)
{
    weir_str name = name_of(s);
    enum element_text text = element_text(name);

    if (element_among(" svg math ", name)) {
        if (!s->closes_self) {
            push_foreign(s, name.data[0] == 'm' ? FOREIGN_MATH : 0);
        }
        return;
    }
    if (text == ELEMENT_NORMAL) {
        return;
    }
    s->state = text == ELEMENT_RAW ? RAW : text == ELEMENT_SCRIPT ? SCRIPT : PLAIN;
    memcpy(s->raw, s->name, s->n_name);
    s->n_raw = s->n_name;
    if (element_among(" script style ", name) && !s->has_src) {
        s->in_text = true;
        *what = SCAN_TEXT;
    }
}

static void
tag_complete(struct scanner *s, enum scan_event *what)
{
    s->state = DATA;
    if (s->is_end) {
        end_tag(s);
        return;
    }
    if (scanner_in_foreign(s) && element_among(elements_breaking_out, name_of(s))) {
        break_out(s);
    }
    if (scanner_in_foreign(s)) {
        start_in_foreign(s);
    } else {
        start_in_html(s, what);
    }
}

/* ---- The marker. ---- */

static void
begin_attribute(struct scanner *s)
{
    s->n_attribute = 0;
    s->tracking = s->is_candidate && s->marker != NULL;
    s->held = s->name_bytes = s->value_bytes = 0;
    s->state = ATTRIBUTE_NAME;
}

static void
forget_marker(struct scanner *s, bool refused)
{
    s->refused += refused;
    s->tracking = false;
    s->held = 0;
}

/* One more byte of what may be the marker. */
static void
hold(struct scanner *s)
{
    if (s->tracking && ++s->held > SCAN_HELD_MAX) {
        forget_marker(s, s->name_bytes != 0);
    }
}

static void
add_to_attribute(struct scanner *s, uint8_t c)
{
    weir_str marker = s->marker != NULL ? s->marker->name : WEIR_STR("");

    if (s->n_attribute < SCAN_NAME_MAX) {
        s->attribute[s->n_attribute++] = (char)weir_lower(c);
    }
    if (c == '<') {
        s->is_doubtful = true;
    }
    if (s->tracking && (s->held >= marker.len || (char)weir_lower(c) != marker.data[s->held])) {
        forget_marker(s, false);
    }
    hold(s);
}

static void
attribute_name_complete(struct scanner *s)
{
    weir_str name = { s->attribute, s->n_attribute };

    s->has_src = s->has_src || weir_str_eq(name, WEIR_STR("src"));
    if (s->tracking && s->held != s->marker->name.len) {
        forget_marker(s, false);
    }
    if (!s->tracking && s->is_candidate) {
        s->has_nonce = s->has_nonce || weir_str_eq(name, WEIR_STR("nonce"));
    }
    s->name_bytes = s->held;
}

/* A byte of an attribute's value. */
static void
add_to_value(struct scanner *s, uint8_t c)
{
    weir_str value;

    s->is_doubtful = s->is_doubtful || c == '<';
    if (!s->tracking) {
        return;
    }
    value = s->marker->value;
    if (value.data != NULL &&
        (s->value_bytes >= value.len || (uint8_t)value.data[s->value_bytes] != c)) {
        forget_marker(s, true);
        return;
    }
    s->value_bytes++;
    hold(s);
}

/* The attribute is complete, `after` bytes before what has been held. */
static void
marker_complete(struct scanner *s, size_t after, enum scan_event *what)
{
    if (!s->tracking) {
        return;
    }
    if (s->is_doubtful ||
        (s->marker->value.data != NULL && s->value_bytes != s->marker->value.len)) {
        forget_marker(s, true);
        return;
    }
    s->begin = s->held;
    s->end = after;
    *what = s->has_nonce ? SCAN_STRIP : SCAN_STAMP;
    s->has_nonce = true;
    forget_marker(s, false);
}

/* ---- Steps. ---- */

static bool
step_name(struct scanner *s, uint8_t c, enum scan_event *what)
{
    if (!is_space(c) && c != '/' && c != '>') {
        add_to_name(s, c);
        return true;
    }
    name_complete(s);
    if (c == '>') {
        tag_complete(s, what);
        return true;
    }
    return step_to(s, c == '/' ? SELF_CLOSING : BEFORE_ATTRIBUTE);
}

static bool
step_before_attribute(struct scanner *s, uint8_t c)
{
    if (is_space(c)) {
        return true;
    }
    begin_attribute(s);
    if (c == '=') { /* the name begins with it */
        add_to_attribute(s, c);
        return true;
    }
    return c == '/' || c == '>' ? again_in(s, AFTER_VALUE) : false;
}

static bool
step_attribute_name(struct scanner *s, uint8_t c)
{
    if (is_space(c) || c == '/' || c == '>' || c == '=') {
        attribute_name_complete(s);
        return again_in(s, AFTER_NAME);
    }
    add_to_attribute(s, c);
    return true;
}

static bool
step_after_name(struct scanner *s, uint8_t c, enum scan_event *what)
{
    if (is_space(c)) {
        hold(s);
        return true;
    }
    if (c == '=') {
        hold(s);
        return step_to(s, BEFORE_VALUE);
    }
    marker_complete(s, s->held - s->name_bytes, what);
    return again_in(s, AFTER_VALUE);
}

static bool
step_before_value(struct scanner *s, uint8_t c, enum scan_event *what)
{
    if (is_space(c)) {
        hold(s);
        return true;
    }
    if (c == '"' || c == '\'') {
        hold(s);
        return step_to(s, c == '"' ? VALUE_DOUBLE : VALUE_SINGLE);
    }
    if (c == '>') {
        marker_complete(s, 0, what);
        return again_in(s, AFTER_VALUE);
    }
    return again_in(s, VALUE_UNQUOTED);
}

static bool
step_value(struct scanner *s, uint8_t c, enum scan_event *what)
{
    bool quoted = s->state != VALUE_UNQUOTED;

    if (quoted ? c == (s->state == VALUE_DOUBLE ? '"' : '\'') : is_space(c) || c == '>') {
        if (quoted) {
            hold(s);
        }
        marker_complete(s, 0, what);
        s->state = AFTER_VALUE;
        return quoted;
    }
    add_to_value(s, c);
    return true;
}

static bool
step_after_value(struct scanner *s, uint8_t c, enum scan_event *what)
{
    if (c == '>') {
        s->closes_self = s->state == SELF_CLOSING;
        tag_complete(s, what);
        return true;
    }
    if (s->state == AFTER_VALUE && c == '/') {
        return step_to(s, SELF_CLOSING);
    }
    return again_in(s, BEFORE_ATTRIBUTE);
}

bool
scanner_step_tag(struct scanner *s, uint8_t c, enum scan_event *what)
{
    switch (s->state) {
    case TAG_NAME:
        return step_name(s, c, what);
    case BEFORE_ATTRIBUTE:
        return step_before_attribute(s, c);
    case ATTRIBUTE_NAME:
        return step_attribute_name(s, c);
    case AFTER_NAME:
        return step_after_name(s, c, what);
    case BEFORE_VALUE:
        return step_before_value(s, c, what);
    case AFTER_VALUE:
    case SELF_CLOSING:
        return step_after_value(s, c, what);
    default:
        return step_value(s, c, what);
    }
}
