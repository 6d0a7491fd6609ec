/* http/regex.c - expressions compiled once by the master, run by workers with one set of PCRE2's working memory a process.
 *
 * Machine code is made by the process that runs an expression, when it first does: of ten thousand sites' expressions most
 * are never asked, since their literals are not in the subject. Equal expressions of a configuration are one.
 * A match works at most WR_LIMIT_REGEX_MATCH steps and in bounded memory, so that no subject can keep a worker. An expression
 * that may call its own groups is interpreted, because machine code has no sound limit for these. PCRE2's own memory for
 * compiled code is freed when the pool of the configuration ends.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "http/regex.h"

#include <pcre2.h>

#include "base/assert.h"
#include "base/str.h"
#include "http/build.h"
#include "http/http.h"
#include "http/regex_literals.h"
#include "http/request.h"
#include "http/variable.h"

enum {
    JIT_STACK_FIRST = 32 * 1024,
    JIT_STACK_MAX = 1024 * 1024,
    HEAP_MAX_KB = 16 * 1024,  /* of a match without JIT */
    GROUPS_FIRST = 16         /* groups there is room for at first */
};

struct named_group {
    uint32_t group;
    int32_t var;
};

struct weir_regex {
    pcre2_code *code;
    struct wr_regex_literals literals;
    uint32_t groups;   /* without the whole, group 0 */
    uint32_t min_len;  /* bytes that every match has */
    bool asked;        /* it ran in this process, so what follows is known */
    bool fast;         /* pcre2_jit_match may be used */
    bool recurses;     /* it may call its own groups, so no machine code is made of it */
    uint32_t n_named;
    struct named_group *named;
    weir_str pattern;
};

/* This process's working memory. */
static struct {
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    pcre2_match_data *data;
    uint32_t groups; /* that data has room for */
} work;

/* ---- Compiling. ---- */

static void
free_code(void *data)
{
    pcre2_code_free(data);
}

/* Does a call of a group begin here: (?R), (?1), (?+1), (?-1), (?&n), (?P>n), \g<n>, \g'n'? */
static bool
begins_call(weir_str at)
{
    if (weir_str_starts(at, WEIR_STR("\\g<")) || weir_str_starts(at, WEIR_STR("\\g'"))) {
        return true;
    }
    if (!weir_str_starts(at, WEIR_STR("(?"))) {
        return false;
    }
    at = weir_str_cut(at, 2, at.len);
    if (at.len > 1 && (at.data[0] == '+' || at.data[0] == '-')) {
        at = weir_str_cut(at, 1, at.len);
        return at.data[0] >= '0' && at.data[0] <= '9';
    }
    return weir_str_starts(at, WEIR_STR("P>")) ||
           (at.len != 0 &&
            (at.data[0] == 'R' || at.data[0] == '&' || (at.data[0] >= '0' && at.data[0] <= '9')));
}

/* May an expression call its own groups? What only looks like it, in a class or quoted, counts too: being wrong costs speed.
 * In machine code the match limit does not hold calls that go ever deeper: they end with the stack, after 20 seconds. The
 * interpreter counts each, and notices one that has moved nowhere. */
static bool
may_recurse(weir_str pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (begins_call(weir_str_cut(pattern, i, pattern.len))) {
            return true;
        }
    }
    return false;
}

static weir_regex *
wrap(struct weir_pool *pool, pcre2_code *code, weir_str pattern, bool fold)
{
    weir_regex *re = wr_pool_zalloc(pool, sizeof(*re));
    uint32_t options = 0;

    re->code = code;
    re->pattern = weir_dup(pool, pattern);
    re->recurses = may_recurse(pattern);
    weir_on_end(pool, free_code, code);
    (void)pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &re->groups);
    (void)pcre2_pattern_info(code, PCRE2_INFO_MINLENGTH, &re->min_len);
    (void)pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
    if (options & PCRE2_UTF) {
        re->min_len = 0; /* counts characters */
    } else {
        wr_regex_literals_find(pool, re->pattern, fold, &re->literals);
    }
    return re;
}

weir_regex *
wr_regex_create(struct weir_pool *pool, weir_str pattern, uint32_t flags, struct wr_err *err,
                size_t *at)
{
    bool fold = (flags & WEIR_REGEX_ICASE) != 0;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    PCRE2_SPTR text = (PCRE2_SPTR)(pattern.len != 0 ? pattern.data : "");
    pcre2_code *code;
    int number = 0;
    size_t where = 0;

    WR_ASSERT(context != NULL);
    (void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    code = pcre2_compile(text, pattern.len, fold ? PCRE2_CASELESS : 0, &number, &where, context);
    pcre2_compile_context_free(context);
    if (code == NULL) {
        PCRE2_UCHAR words[128];
        (void)pcre2_get_error_message(number, words, sizeof(words));
        (void)wr_err_set(err, "%s", (const char *)words);
        *at = WR_MIN(where, pattern.len);
        return NULL;
    }
    return wrap(pool, code, pattern, fold);
}

/* Let every named group be a variable. Groups of one name stand side by side in PCRE2's table. */
static bool
declare_names(struct weir_conf *cf, weir_regex *re, weir_str pattern)
{
    PCRE2_SPTR entry = NULL;
    uint32_t n = 0, size = 0;

    (void)pcre2_pattern_info(re->code, PCRE2_INFO_NAMECOUNT, &n);
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_NAMETABLE, &entry);
    re->named = wr_pool_array(cf->pool, struct named_group, n);
    for (uint32_t i = 0; i < n; i++, entry += size) {
        struct named_group *g = &re->named[i];
        weir_str name = weir_str_c((const char *)entry + 2);
        const char *there = memmem(pattern.data, pattern.len, name.data, name.len);
        g->group = (uint32_t)entry[0] << 8 | entry[1];
        name.data = there != NULL ? there : name.data; /* for a complaint's place */
        g->var = weir_var_declare(cf, name);
        if (g->var < 0) {
            return false;
        }
    }
    re->n_named = n;
    return true;
}

/* What the map of one configuration's expressions knows this one by. */
static weir_str
key_of(struct weir_conf *cf, weir_str pattern, uint32_t flags)
{
    char *key = wr_pool_alloc(wr_conf_scratch(cf), pattern.len + 1);

    key[0] = (flags & WEIR_REGEX_ICASE) != 0 ? 'i' : '-';
    if (pattern.len != 0) {
        memcpy(key + 1, pattern.data, pattern.len);
    }
    return (weir_str){ key, pattern.len + 1 };
}

static weir_regex *
compile(struct weir_conf *cf, weir_str pattern, uint32_t flags)
{
    struct wr_err err;
    size_t at = 0;
    weir_regex *re = wr_regex_create(cf->pool, pattern, flags, &err, &at);
    if (re == NULL) {
        weir_str rest = { pattern.data + at, pattern.len - at };
        wr_diag_error(cf->diag, wr_vars_place(cf, rest.len != 0 ? rest : pattern), NULL,
                      "the regular expression \"%.*s\" is wrong at \"%.*s\": %s", WEIR_FMT(pattern),
                      WEIR_FMT(rest), err.text);
        return NULL;
    }
    return declare_names(cf, re, pattern) ? re : NULL;
}

weir_regex *
weir_regex_compile(weir_conf *cf, weir_str pattern, uint32_t flags)
{
    struct wr_build *b = wr_build_of(cf);
    weir_str key = key_of(cf, pattern, flags);
    weir_regex *re = b != NULL ? wr_map_find(&b->regexes, key) : NULL;

    if (re == NULL) {
        re = compile(cf, pattern, flags);
        if (re != NULL && b != NULL) {
            (void)wr_map_add(&b->regexes, key, re);
        }
    }
    return re;
}

/* ---- Matching. ---- */

static void
prepare(uint32_t groups)
{
    if (work.context == NULL) {
        work.context = pcre2_match_context_create(NULL);
        WR_ASSERT(work.context != NULL);
        (void)pcre2_set_match_limit(work.context, WR_LIMIT_REGEX_MATCH);
        (void)pcre2_set_depth_limit(work.context, WR_LIMIT_REGEX_MATCH);
        (void)pcre2_set_heap_limit(work.context, HEAP_MAX_KB);
        work.stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
        pcre2_jit_stack_assign(work.context, NULL, work.stack); /* NULL: 32 KiB of the own stack */
    }
    if (work.data == NULL || groups > work.groups) {
        work.groups = WR_MAX(groups, (uint32_t)GROUPS_FIRST);
        pcre2_match_data_free(work.data);
        work.data = pcre2_match_data_create(work.groups + 1, NULL);
        WR_ASSERT(work.data != NULL);
    }
}

/* Make re's machine code. Without (it may recurse, or a hardened system forbids it) the interpreter runs: slower, the same
 * answers. */
static void
speed_up(weir_regex *re)
{
    uint32_t options = 0;
    size_t size = 0;

    if (!re->recurses) {
        (void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
    }
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_JITSIZE, &size);
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_ALLOPTIONS, &options);
    re->fast = size != 0 && !(options & PCRE2_UTF);
    re->asked = true;
}

static weir_str
group_of(weir_str subject, const size_t *offsets, int known, uint32_t group)
{
    size_t from, until;

    if (group >= (uint32_t)known || offsets[2 * (size_t)group] == PCRE2_UNSET) {
        return (weir_str){ NULL, 0 };
    }
    from = offsets[2 * (size_t)group];
    until = offsets[2 * (size_t)group + 1];
    WR_ASSERT(from <= subject.len && until <= subject.len);
    /* \K inside of a lookahead can put the start behind the end */
    return (weir_str){ subject.data + from, until > from ? until - from : 0 };
}

static void
keep(struct wr_captures *c, weir_str subject, const size_t *offsets, int known)
{
    c->subject = subject;
    c->n = (uint32_t)WR_MIN(known, (int)WR_LIMIT_CAPTURES);
    for (uint32_t i = 0; i < c->n; i++) {
        weir_str group = group_of(subject, offsets, known, i);
        c->from[i] = c->until[i] = UINT32_MAX;
        if (group.data != NULL) {
            c->from[i] = (uint32_t)(group.data - subject.data);
            c->until[i] = c->from[i] + (uint32_t)group.len;
        }
    }
}

/* Of a match that did not come to an end. */
static void
say_why(int rc, struct wr_err *err)
{
    PCRE2_UCHAR words[128];

    (void)pcre2_get_error_message(rc, words, sizeof(words));
    (void)wr_err_set(err, "%s", (const char *)words);
}

/* PCRE2's answer for subject from byte `from` on: how many groups are known (from 1), 0 for no match, -1 with the reason in err. The groups are in work.data. */
static int
run(const weir_regex *re, weir_str subject, size_t from, struct wr_err *err)
{
    PCRE2_SPTR text = (PCRE2_SPTR)subject.data;
    int rc;

    if (subject.len >= UINT32_MAX) {
        (void)wr_err_set(err, "the text is too long");
        return -1;
    }
    prepare(re->groups);
    if (!re->asked) {
        speed_up((weir_regex *)(uintptr_t)re); /* const to callers, ours to know more about */
    }
    if (re->fast) {
        rc = pcre2_jit_match(re->code, text, subject.len, from, 0, work.data, work.context);
    } else {
        rc = pcre2_match(re->code, text, subject.len, from, 0, work.data, work.context);
    }
    if (rc >= 0) {
        WR_ASSERT(rc > 0);
        return rc;
    }
    /* What is not UTF-8 cannot match an expression about characters. */
    if (rc == PCRE2_ERROR_NOMATCH || (rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21)) {
        return 0;
    }
    say_why(rc, err);
    return -1;
}

static bool
admits(const weir_regex *re, weir_str subject)
{
    return subject.len >= re->min_len && wr_regex_literals_admit(&re->literals, subject);
}

struct wr_regex_gate
wr_regex_gate(const weir_regex *re)
{
    return wr_regex_gate_of(&re->literals);
}

static weir_str
present(weir_str subject)
{
    return subject.data != NULL ? subject : WEIR_STR("");
}

int
wr_regex_run_fully(const weir_regex *re, weir_str subject, struct wr_captures *c, struct wr_err *err)
{
    int known;

    subject = present(subject);
    known = run(re, subject, 0, err);
    if (known > 0 && c != NULL) {
        keep(c, subject, pcre2_get_ovector_pointer(work.data), known);
    }
    return known > 0 ? WEIR_OK : known == 0 ? WEIR_ABSENT : WEIR_ERROR;
}

int
wr_regex_run(const weir_regex *re, weir_str subject, struct wr_captures *c, struct wr_err *err)
{
    return admits(re, subject) ? wr_regex_run_fully(re, subject, c, err) : WEIR_ABSENT;
}

static void
set_names(struct wr_request *r, const weir_regex *re, weir_str subject, const size_t *offsets,
          int known)
{
    for (uint32_t i = 0; i < re->n_named; i++) {
        const struct named_group *g = &re->named[i];
        weir_str value = group_of(subject, offsets, known, g->group);
        bool again = i != 0 && g->var == re->named[i - 1].var;
        if (value.data != NULL || !again) {
            (void)weir_var_set(&r->pub, g->var, present(value));
        }
    }
}

int
wr_regex_match(struct wr_request *r, const weir_regex *re, weir_str subject)
{
    const size_t *offsets;
    struct wr_err err __attribute__((uninitialized)); /* half a kilobyte that is set when it is needed */
    int known;

    if (!admits(re, subject)) {
        return WEIR_ABSENT;
    }
    subject = present(subject);
    known = run(re, subject, 0, &err);
    if (known == 0) {
        return WEIR_ABSENT;
    }
    if (r == NULL) {
        return known < 0 ? WEIR_ERROR : WEIR_OK;
    }
    if (known < 0) {
        wr_say(&r->log, ERROR, "the regular expression \"%.*s\" on \"%.*s\": %s",
               WEIR_FMT(re->pattern), (int)WR_MIN(subject.len, (size_t)256), subject.data, err.text);
        return WEIR_ERROR;
    }
    if (r->captures == NULL) {
        r->captures = wr_pool_alloc(r->pub.pool, sizeof(*r->captures));
    }
    offsets = pcre2_get_ovector_pointer(work.data);
    keep(r->captures, subject, offsets, known);
    set_names(r, re, subject, offsets, known);
    return WEIR_OK;
}

void
weir_captures_drop(weir_request *r)
{
    if (wr_request_of(r)->captures != NULL) {
        wr_request_of(r)->captures->n = 0;
    }
}

int
weir_regex_match(weir_request *r, const weir_regex *re, weir_str subject)
{
    return wr_regex_match(r != NULL ? wr_request_of(r) : NULL, re, subject);
}

int
weir_regex_find(const weir_regex *re, weir_str subject, size_t from, weir_str *groups, uint32_t n)
{
    struct wr_err err __attribute__((uninitialized));
    int known;

    if (from > subject.len || !admits(re, subject)) {
        return WEIR_ABSENT;
    }
    subject = present(subject);
    known = run(re, subject, from, &err);
    if (known < 0) {
        wr_log_line(wr_log_process(), WR_LOG_ERROR, "the regular expression \"%.*s\": %s",
                    WEIR_FMT(re->pattern), err.text);
        return WEIR_ERROR;
    }
    for (uint32_t i = 0; known != 0 && i < n; i++) {
        groups[i] = group_of(subject, pcre2_get_ovector_pointer(work.data), known, i);
    }
    return known != 0 ? WEIR_OK : WEIR_ABSENT;
}
