/* upstream/match.c - blocks of conditions on a response, read and held against one. */
#include "upstream/match.h"

#include "base/num.h"
#include "base/pool.h"
#include "base/str.h"
#include "conf/bind.h"

enum { STATUS_MIN = 100, STATUS_MAX = 599 };

/* ---- Reading. ---- */

static struct wr_match *
create(weir_pool *pool, weir_str name)
{
    struct wr_match *m = wr_pool_zalloc(pool, sizeof(*m));

    m->name = name;
    wr_vec_init_of(&m->statuses, pool, struct wr_match_status);
    wr_vec_init_of(&m->fields, pool, struct wr_match_test);
    wr_vec_init_of(&m->bodies, pool, struct wr_match_test);
    return m;
}

struct wr_match *
wr_match_standard(weir_pool *pool)
{
    struct wr_match *m = create(pool, WEIR_STR(""));

    *(struct wr_match_status *)wr_vec_add(&m->statuses) =
        (struct wr_match_status){ .from = 200, .until = 399 };
    return m;
}

/* "200", "200-399". */
static bool
parse_statuses(weir_str text, struct wr_match_status *s)
{
    size_t dash = weir_str_find(text, '-');
    uint64_t from, until;

    if (!weir_parse_number(weir_str_cut(text, 0, dash), STATUS_MAX, &from)) {
        return false;
    }
    until = from;
    if (dash != text.len &&
        !weir_parse_number(weir_str_cut(text, dash + 1, SIZE_MAX), STATUS_MAX, &until)) {
        return false;
    }
    s->from = (uint32_t)from;
    s->until = (uint32_t)until;
    return from >= STATUS_MIN && from <= until;
}

/* "! " before all, or "!" at one. */
static int
read_status(weir_conf *cf, struct wr_match *m)
{
    bool all_not = weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("!"));
    uint32_t first = all_not ? 2 : 1;

    if (weir_conf_argc(cf) <= first) {
        return weir_conf_error(cf, "\"status\" wants a code");
    }
    for (uint32_t i = first; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        struct wr_match_status s = { .not = all_not };
        if (weir_str_starts(word, WEIR_STR("!"))) {
            s.not = true;
            word = weir_str_cut(word, 1, SIZE_MAX);
        }
        if (!parse_statuses(word, &s)) {
            return weir_conf_invalid(cf, i, "parameter");
        }
        *(struct wr_match_status *)wr_vec_add(&m->statuses) = s;
    }
    return WEIR_OK;
}

/* The operator and operand in words i and i + 1. */
static int
read_test(weir_conf *cf, uint32_t i, struct wr_match_test *t)
{
    weir_str op = weir_conf_arg(cf, i);

    if (weir_conf_argc(cf) != i + 2) {
        return weir_conf_error(cf, "invalid number of arguments in \"%.*s\"",
                               WEIR_FMT(weir_conf_arg(cf, 0)));
    }
    t->not = weir_str_starts(op, WEIR_STR("!"));
    op = weir_str_cut(op, t->not ? 1 : 0, SIZE_MAX);
    t->value = weir_conf_arg(cf, i + 1);
    if (weir_str_eq(op, WEIR_STR("="))) {
        t->how = WR_MATCH_EQUAL;
        return WEIR_OK;
    }
    if (!weir_str_eq(op, WEIR_STR("~")) && !weir_str_eq(op, WEIR_STR("~*"))) {
        return weir_conf_invalid(cf, i, "parameter");
    }
    t->how = WR_MATCH_REGEX;
    t->regex = weir_regex_compile(cf, t->value, op.len == 2 ? WEIR_REGEX_ICASE : 0);
    return t->regex != NULL ? WEIR_OK : WEIR_ERROR;
}

/* "header NAME", "header ! NAME", "header !NAME", "header NAME = VALUE", "header NAME !~ REGEX". */
static int
read_header(weir_conf *cf, struct wr_match *m)
{
    uint32_t argc = weir_conf_argc(cf);
    struct wr_match_test *t = wr_vec_add(&m->fields);

    t->name = weir_conf_arg(cf, 1);
    if (argc > 3) {
        return read_test(cf, 2, t);
    }
    if (argc == 3 && !weir_str_eq(t->name, WEIR_STR("!"))) {
        return weir_conf_invalid(cf, 2, "parameter");
    }
    t->not = weir_str_starts(t->name, WEIR_STR("!"));
    if (t->not) {
        t->name = argc == 3 ? weir_conf_arg(cf, 2) : weir_str_cut(t->name, 1, SIZE_MAX);
    }
    return t->name.len != 0 ? WEIR_OK : weir_conf_error(cf, "\"header\" wants a name");
}

static int
read_body(weir_conf *cf, struct wr_match *m)
{
    struct wr_match_test *t = wr_vec_add(&m->bodies);

    return read_test(cf, 1, t);
}

static int
read_statement(weir_conf *cf, void *data)
{
    weir_str name = weir_conf_arg(cf, 0);

    if (weir_str_eq(name, WEIR_STR("status"))) {
        return read_status(cf, data);
    }
    if (weir_str_eq(name, WEIR_STR("header"))) {
        return read_header(cf, data);
    }
    if (weir_str_eq(name, WEIR_STR("body"))) {
        return read_body(cf, data);
    }
    return weir_conf_error(cf, "unknown test \"%.*s\" in \"match\"", WEIR_FMT(name));
}

struct wr_match *
wr_match_read(weir_conf *cf)
{
    struct wr_match *m = create(cf->pool, weir_conf_arg(cf, 1));

    return weir_conf_block(cf, read_statement, m) == WEIR_OK ? m : NULL;
}

/* ---- Holding a response against it. ---- */

static bool
status_holds(const struct wr_match *m, uint32_t status)
{
    bool wanted = true, found = false;

    WR_VEC_EACH (const struct wr_match_status, s, &m->statuses) {
        bool in = status >= s->from && status <= s->until;
        if (s->not && in) {
            return false;
        }
        found = found || (!s->not && in);
        wanted = wanted && s->not; /* nothing but what must not be */
    }
    return found || wanted;
}

static bool
value_holds(const struct wr_match_test *t, weir_str value)
{
    return t->how == WR_MATCH_THERE   ? true
           : t->how == WR_MATCH_EQUAL ? weir_str_eq(value, t->value)
                                      : weir_regex_match(NULL, t->regex, value) == WEIR_OK;
}

/* One line of that name for which it holds. */
static bool
field_holds(const struct wr_match_test *t, const weir_reply *reply)
{
    for (const weir_header *h = reply->first; h != NULL; h = h->next) {
        if (weir_str_ieq(h->name, t->name) && value_holds(t, h->value)) {
            return true;
        }
    }
    return false;
}

const char *
wr_match_fault(const struct wr_match *m, const weir_reply *reply, weir_str body)
{
    if (!status_holds(m, reply->status)) {
        return "status";
    }
    WR_VEC_EACH (const struct wr_match_test, t, &m->fields) {
        if (field_holds(t, reply) == t->not) {
            return "header";
        }
    }
    WR_VEC_EACH (const struct wr_match_test, t, &m->bodies) {
        if (value_holds(t, body) == t->not) {
            return "body";
        }
    }
    return NULL;
}
