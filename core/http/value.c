/* http/value.c - text with $variables and $1..$9: compiled to steps at load, put together in one pass for a request.
 *
 * A value without either is a constant and has no steps. What a variable gives is looked at once and appended to a builder
 * that knows its room, grows by doubling and stops at WR_LIMIT_VALUE; nothing is measured first and copied later. The
 * captures that $1..$9 mean are those from before the first step, whatever expressions the variables match meanwhile.
 */
#include "base/assert.h"
#include "base/num.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "conf/names.h"
#include "http/http.h"
#include "http/limits.h"
#include "http/regex.h"
#include "http/variable.h"
#include "wire/escape.h"

enum { ROOM_FIRST = 256 };

enum step_kind { STEP_TEXT, STEP_VARIABLE, STEP_CAPTURE };

struct step {
    uint32_t kind;
    uint32_t escape; /* what becomes of its text */
    int32_t n;     /* the variable's index, or the capture's number */
    weir_str text; /* STEP_TEXT */
};

struct value {
    weir_value pub; /* first */
    uint32_t n_steps;
    bool captures; /* one of the steps is a capture */
    const struct step *steps;
    weir_str missing;
};

/* ---- Compiling. ---- */

bool
wr_value_names(weir_str text, const char *name)
{
    weir_str one;

    while (wr_conf_next_name(&text, &one)) {
        if (weir_str_eq(one, weir_str_c(name))) {
            return true;
        }
    }
    return false;
}

/* A complaint about text, whose first byte is the dollar sign. */
static bool
refuse(struct weir_conf *cf, weir_str text, const char *what)
{
    return wr_diag_error(cf->diag, wr_vars_place(cf, text), "a \"$\" begins a variable: $name, ${name} or $1",
                         "%s", what);
}

/* Read the reference at the start of *rest, which begins with '$', into s. */
static bool
read_reference(struct weir_conf *cf, weir_str *rest, struct step *s)
{
    weir_str dollar = weir_str_cut(*rest, 0, 1), name = weir_str_cut(*rest, 1, rest->len);
    bool braces = name.len != 0 && name.data[0] == '{';
    size_t len = 0;

    if (name.len != 0 && name.data[0] >= '1' && name.data[0] <= '9') {
        *s = (struct step){ .kind = STEP_CAPTURE, .n = name.data[0] - '0' };
        *rest = weir_str_cut(name, 1, name.len);
        return true;
    }
    name = weir_str_cut(name, braces, name.len);
    while (len < name.len && wr_conf_is_name_byte(name.data[len])) {
        len++;
    }
    if (len == 0) {
        return refuse(cf, dollar, "invalid variable name");
    }
    if (braces && (len == name.len || name.data[len] != '}')) {
        return refuse(cf, weir_str_cut(*rest, 0, 2 + len),
                      "the closing bracket of a variable is missing");
    }
    *rest = weir_str_cut(name, len + braces, name.len);
    s->kind = STEP_VARIABLE;
    s->n = wr_vars_index(cf, wr_http_of(cf)->vars, weir_str_cut(name, 0, len));
    return s->n >= 0;
}

static bool
read_steps(struct weir_conf *cf, weir_str text, struct wr_vec *steps)
{
    while (text.len != 0) {
        size_t plain = weir_str_find(text, '$');
        struct step *s = wr_vec_add(steps);

        if (plain != 0) {
            *s = (struct step){ .kind = STEP_TEXT, .text = weir_str_cut(text, 0, plain) };
            text = weir_str_cut(text, plain, text.len);
        } else if (!read_reference(cf, &text, s)) {
            return false;
        }
    }
    return true;
}

/* What becomes of the text of s in a value that is escaped like this: nothing where nothing could need it. */
static uint32_t
escape_of(struct weir_conf *cf, const struct step *s, uint32_t escape)
{
    bool quoted = escape == WEIR_ESCAPE_LOG || escape == WEIR_ESCAPE_JSON;

    if (s->kind == STEP_TEXT || (s->kind == STEP_VARIABLE && (escape & WEIR_ESCAPE_CAPTURES) != 0)) {
        return WEIR_ESCAPE_NONE;
    }
    escape &= ~WEIR_ESCAPE_CAPTURES;
    return s->kind == STEP_VARIABLE && quoted &&
                   wr_http_of(cf)->vars->at[s->n].flags & WR_VAR_PLAIN
               ? WEIR_ESCAPE_NONE
               : escape;
}

weir_value *
weir_value_compile_escaped(weir_conf *cf, weir_str text, uint32_t escape, weir_str missing)
{
    struct value *v = wr_pool_zalloc(cf->pool, sizeof(*v));
    struct wr_vec steps;
    weir_str copy;

    WR_ASSERT((escape & ~WEIR_ESCAPE_CAPTURES) <= WEIR_ESCAPE_HTML);
    if (text.len == 0 || weir_str_find(text, '$') == text.len) {
        v->pub.constant = weir_dup(cf->pool, text.data != NULL ? text : WEIR_STR(""));
        return &v->pub;
    }
    wr_vec_init_of(&steps, cf->pool, struct step);
    if (!read_steps(cf, text, &steps)) {
        return NULL;
    }
    copy = weir_dup(cf->pool, text); /* the caller's text may go */
    WR_VEC_EACH(struct step, s, &steps) {
        if (s->kind == STEP_TEXT) {
            s->text.data = copy.data + (s->text.data - text.data);
        }
        v->captures |= s->kind == STEP_CAPTURE;
        s->escape = escape_of(cf, s, escape);
    }
    v->missing = missing.data != NULL ? weir_dup(cf->pool, missing) : missing;
    v->steps = steps.data;
    v->n_steps = (uint32_t)steps.count;
    return &v->pub;
}

weir_value *
weir_value_compile(weir_conf *cf, weir_str text)
{
    return weir_value_compile_escaped(cf, text, WEIR_ESCAPE_NONE, (weir_str){ NULL, 0 });
}

int
wr_value_make(struct weir_conf *cf, weir_str text, weir_value **field)
{
    weir_value *v = weir_value_compile(cf, text);

    if (v == NULL) {
        return WEIR_ERROR;
    }
    *field = v;
    return WEIR_OK;
}

int
weir_set_values(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_values *values = field;

    (void)d;
    values->count = weir_conf_argc(cf) - 1;
    values->at = weir_zalloc(weir_conf_pool(cf), values->count * sizeof(values->at[0]));
    for (uint32_t i = 0; i < values->count; i++) {
        if (wr_value_make(cf, weir_conf_arg(cf, i + 1), &values->at[i]) != WEIR_OK) {
            return WEIR_ERROR;
        }
    }
    return WEIR_OK;
}

/* ---- Evaluating. ---- */

/* Room for at least `more` further bytes, at least doubled. */
static bool
grow(weir_pool *pool, struct wr_strbuf *b, size_t more)
{
    size_t need, room = WR_MIN(b->room * 2, (size_t)WR_LIMIT_VALUE);
    char *data;

    if (!wr_num_add(b->len, more, &need) || need > WR_LIMIT_VALUE || b->room == WR_LIMIT_VALUE) {
        return false;
    }
    room = WR_MAX(room, need);
    data = weir_try_alloc(pool, room);
    if (data == NULL) {
        return false;
    }
    memcpy(data, b->data, b->len);
    b->data = data;
    b->room = room;
    return true;
}

/* s did not fit: the same with more room, until there is no more. */
static bool
append_grown(weir_pool *pool, struct wr_strbuf *b, weir_str s, uint32_t escape)
{
    size_t before = b->len;

    while (b->full) {
        b->full = false;
        b->len = before;
        if (!grow(pool, b, s.len)) {
            return false;
        }
        wr_escape(b, s, escape);
    }
    return true;
}

static inline bool
append(weir_pool *pool, struct wr_strbuf *b, weir_str s, uint32_t escape)
{
    size_t before = b->len;

    bool quoted = escape == WEIR_ESCAPE_LOG || escape == WEIR_ESCAPE_JSON;

    if (escape == WEIR_ESCAPE_NONE || (quoted && wr_escape_is_plain(s))) {
        wr_strbuf_str(b, s);
    } else {
        wr_escape(b, s, escape);
    }
    if (WR_LIKELY(!b->full)) {
        return true;
    }
    b->len = before;
    return append_grown(pool, b, s, escape);
}

/* What a step that is no text stands for; *escape is what becomes of it. */
static weir_str
step_value(weir_request *r, const struct value *v, const struct step *s,
           const struct wr_captures *captures, uint32_t *escape)
{
    const struct wr_vars *vars = wr_request_of(r)->http->vars;
    weir_str text = s->kind == STEP_VARIABLE
                        ? wr_var_value(wr_request_of(r), vars, (uint32_t)s->n)
                        : wr_captures_group(captures, (uint32_t)s->n);

    *escape = s->escape;
    if (text.data == NULL) {
        *escape = WEIR_ESCAPE_NONE;
        return v->missing;
    }
    return text;
}

/* One step, which is no text, that stands for all: no copy unless something has to be escaped. */
static weir_str
eval_single(weir_request *r, const struct value *v, const struct wr_captures *captures)
{
    uint32_t escape;
    weir_str text = step_value(r, v, v->steps, captures, &escape);

    return text.data == NULL ? WEIR_STR("") : weir_escape(r->pool, text, escape);
}

static weir_str
eval_steps(weir_request *r, const struct value *v, const struct wr_captures *captures)
{
    struct wr_strbuf b = wr_strbuf_over(weir_alloc(r->pool, ROOM_FIRST), ROOM_FIRST);

    for (uint32_t i = 0; i < v->n_steps; i++) {
        const struct step *s = &v->steps[i];
        uint32_t escape = WEIR_ESCAPE_NONE;
        weir_str text = s->kind == STEP_TEXT ? s->text : step_value(r, v, s, captures, &escape);
        if (!append(r->pool, &b, text, escape)) {
            wr_say(&wr_request_of(r)->log, ERROR, "a value would be longer than %d bytes",
                   WR_LIMIT_VALUE);
            return (weir_str){ NULL, 0 };
        }
    }
    return wr_strbuf_view(&b);
}

static weir_str
eval(weir_request *r, const struct value *v, const struct wr_captures *captures)
{
    return v->n_steps == 1 ? eval_single(r, v, captures) : eval_steps(r, v, captures);
}

/* With the captures as they are now: a variable may match expressions of its own. */
static weir_str
eval_with_captures(weir_request *r, const struct value *v)
{
    struct wr_captures captures = { .n = 0 };

    if (wr_request_of(r)->captures != NULL) {
        captures = *wr_request_of(r)->captures;
    }
    return eval(r, v, &captures);
}

weir_str
weir_value_eval(weir_request *r, const weir_value *value)
{
    const struct value *v = (const struct value *)value;

    if (v->pub.constant.data != NULL) {
        return v->pub.constant;
    }
    return v->captures ? eval_with_captures(r, v) : eval(r, v, NULL);
}

uint64_t
wr_value_size(weir_request *r, const weir_value *v)
{
    uint64_t bytes = 0;

    if (v == NULL || wr_value_is_nought(v)) {
        return 0;
    }
    return weir_parse_size(weir_value_get(r, v), &bytes) == WEIR_OK ? bytes : 0;
}
