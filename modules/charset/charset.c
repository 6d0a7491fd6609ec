/* charset - says in Content-Type what character set a text is in, and converts texts: charset,
 * source_charset, override_charset, charset_map.
 *
 * A filter behind those that work on the text as its author sees it. Tables are made at load
 * (table.c, map.c); the body is converted piece by piece (convert.c), without holding anything back.
 */
#include <weir/weir.h>

#include "convert.h"
#include "map.h"

enum { OUTPUT_SIZE = 16 * 1024 };

/* A set that can be converted from and to without a map. */
struct set {
    weir_str name;
    const struct charset_table *table; /* NULL: UTF-8 */
};

struct known {
    struct set *at;
    uint32_t n;
};

typedef struct {
    weir_value *charset, *source; /* NULL: off */
    weir_strs types;              /* besides text/html; none given: the usual ones */
    bool override;
    const struct charset_map *maps;
    struct known known; /* made by check() */
} charset_conf;

static weir_metric *responses;

/* ---- The head. ---- */

static bool
is_text(const weir_request *r, const charset_conf *c)
{
    static const weir_str usual[] = { { "text/html", 9 },
                                      { "text/xml", 8 },
                                      { "text/plain", 10 },
                                      { "text/vnd.wap.wml", 16 },
                                      { "application/javascript", 22 },
                                      { "application/rss+xml", 19 } };
    const weir_strs all = { usual, sizeof(usual) / sizeof(usual[0]) }, html = { usual, 1 };
    weir_str type = r->out[WEIR_H_CONTENT_TYPE]->value;

    if (c->types.count == 0) {
        return weir_type_among(type, &all);
    }
    return weir_type_among(type, &html) || weir_type_among(type, &c->types);
}

/* The charset parameter of a Content-Type; absent: it has none. */
static weir_str
named_in(weir_str type)
{
    weir_str part;

    while (weir_str_next(&type, ';', &part)) {
        if (part.len > 8 && weir_str_istarts(part, WEIR_STR("charset="))) {
            part = weir_str_cut(part, 8, part.len);
            if (part.len > 1 && part.data[0] == '"' && part.data[part.len - 1] == '"') {
                part = weir_str_cut(part, 1, part.len - 2);
            }
            return part;
        }
    }
    return (weir_str){ NULL, 0 };
}

/* Content-Type with this charset and no other parameter. */
static void
label(weir_request *r, weir_str charset)
{
    weir_str type = r->out[WEIR_H_CONTENT_TYPE]->value;

    type = weir_str_trim(weir_str_cut(type, 0, weir_str_find(type, ';')));
    (void)weir_out_set(
        r, WEIR_STR("Content-Type"),
        weir_print(r->pool, "%.*s; charset=%.*s", WEIR_FMT(type), WEIR_FMT(charset)));
}

/* ---- Which conversion. ---- */

static bool
is_name(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] <= ' ' || s.data[i] > '~' ||
            strchr("\"(),/;<=>?@[\\]{}", s.data[i]) != NULL) {
            return false;
        }
    }
    return s.len != 0;
}

/* The set that a directive names; absent: none. */
static weir_str
name_of(weir_request *r, const weir_value *value)
{
    weir_str name = value != NULL ? weir_value_get(r, value) : WEIR_STR("");

    return is_name(name) ? name : (weir_str){ NULL, 0 };
}

static const struct set *
find_set(const struct known *known, weir_str name)
{
    for (uint32_t i = 0; i < known->n; i++) {
        if (weir_str_ieq(known->at[i].name, name)) {
            return &known->at[i];
        }
    }
    return NULL;
}

/* Fill in what leads from one set to the other; false: nothing does. */
static bool
find_way(const charset_conf *c, weir_str from, weir_str to, struct conversion *way)
{
    const struct set *source, *wanted;

    *way = (struct conversion){ 0 };
    if (charset_map_find(c->maps, from, to, &way->from, &way->to)) {
        return true;
    }
    source = find_set(&c->known, from);
    wanted = find_set(&c->known, to);
    if (source == NULL || wanted == NULL) {
        return false;
    }
    way->from = source->table;
    way->to = wanted->table;
    return true;
}

/* ---- The head, in one. ---- */

static int
begin_conversion(weir_request *r, const struct conversion *way, weir_str charset)
{
    struct conversion *state;

    label(r, charset);
    if (r->out_length == 0) {
        return WEIR_DONE;
    }
    (void)weir_out_length(r, way->from == NULL || way->to == NULL ? -1 : r->out_length);
    state = weir_ctx_make(r, sizeof(*state));
    *state = *way;
    weir_count(responses, r->method != WEIR_HEAD && r->status != 304);
    return WEIR_NEXT;
}

static int
filter_head(weir_request *r, const void *conf)
{
    const charset_conf *c = conf;
    const weir_header *type = r->out[WEIR_H_CONTENT_TYPE];
    struct conversion way;
    weir_str named, source, charset;

    if (type == NULL || type->value.len == 0 || r->status == 206 || !is_text(r, c)) {
        return WEIR_DONE;
    }
    named = named_in(type->value);
    charset = name_of(r, c->charset);
    if (charset.data == NULL || (named.data != NULL && !c->override)) {
        return WEIR_DONE;
    }
    source = named.data != NULL ? named : name_of(r, c->source);
    if (source.data == NULL || weir_str_ieq(source, charset)) {
        if (named.data == NULL) {
            label(r, charset);
        }
        return WEIR_DONE;
    }
    if (!find_way(c, source, charset, &way)) {
        if (named.data == NULL) {
            weir_say(r->log, ERROR, "no \"charset_map\" between the charsets \"%.*s\" and \"%.*s\"",
                     WEIR_FMT(source), WEIR_FMT(charset));
        }
        return WEIR_DONE;
    }
    return weir_out_is_text(r) ? begin_conversion(r, &way, charset) : WEIR_DONE;
}

/* ---- The body. ---- */

/* A buffer converted, with its marks. */
static void
convert_buffer(weir_request *r, struct conversion *state, const weir_buf *b, weir_chain *out)
{
    const uint8_t *at = b->data, *end = at + b->len;
    uint32_t marks = b->flags & (WEIR_BUF_LAST | WEIR_BUF_FLUSH);
    bool done = false;

    while (!done) {
        size_t room = (size_t)(end - at) + 2 * CONVERT_MOST;
        uint8_t *begin, *to;
        weir_buf *made;

        room = room < OUTPUT_SIZE ? room : OUTPUT_SIZE;
        made = weir_buf_new(r->pool, room, &begin);
        to = begin;
        convert(state, &at, (size_t)(end - at), &to, room);
        done = at == end && (size_t)(begin + room - to) >= CONVERT_MOST;
        if (done && (marks & WEIR_BUF_LAST) != 0) {
            convert_end(state, &to);
        }
        made->len = (size_t)(to - begin);
        made->flags |= done ? marks : 0;
        if (made->len != 0 || made->flags != 0) {
            weir_chain_push(out, made);
        } else {
            weir_buf_drop(made);
        }
    }
}

static int
filter_body(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    weir_buf *b;

    (void)conf;
    while ((b = weir_chain_pop(in)) != NULL) {
        convert_buffer(r, weir_ctx(r), b, out);
        weir_buf_drop(b);
    }
    return WEIR_NEXT;
}

/* ---- Settings. ---- */

static int
set_charset(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_value **value = field;
    weir_str name = weir_conf_arg(cf, 1);

    *value = NULL;
    if (weir_str_eq(name, WEIR_STR("off")) && strcmp(d->name, "charset") == 0) {
        return WEIR_OK;
    }
    *value = weir_value_compile(cf, name);
    if (*value == NULL) {
        return WEIR_ERROR;
    }
    if ((*value)->constant.data != NULL && !is_name(name)) {
        return weir_conf_error_at(cf, 1, "\"%.*s\" cannot be the name of a character set",
                                  WEIR_FMT(name));
    }
    return WEIR_OK;
}

static int
set_map(weir_conf *cf, const weir_directive *d, void *field)
{
    const struct charset_map **maps = field;

    (void)d;
    return charset_map_read(cf, maps);
}

/* Is the set known now? What is needed for a conversion and is not is a mistake. */
static bool
look_up(weir_conf *cf, struct known *known, weir_str name, bool complain)
{
    struct set *set = &known->at[known->n];
    enum charset_kind kind = charset_find(weir_conf_pool(cf), name, &set->table);

    if (kind == CHARSET_UTF8 || kind == CHARSET_BYTES) {
        set->name = name;
        known->n++;
        return true;
    }
    if (complain) {
        (void)weir_conf_error(
            cf,
            kind == CHARSET_UNKNOWN
                ? "there is no conversion for \"%.*s\": the system's iconv does not know it"
                : "there is no conversion for \"%.*s\": it is neither UTF-8 nor an ASCII of 8 bits",
            WEIR_FMT(name));
    }
    return false;
}

/* The sets that answers are commonly in, as far as the system knows them. */
static const char *const common[] = {
    "utf-8",        "iso-8859-1",   "iso-8859-2",   "iso-8859-3",   "iso-8859-4",   "iso-8859-5",
    "iso-8859-6",   "iso-8859-7",   "iso-8859-8",   "iso-8859-9",   "iso-8859-10",  "iso-8859-13",
    "iso-8859-14",  "iso-8859-15",  "iso-8859-16",  "windows-1250", "windows-1251", "windows-1252",
    "windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258",
    "koi8-r",       "koi8-u",       "ibm866",       "macintosh",    "tis-620",
};
enum { N_COMMON = sizeof(common) / sizeof(common[0]) };

static bool
is_variable(const weir_value *value)
{
    return value != NULL && value->constant.data == NULL;
}

/* Two sets that are written must lead to each other. A variable may name what is common. */
static int
check(weir_conf *cf, void *conf)
{
    charset_conf *c = conf;
    weir_value *ends[] = { c->charset, c->source };
    bool varies = is_variable(c->charset) || is_variable(c->source), converts, mapped;
    struct conversion way;

    c->known = (struct known){ NULL, 0 };
    converts = c->source != NULL && !varies &&
               !weir_str_ieq(c->source->constant,
                             c->charset != NULL ? c->charset->constant : WEIR_STR(""));
    if (c->charset == NULL || (!converts && !c->override && !varies)) {
        return WEIR_OK;
    }
    /* Nothing is known yet but maps. */
    mapped = converts && find_way(c, c->source->constant, c->charset->constant, &way);
    c->known.at = weir_zalloc(weir_conf_pool(cf), (N_COMMON + 2) * sizeof(c->known.at[0]));
    for (size_t i = 0; i < 2; i++) {
        bool needed = converts ? !mapped : i == 0 && !varies && c->maps == NULL;
        if (ends[i] != NULL && !is_variable(ends[i]) &&
            !look_up(cf, &c->known, ends[i]->constant, needed) && needed) {
            return WEIR_ERROR;
        }
    }
    for (size_t i = 0; i < N_COMMON && (c->override || varies); i++) {
        (void)look_up(cf, &c->known, weir_str_c(common[i]), false);
    }
    return WEIR_OK;
}

static bool
wanted(const void *conf)
{
    return ((const charset_conf *)conf)->charset != NULL;
}

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(charset_conf, charset, "charset", WEIR_IN_ANY, 1, 1, 0, set_charset,
                    "the character set that texts are sent in, and said to be in"),
    WEIR_OPT_CUSTOM(charset_conf, maps, "charset_map", WEIR_IN_HTTP, 2, 2,
                    WEIR_D_BLOCK | WEIR_D_MANY, set_map,
                    "what the bytes of one character set are in another"),
    WEIR_OPT_CUSTOM(charset_conf, source, "source_charset", WEIR_IN_ANY, 1, 1, 0, set_charset,
                    "the character set that texts are in before they are converted"),
    WEIR_OPT(charset_conf, override, FLAG, "override_charset", WEIR_IN_ANY, "off",
             "convert also what says itself what it is in"),
    WEIR_OPT(charset_conf, types, STRS, "charset_types",
             WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION, NULL,
             "media types of texts, besides text/html; * for all"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_HEADERS,
      .handler = filter_head,
      .wanted = wanted,
      .after = "addition sub" },
    { .phase = WEIR_PHASE_BODY,
      .body = filter_body,
      .wanted = wanted,
      .after = "addition sub",
      .flags = WEIR_HOOK_TEXT },
};

static const weir_metric_def metrics[] = {
    { .name = "responses_total",
      .help = "responses that were converted",
      .handle = &responses,
      .type = WEIR_COUNTER },
};

WEIR_MODULE("charset", "1.0", .summary = "says what character set texts are in, and converts them",
            .conf_size = sizeof(charset_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .metrics = WEIR_ITEMS(metrics), .check = check);
