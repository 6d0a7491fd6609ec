/* rewrite/condition.c - tests of variables and files, joined by `and`, `or`, `not`.
 *
 *     ($x)  ($x = text)  ($x != text)  ($x ~ regex)  ($x !~* regex)  (-f file)  (!-d folder)
 *
 * `and` joins closer than `or`. There are no brackets inside: a regular expression has its own, and
 * a word's last one would be nobody's.
 */
#include "condition.h"

#include "program.h"

enum kind {
    KIND_TRUE,
    KIND_EQUAL,
    KIND_REGEX,
    KIND_FILE,
    KIND_FOLDER,
    KIND_EXISTS,
    KIND_EXECUTABLE
};

struct test {
    uint32_t kind;
    bool differs; /* holds when the test does not */
    bool or ;     /* the ones before it need not hold */
    int32_t var;
    weir_value *value; /* to compare with, or the file's name */
    weir_regex *regex;
    weir_str pattern;
};

struct condition {
    struct test *tests;
    uint32_t n;
    weir_str text; /* as it was written, for weir -M */
};

/* ---- Reading. ---- */

/* The words between the brackets. */
struct words {
    weir_conf *cf;
    weir_str *at;
    uint32_t n;
    uint32_t next;
    uint32_t first; /* which word of the directive at[0] is */
};

static bool
invalid(const struct words *w, weir_str word)
{
    (void)weir_conf_error_at(w->cf, w->first + w->next, "invalid condition \"%.*s\"",
                             WEIR_FMT(word));
    return false;
}

static bool
next_is(const struct words *w, const char *word)
{
    return w->next < w->n && weir_str_eq(w->at[w->next], weir_str_c(word));
}

/* The words from `first` on without the outer brackets. */
static bool
take_brackets(weir_conf *cf, uint32_t first, struct words *w)
{
    uint32_t n = weir_conf_argc(cf) - first;

    *w = (struct words){ .cf = cf, .n = n, .first = first };
    w->at = weir_alloc(weir_conf_pool(cf), n * sizeof(w->at[0]));
    for (uint32_t i = 0; i < n; i++) {
        w->at[i] = weir_conf_arg(cf, first + i);
    }
    weir_str *open = &w->at[0], *close = &w->at[n - 1];
    if (open->len == 0 || open->data[0] != '(') {
        return invalid(w, *open);
    }
    open->data++;
    open->len--;
    if (close->len == 0 || close->data[close->len - 1] != ')') {
        w->next = n - 1;
        return invalid(w, *close);
    }
    close->len--;
    if (n > 1 && close->len == 0) {
        w->n--;
    }
    if (open->len == 0 && w->n > 0) {
        w->at++;
        w->n--;
        w->first++;
    }
    return w->n > 0 || invalid(w, weir_conf_arg(cf, first));
}

/* "=", "!~*" and the like into t; false: it is no operator. */
static bool
read_operator(weir_str word, struct test *t, uint32_t *flags)
{
    static const struct {
        const char *word;
        uint32_t kind;
        bool differs;
        uint32_t flags;
    } operators[] = {
        { "=", KIND_EQUAL, false, 0 }, { "!=", KIND_EQUAL, true, 0 },
        { "~", KIND_REGEX, false, 0 }, { "~*", KIND_REGEX, false, WEIR_REGEX_ICASE },
        { "!~", KIND_REGEX, true, 0 }, { "!~*", KIND_REGEX, true, WEIR_REGEX_ICASE },
    };

    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (weir_str_eq(word, weir_str_c(operators[i].word))) {
            t->kind = operators[i].kind;
            t->differs = operators[i].differs;
            *flags = operators[i].flags;
            return true;
        }
    }
    return false;
}

/* "$x", or "$x OPERATOR text". */
static bool
read_variable(struct words *w, struct test *t, bool joined)
{
    weir_str name = w->at[w->next++];
    uint32_t flags = 0;

    t->var = weir_var_find(w->cf, (weir_str){ name.data + 1, name.len - 1 });
    if (t->var < 0) {
        return false;
    }
    if (w->next == w->n || (joined && (next_is(w, "and") || next_is(w, "or")))) {
        t->kind = KIND_TRUE;
        return true;
    }
    if (!read_operator(w->at[w->next], t, &flags)) {
        (void)weir_conf_error_at(w->cf, w->first + w->next, "unexpected \"%.*s\" in condition",
                                 WEIR_FMT(w->at[w->next]));
        return false;
    }
    if (++w->next == w->n) {
        w->next--;
        return invalid(w, w->at[w->next]);
    }
    t->pattern = w->at[w->next++];
    if (t->kind == KIND_REGEX) {
        t->regex = weir_regex_compile(w->cf, t->pattern, flags);
        return t->regex != NULL;
    }
    t->value = weir_value_compile(w->cf, t->pattern);
    return t->value != NULL;
}

/* "-f name", "!-f name" and the like. */
static bool
read_file(struct words *w, struct test *t)
{
    static const char letters[] = "fdex";
    static const uint32_t kinds[] = { KIND_FILE, KIND_FOLDER, KIND_EXISTS, KIND_EXECUTABLE };
    weir_str word = w->at[w->next];

    t->differs = word.len == 3 && word.data[0] == '!';
    if (t->differs) {
        word = (weir_str){ word.data + 1, 2 };
    }
    const char *letter =
        word.len == 2 && word.data[0] == '-' ? memchr(letters, word.data[1], 4) : NULL;
    if (letter == NULL || w->next + 1 >= w->n) {
        return invalid(w, w->at[w->next]);
    }
    t->kind = kinds[letter - letters];
    weir_str name = w->at[w->next + 1];
    w->next += 2;
    if (name.len > 0 && name.data[0] != '/' && name.data[0] != '$') {
        name = weir_conf_path(w->cf, name);
    }
    t->value = weir_value_compile(w->cf, name);
    return t->value != NULL;
}

static bool
read_test(struct words *w, struct test *t, bool joined)
{
    bool not = false;

    while (joined && next_is(w, "not")) {
        not = !not ;
        w->next++;
    }
    if (w->next == w->n) {
        w->next--;
        return invalid(w, w->at[w->next]);
    }
    weir_str word = w->at[w->next];
    if (!(word.len > 1 && word.data[0] == '$' ? read_variable(w, t, joined) : read_file(w, t))) {
        return false;
    }
    t->differs = t->differs != not ;
    return true;
}

static bool
read_tests(struct words *w, struct condition *c, bool joined)
{
    bool or = false;

    for (;;) {
        struct test *t = &c->tests[c->n++];
        t->or = or ;
        if (!read_test(w, t, joined)) {
            return false;
        }
        if (w->next == w->n) {
            return true;
        }
        or = joined && next_is(w, "or");
        if (! or &&!(joined && next_is(w, "and"))) {
            return invalid(w, w->at[w->next]);
        }
        if (++w->next == w->n) {
            w->next--;
            return invalid(w, w->at[w->next]);
        }
    }
}

const struct condition *
condition_read(weir_conf *cf, uint32_t first, bool joined)
{
    struct condition *c = weir_zalloc(weir_conf_pool(cf), sizeof(*c));
    struct words w;

    if (!take_brackets(cf, first, &w)) {
        return NULL;
    }
    c->tests = weir_zalloc(weir_conf_pool(cf), w.n * sizeof(c->tests[0]));
    for (uint32_t i = 0; i < w.n; i++) {
        c->text = weir_print(weir_conf_pool(cf), "%.*s%s%.*s", WEIR_FMT(c->text), i != 0 ? " " : "",
                             WEIR_FMT(w.at[i]));
    }
    return read_tests(&w, c, joined) ? c : NULL;
}

/* ---- Testing. ---- */

static int
match(weir_request *r, const struct test *t)
{
    weir_str subject = weir_var_get(r, t->var);
    int rc = weir_regex_match(r, t->regex, subject);

    if (rc == WEIR_ABSENT) {
        weir_captures_drop(r);
    }
    REWRITE_LOG(r, "\"%.*s\" %s \"%.*s\"", WEIR_FMT(t->pattern),
                rc == WEIR_OK ? "matches" : "does not match", WEIR_FMT(subject));
    return rc == WEIR_OK ? 1 : rc == WEIR_ABSENT ? 0 : -1;
}

static bool
is_file(weir_request *r, const struct test *t)
{
    weir_file_info info = { .size_of = sizeof(info) };
    weir_str name = weir_value_get(r, t->value);

    if (name.len == 0 || name.data[0] != '/' || weir_str_find(name, '\0') != name.len ||
        weir_file_look(r, weir_dup(r->pool, name), &info, false) != WEIR_OK) {
        return false;
    }
    switch (t->kind) {
    case KIND_FILE:
        return info.kind == WEIR_FILE_REGULAR;
    case KIND_FOLDER:
        return info.kind == WEIR_FILE_DIRECTORY;
    case KIND_EXECUTABLE:
        return info.executable;
    default:
        return true;
    }
}

static int
test_holds(weir_request *r, const struct test *t)
{
    weir_str value;

    switch (t->kind) {
    case KIND_TRUE:
        return weir_str_is_true(weir_var_get(r, t->var));
    case KIND_EQUAL:
        value = weir_var_get(r, t->var);
        return weir_str_eq(value, weir_value_get(r, t->value));
    case KIND_REGEX:
        return match(r, t);
    default:
        return is_file(r, t);
    }
}

int
condition_holds(weir_request *r, const struct condition *c)
{
    bool holds = true;

    for (uint32_t i = 0; i < c->n; i++) {
        const struct test *t = &c->tests[i];
        if (t->or &&holds) {
            return 1;
        }
        if (!t->or &&!holds) {
            continue;
        }
        int rc = test_holds(r, t);
        if (rc < 0) {
            return -1;
        }
        holds = (rc != 0) != t->differs;
    }
    return holds;
}

int
condition_explain(weir_request *r, const struct condition *c, const char *what, weir_place place,
                  weir_explain *to)
{
    int holds = condition_holds(r, c);
    weir_str unknown = weir_explain_unknown(to);

    if (unknown.data != NULL) {
        weir_explain_say(to, "%s (%.*s:%u): (%.*s) is unknown: depends on $%.*s; this is the course without it",
                         what, WEIR_FMT(place.file), place.line, WEIR_FMT(c->text),
                         WEIR_FMT(unknown));
        return CONDITION_UNKNOWN;
    }
    weir_explain_say(to, "%s (%.*s:%u): (%.*s) %s", what, WEIR_FMT(place.file), place.line,
                     WEIR_FMT(c->text),
                     holds < 0 ? "fails: the answer is 500"
                     : holds   ? "holds"
                               : "does not hold");
    return holds;
}
