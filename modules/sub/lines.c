/* sub/lines.c - sub_filter_regex: reading its rules, cutting a body into lines, changing one. */
#include "lines.h"

enum { GROUPS = 10 };

/* A part of what is put in: a text, or what a group matched. */
struct line_part {
    weir_value *text; /* NULL: group */
    uint32_t group;
};

/* ---- Reading. ---- */

/* "$3" or "${3}" at the front of s: its length, and the group. 0: something else. */
static size_t
group_at(weir_str s, uint32_t *group)
{
    size_t brace = s.len > 1 && s.data[1] == '{';

    if (s.len < 2 + 2 * brace || s.data[0] != '$' || s.data[1 + brace] < '0' ||
        s.data[1 + brace] > '9' || (brace != 0 && s.data[3] != '}')) {
        return 0;
    }
    *group = (uint32_t)(s.data[1 + brace] - '0');
    return 2 + 2 * brace;
}

static bool
add_text(weir_conf *cf, struct line_rule *rule, weir_str text)
{
    if (text.len == 0) {
        return true;
    }
    rule->parts[rule->n_parts].text = weir_value_compile(cf, text);
    return rule->parts[rule->n_parts++].text != NULL;
}

static bool
read_parts(weir_conf *cf, struct line_rule *rule, weir_str text)
{
    size_t begin = 0;

    rule->parts = weir_zalloc(weir_conf_pool(cf), (text.len + 1) * sizeof(rule->parts[0]));
    for (size_t i = 0; i < text.len;) {
        uint32_t group;
        size_t n = group_at((weir_str){ text.data + i, text.len - i }, &group);
        if (n == 0) {
            i++;
            continue;
        }
        if (!add_text(cf, rule, (weir_str){ text.data + begin, i - begin })) {
            return false;
        }
        rule->parts[rule->n_parts++].group = group;
        i += n;
        begin = i;
    }
    return add_text(cf, rule, (weir_str){ text.data + begin, text.len - begin });
}

int
set_line_rule(weir_conf *cf, const weir_directive *d, void *field)
{
    struct line_rules *rules = field;
    struct line_rule *rule = weir_zalloc(weir_conf_pool(cf), sizeof(*rule)), **at = &rules->first;
    weir_str flag = weir_conf_arg(cf, 3);

    (void)d;
    if (weir_conf_arg(cf, 1).len == 0) {
        return weir_conf_error_at(cf, 1, "empty search pattern");
    }
    if (flag.data != NULL && !weir_str_eq(flag, WEIR_STR("i"))) {
        return weir_conf_error_at(cf, 3, "invalid parameter \"%.*s\", it must be \"i\"",
                                  WEIR_FMT(flag));
    }
    rule->regex =
        weir_regex_compile(cf, weir_conf_arg(cf, 1), flag.data != NULL ? WEIR_REGEX_ICASE : 0);
    if (rule->regex == NULL || !read_parts(cf, rule, weir_conf_arg(cf, 2))) {
        return WEIR_ERROR;
    }
    rule->first_value = rules->n_values;
    rules->n_values += rule->n_parts;
    rules->n++;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = rule;
    return WEIR_OK;
}

/* ---- One line. ---- */

void
lines_init(struct lines *s, weir_request *r, const struct line_rules *rules, bool once)
{
    *s = (struct lines){ .r = r, .rules = rules, .once = once, .live = rules->n };
    s->used = weir_zalloc(r->pool, rules->n * sizeof(s->used[0]));
    s->values = weir_zalloc(r->pool, (rules->n_values + 1) * sizeof(s->values[0]));
}

static weir_str
text_of(struct lines *s, const struct line_rule *rule, uint32_t part)
{
    weir_str *value = &s->values[rule->first_value + part];

    if (value->data == NULL) {
        *value = weir_value_get(s->r, rule->parts[part].text);
        if (value->data == NULL) {
            *value = WEIR_STR("");
        }
    }
    return *value;
}

static void
add_replacement(struct lines *s, const struct line_rule *rule, weir_text *t, const weir_str *groups)
{
    for (uint32_t i = 0; i < rule->n_parts; i++) {
        weir_text_add(t, rule->parts[i].text != NULL ? text_of(s, rule, i)
                                                     : groups[rule->parts[i].group]);
    }
}

enum { TOO_LONG = -1, GIVEN_UP = -2 };

/* What rule makes of line, in t. The number of replacements (0: t is not of use), TOO_LONG, or
 * GIVEN_UP: the work of matching passed its limit. */
static int
apply(struct lines *s, const struct line_rule *rule, weir_str line, weir_text *t)
{
    weir_str groups[GROUPS];
    size_t copied = 0, from = 0;
    int n = 0, rc = WEIR_OK;

    if (t->data == NULL) {
        *t = weir_text_begin(s->r->pool, 2048, LINE_RESULT_MAX);
    }
    t->len = 0;
    t->full = false;
    while (from <= line.len &&
           (rc = weir_regex_find(rule->regex, line, from, groups, GROUPS)) == WEIR_OK) {
        size_t begin = (size_t)(groups[0].data - line.data), end = begin + groups[0].len;
        if (begin < copied || (groups[0].len == 0 && n != 0 &&
                               begin == copied)) { /* behind a match nothing is none */
            from++;
            continue;
        }
        weir_text_add(t, weir_str_cut(line, copied, begin - copied));
        add_replacement(s, rule, t, groups);
        if (t->full) {
            return TOO_LONG;
        }
        n++;
        copied = end;
        from = end > begin ? end : end + 1;
        if (s->once) {
            break;
        }
    }
    if (rc == WEIR_ERROR) {
        return GIVEN_UP;
    }
    if (n != 0) {
        weir_text_add(t, weir_str_cut(line, copied, line.len));
    }
    return t->full ? TOO_LONG : n;
}

/* What all rules make of a line, one after another. Absent: they leave it as it is. */
static weir_str
change(struct lines *s, weir_str line)
{
    weir_str now = { NULL, 0 };
    unsigned turn = 0;
    uint32_t i = 0;

    for (const struct line_rule *rule = s->rules->first; rule != NULL; rule = rule->next, i++) {
        weir_text *t = &s->text[turn];
        int n = s->used[i] ? 0 : apply(s, rule, now.data != NULL ? now : line, t);
        if (n == GIVEN_UP) { /* logged: once is enough for a response */
            s->used[i] = true;
            s->live--;
        }
        if (n == TOO_LONG && !s->complained) {
            s->complained = true;
            weir_say(s->r->log, WARN,
                     "sub_filter_regex: a line would become longer than %d bytes: left as it is",
                     LINE_RESULT_MAX);
        }
        if (n > 0) {
            now = weir_text_view(t);
            turn = !turn;
            s->replaced += (uint64_t)n;
            s->used[i] = s->once;
            s->live -= s->once;
        }
    }
    return now;
}

/* ---- Lines. ---- */

/* The length of the line, or piece of one, that stands first on held, with its end. False: it has
 * not come to its end. */
static bool
next_line(struct lines *s, size_t *len)
{
    size_t before = 0;

    for (const weir_buf *b = s->held.head; b != NULL; before += b->len, b = b->next) {
        size_t skip = s->seen > before ? s->seen - before : 0;
        size_t until = b->len < LINE_MAX_BYTES - before ? b->len : LINE_MAX_BYTES - before;
        const uint8_t *end = skip < until ? memchr(b->data + skip, '\n', until - skip) : NULL;
        if (end != NULL) {
            *len = before + (size_t)(end - b->data) + 1;
            return true;
        }
        if (before + until == LINE_MAX_BYTES || b->flags & WEIR_BUF_LAST) {
            *len = before + until;
            return true;
        }
    }
    s->seen = before;
    return false;
}

/* The line of len bytes, without its end. */
static weir_str
without_end(const uint8_t *data, size_t len)
{
    if (len != 0 && data[len - 1] == '\n') {
        len--;
        if (len != 0 && data[len - 1] == '\r') {
            len--;
        }
    }
    return (weir_str){ (const char *)data, len };
}

/* The first len bytes of held, which are a line, go to out. */
static void
pass_line(struct lines *s, size_t len, weir_chain *out)
{
    const uint8_t *data = len != 0 ? weir_chain_peek(s->r->pool, &s->held, len) : NULL;
    weir_str line, now;

    if (data == NULL) { /* an empty end */
        weir_chain_move(s->r->pool, out, &s->held, len);
        return;
    }
    line = without_end(data, len);
    now = change(s, line);
    if (now.data == NULL) {
        weir_chain_move(s->r->pool, out, &s->held, len);
        return;
    }
    if (now.len != 0) {
        weir_chain_push(out, weir_buf_copy(s->r->pool, now));
    }
    weir_chain_skip(&s->held, line.len);
    weir_chain_move(s->r->pool, out, &s->held, len - line.len);
}

void
lines_run(struct lines *s, weir_chain *in, weir_chain *out)
{
    size_t len;

    weir_chain_take(&s->held, in);
    while (s->live != 0 && s->held.head != NULL && next_line(s, &len)) {
        s->seen = 0;
        pass_line(s, len, out);
        if (len == 0) {
            break;
        }
    }
    if (s->live == 0) {
        weir_chain_take(out, &s->held);
    }
}
