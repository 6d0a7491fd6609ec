/* conf/setter.c - the argument types; messages are nginx's where nginx has one. */
#include "conf/setter.h"

#include "base/assert.h"
#include "base/num.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "conf/suggest.h"
#include "conf/usage.h"

/* Room behind a list of this block, kept so that a directive that is repeated a thousand times does
 * not copy it each time. */
struct wr_setter_room {
    struct wr_setter_room *next;
    const weir_str *at;
    size_t room;
};

static weir_str
argument(const struct weir_conf *cf)
{
    return cf->node->words[1].text;
}

static int
refuse(struct weir_conf *cf, const weir_directive *row, uint32_t i, const char *hint)
{
    struct wr_conf_place at = wr_conf_place(cf->node, i);

    if (row->type == WEIR_T_FLAG) {
        wr_diag_error(cf->diag, at, hint,
                      "invalid value \"%.*s\" in \"%s\" directive, it must be \"on\" or \"off\"",
                      WEIR_FMT(cf->node->words[i].text), row->name);
    } else if (row->names != NULL) {
        wr_diag_error(cf->diag, at, hint, "invalid value \"%.*s\" in \"%s\" directive",
                      WEIR_FMT(cf->node->words[i].text), row->name);
    } else {
        wr_diag_error(cf->diag, at, hint, "\"%s\" directive invalid %s", row->name,
                      row->type == WEIR_T_INT ? "number" : "value");
    }
    return WEIR_ERROR;
}

static int
set_flag(struct weir_conf *cf, const weir_directive *row, void *field)
{
    bool on = weir_str_ieq(argument(cf), WEIR_STR("on"));

    if (!on && !weir_str_ieq(argument(cf), WEIR_STR("off"))) {
        return refuse(cf, row, 1, NULL);
    }
    *(bool *)field = on;
    return WEIR_OK;
}

static int
set_int(struct weir_conf *cf, const weir_directive *row, void *field)
{
    weir_str text = argument(cf);
    bool minus = weir_str_starts(text, WEIR_STR("-"));
    uint64_t n;

    if (!weir_parse_number(weir_str_cut(text, minus ? 1 : 0, SIZE_MAX), INT64_MAX, &n)) {
        return refuse(cf, row, 1, wr_usage_form(row));
    }
    *(int64_t *)field = minus ? -(int64_t)n : (int64_t)n;
    return WEIR_OK;
}

static int
set_size(struct weir_conf *cf, const weir_directive *row, void *field)
{
    uint64_t bytes;

    if (weir_parse_size(argument(cf), &bytes) != WEIR_OK) {
        return refuse(cf, row, 1, wr_usage_form(row));
    }
    *(uint64_t *)field = bytes;
    return WEIR_OK;
}

static int
set_msec(struct weir_conf *cf, const weir_directive *row, void *field)
{
    uint64_t ms;

    if (weir_parse_msec(argument(cf), &ms) != WEIR_OK) {
        return refuse(cf, row, 1, wr_usage_form(row));
    }
    *(uint64_t *)field = ms;
    return WEIR_OK;
}

static int
set_str(struct weir_conf *cf, const weir_directive *row, void *field)
{
    (void)row;
    *(weir_str *)field = argument(cf);
    return WEIR_OK;
}

weir_str
weir_conf_path(weir_conf *cf, weir_str path)
{
    if (path.len != 0 && path.data[0] != '/') {
        return weir_print(cf->pool, "%.*s%.*s", WEIR_FMT(cf->prefix), WEIR_FMT(path));
    }
    return weir_dup(cf->pool, path);
}

weir_str
weir_conf_file(weir_conf *cf, weir_str path)
{
    if (path.len == 0 || path.data[0] != '/') {
        return weir_print(cf->pool, "%.*s%.*s", WEIR_FMT(cf->folder), WEIR_FMT(path));
    }
    return weir_dup(cf->pool, path);
}

static int
set_path(struct weir_conf *cf, const weir_directive *row, void *field)
{
    (void)row;
    *(weir_str *)field = weir_conf_path(cf, argument(cf));
    return WEIR_OK;
}

/* Memory for `more` strings behind those of list. */
static weir_str *
strs_grow(struct weir_conf *cf, const weir_strs *list, size_t more)
{
    struct wr_setter_room *r = cf->strs_room;
    size_t room = list->count + more;
    weir_str *at;

    if (list->count == 0) { /* most are never added to: no room, no note of it */
        return wr_pool_alloc(cf->pool, more * sizeof(*at));
    }
    while (r != NULL && r->at != list->at) {
        r = r->next;
    }
    if (r != NULL && r->room >= room) {
        return (weir_str *)(void *)(uintptr_t)r->at; /* ours, made below */
    }
    room *= 2;
    at = wr_pool_alloc(cf->pool, room * sizeof(*at));
    memcpy(at, list->at, list->count * sizeof(*at));
    if (r == NULL) {
        r = wr_pool_alloc(cf->pool, sizeof(*r));
        r->next = cf->strs_room;
        cf->strs_room = r;
    }
    r->at = at;
    r->room = room;
    return at;
}

static int
set_strs(struct weir_conf *cf, const weir_directive *row, void *field)
{
    weir_strs *list = field;
    size_t more = cf->node->n_words - 1;
    weir_str *at = strs_grow(cf, list, more);

    (void)row;
    for (size_t i = 0; i < more; i++) {
        at[list->count + i] = cf->node->words[i + 1].text;
    }
    list->at = at;
    list->count += more;
    return WEIR_OK;
}

/* The row's name for word i; NULL after a report. */
static const weir_name *
find_name(struct weir_conf *cf, const weir_directive *row, uint32_t i)
{
    weir_str word = cf->node->words[i].text;
    struct wr_suggest s;
    char room[512];
    struct wr_strbuf hint = wr_strbuf_over(room, sizeof(room) - 1);

    wr_suggest_init(&s, word);
    for (const weir_name *n = row->names; n != NULL && n->name != NULL; n++) {
        if (weir_str_ieq(weir_str_c(n->name), word)) {
            return n;
        }
        wr_suggest_add(&s, n->name);
    }
    if (s.best != NULL) {
        wr_strbuf_print(&hint, "did you mean \"%s\"? ", s.best);
    }
    wr_usage_names(&hint, row);
    room[hint.len] = '\0';
    refuse(cf, row, i, room);
    return NULL;
}

static int
set_enum(struct weir_conf *cf, const weir_directive *row, void *field)
{
    const weir_name *n = find_name(cf, row, 1);

    if (n == NULL) {
        return WEIR_ERROR;
    }
    *(uint32_t *)field = n->value;
    return WEIR_OK;
}

static int
set_bits(struct weir_conf *cf, const weir_directive *row, void *field)
{
    uint32_t bits = *(uint32_t *)field; /* of such lines before in this block */
    int rc = WEIR_OK;

    for (uint32_t i = 1; i < cf->node->n_words; i++) {
        const weir_name *n = find_name(cf, row, i);
        if (n == NULL) {
            rc = WEIR_ERROR;
            continue;
        }
        if (n->value != 0 && (bits & n->value) == n->value) {
            wr_diag_add(cf->diag, WR_DIAG_WARN, wr_conf_place(cf->node, i), NULL,
                        "duplicate value \"%s\" in \"%s\" directive", n->name, row->name);
        }
        bits |= n->value;
    }
    if (rc == WEIR_OK) {
        *(uint32_t *)field = bits;
    }
    return rc;
}

static int
set_value(struct weir_conf *cf, const weir_directive *row, void *field)
{
    (void)row;
    WR_ASSERT(cf->make_value != NULL);
    return cf->make_value(cf, argument(cf), field);
}

static int
set_zone(struct weir_conf *cf, const weir_directive *row, void *field)
{
    (void)row;
    WR_ASSERT(cf->make_zone != NULL);
    return cf->make_zone(cf, argument(cf), field);
}

static int
set_upstream(struct weir_conf *cf, const weir_directive *row, void *field)
{
    (void)row;
    WR_ASSERT(cf->make_upstream != NULL);
    return cf->make_upstream(cf, argument(cf), field);
}

int
wr_setter_apply(struct weir_conf *cf, const weir_directive *row, void *field)
{
    static int (*const setters[])(struct weir_conf * cf, const weir_directive *row, void *field) = {
        [WEIR_T_FLAG] = set_flag, [WEIR_T_INT] = set_int,   [WEIR_T_SIZE] = set_size,
        [WEIR_T_MSEC] = set_msec, [WEIR_T_STR] = set_str,   [WEIR_T_STRS] = set_strs,
        [WEIR_T_ENUM] = set_enum, [WEIR_T_BITS] = set_bits, [WEIR_T_VALUE] = set_value,
        [WEIR_T_PATH] = set_path, [WEIR_T_ZONE] = set_zone, [WEIR_T_UPSTREAM] = set_upstream,
        [WEIR_T_CUSTOM] = NULL,
    };

    WR_ASSERT(row->type > 0 && row->type < WR_COUNT(setters));
    return setters[row->type] != NULL ? setters[row->type](cf, row, field) : WEIR_OK;
}

/* ---- Sizes and times. ---- */

int
weir_parse_size(weir_str s, uint64_t *bytes)
{
    unsigned shift = 0;
    uint64_t n;

    switch (s.len != 0 ? weir_lower((uint8_t)s.data[s.len - 1]) : 0) {
    case 'k':
        shift = 10;
        break;
    case 'm':
        shift = 20;
        break;
    case 'g':
        shift = 30;
        break;
    default:
        break;
    }
    if (shift != 0) {
        s.len--;
    }
    if (!weir_parse_number(s, (uint64_t)INT64_MAX >> shift, &n)) {
        return WEIR_INVALID;
    }
    *bytes = n << shift;
    return WEIR_OK;
}

static const uint64_t second_ms = 1000, minute_ms = 60 * 1000, hour_ms = 3600 * 1000,
                      day_ms = 24 * 3600 * 1000;

/* Take the unit at the beginning of s: how many milliseconds it is, and its rank (units come in
 * falling order). A text that ends here is in seconds. False when there is no unit. */
static bool
take_unit(weir_str *s, uint64_t *scale_ms, unsigned *rank)
{
    const struct {
        const char *name;
        uint64_t ms;
        unsigned rank;
    } units[] = {
        { "ms", 1, 8 },          { "s", second_ms, 7 },    { "m", minute_ms, 6 },
        { "h", hour_ms, 5 },     { "d", day_ms, 4 },       { "w", 7 * day_ms, 3 },
        { "M", 30 * day_ms, 2 }, { "y", 365 * day_ms, 1 },
    };

    for (size_t i = 0; i < WR_COUNT(units); i++) {
        weir_str name = weir_str_c(units[i].name);
        if (weir_str_starts(*s, name)) {
            *s = weir_str_cut(*s, name.len, SIZE_MAX);
            *scale_ms = units[i].ms;
            *rank = units[i].rank;
            return true;
        }
    }
    *scale_ms = second_ms;
    *rank = 7;
    return s->len == 0;
}

int
weir_parse_msec(weir_str s, uint64_t *ms)
{
    uint64_t total = 0;
    unsigned last = 0;

    do {
        uint64_t n, scale;
        unsigned rank;
        size_t digits = 0;
        while (digits < s.len && s.data[digits] >= '0' && s.data[digits] <= '9') {
            digits++;
        }
        if (!weir_parse_number(weir_str_cut(s, 0, digits), INT64_MAX, &n)) {
            return WEIR_INVALID;
        }
        s = weir_str_cut(s, digits, SIZE_MAX);
        if (!take_unit(&s, &scale, &rank) || rank <= last || __builtin_mul_overflow(n, scale, &n) ||
            __builtin_add_overflow(total, n, &total) || total > INT64_MAX) {
            return WEIR_INVALID;
        }
        last = rank;
        while (s.len != 0 && s.data[0] == ' ') {
            s = weir_str_cut(s, 1, SIZE_MAX);
        }
    } while (s.len != 0);
    *ms = total;
    return WEIR_OK;
}

int
weir_conf_between(weir_conf *cf, uint32_t i, int64_t value, int64_t least, int64_t most)
{
    return value >= least && value <= most
               ? WEIR_OK
               : weir_conf_error_at(cf, i, "value must be between %lld and %lld", (long long)least,
                                    (long long)most);
}

int
weir_set_written(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)cf;
    (void)d;
    *(bool *)field = true;
    return WEIR_OK;
}
