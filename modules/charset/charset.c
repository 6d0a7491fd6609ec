/* charset - says in Content-Type what character set a text is in, and converts texts: charset,
 * source_charset, override_charset.
 *
 * A filter behind those that work on the text as its author sees it. Tables are made at load
 * (table.c); the body is converted piece by piece (convert.c), without holding anything back.
 */
#include <weir/weir.h>

#include "convert.h"

enum { OUTPUT_SIZE = 16 * 1024 };

/* A set by name, as a directive has it. */
struct set {
    weir_str name; /* absent: off */
    bool utf8;
    const struct charset_table *table; /* NULL: UTF-8, or off */
};

struct known { /* what answers may say they are in, under override_charset */
    struct set *at;
    uint32_t n;
};

typedef struct {
    struct set charset, source;
    weir_strs types; /* besides text/html; none given: the usual ones */
    bool override;
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

/* What the text is in; NULL: not to be known. */
static const struct set *
source_of(const charset_conf *c, weir_str named)
{
    if (named.data == NULL) {
        return c->source.name.data != NULL ? &c->source : &c->charset;
    }
    for (uint32_t i = 0; i < c->known.n; i++) {
        if (weir_str_ieq(c->known.at[i].name, named)) {
            return &c->known.at[i];
        }
    }
    return NULL;
}

static int
filter_head(weir_request *r, const void *conf)
{
    const charset_conf *c = conf;
    const weir_header *type = r->out[WEIR_H_CONTENT_TYPE];
    const struct set *source;
    struct conversion *state;
    weir_str named;

    if (type == NULL || type->value.len == 0 || r->status == 206 || !is_text(r, c)) {
        return WEIR_DONE;
    }
    named = named_in(type->value);
    source = source_of(c, named);
    if ((named.data != NULL && !c->override) || source == NULL) {
        return WEIR_DONE;
    }
    if (weir_str_ieq(source->name, c->charset.name)) {
        if (named.data == NULL) {
            label(r, c->charset.name);
        }
        return WEIR_DONE;
    }
    if (!weir_out_is_text(r)) {
        return WEIR_DONE;
    }
    label(r, c->charset.name);
    if (r->out_length == 0) {
        return WEIR_DONE;
    }
    (void)weir_out_length(r, source->utf8 || c->charset.utf8 ? -1 : r->out_length);
    state = weir_ctx_make(r, sizeof(*state));
    *state = (struct conversion){ .from = source->table, .to = c->charset.table };
    weir_count(responses, r->method != WEIR_HEAD && r->status != 304);
    return WEIR_NEXT;
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
    struct set *set = field;
    weir_str name = weir_conf_arg(cf, 1);

    *set = (struct set){ 0 };
    if (weir_str_eq(name, WEIR_STR("off")) && strcmp(d->name, "charset") == 0) {
        return WEIR_OK;
    }
    if (name.len == 0 || weir_str_find(name, '$') != name.len) {
        return weir_conf_error_at(cf, 1,
                                  "a character set must have a name, and cannot be a variable");
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~' ||
            strchr("\"(),/;<=>?@[\\]{}", name.data[i]) != NULL) {
            return weir_conf_error_at(cf, 1, "\"%.*s\" cannot be the name of a character set",
                                      WEIR_FMT(name));
        }
    }
    set->name = name;
    return WEIR_OK;
}

/* Look the set up; it is needed for a conversion. */
static bool
look_up(weir_conf *cf, struct set *set, bool complain)
{
    enum charset_kind kind = charset_find(weir_conf_pool(cf), set->name, &set->table);

    set->utf8 = kind == CHARSET_UTF8;
    if (kind == CHARSET_UTF8 || kind == CHARSET_BYTES) {
        return true;
    }
    if (complain) {
        (void)weir_conf_error(
            cf,
            kind == CHARSET_UNKNOWN
                ? "there is no conversion for \"%.*s\": the system's iconv does not know it"
                : "there is no conversion for \"%.*s\": it is neither UTF-8 nor an ASCII of 8 bits",
            WEIR_FMT(set->name));
    }
    return false;
}

/* The sets that answers are commonly in, as far as the system knows them. */
static void
collect_known(weir_conf *cf, charset_conf *c)
{
    static const char *const names[] = {
        "utf-8",        "iso-8859-1",   "iso-8859-2",   "iso-8859-3",   "iso-8859-4",
        "iso-8859-5",   "iso-8859-6",   "iso-8859-7",   "iso-8859-8",   "iso-8859-9",
        "iso-8859-10",  "iso-8859-13",  "iso-8859-14",  "iso-8859-15",  "iso-8859-16",
        "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254",
        "windows-1255", "windows-1256", "windows-1257", "windows-1258", "koi8-r",
        "koi8-u",       "ibm866",       "macintosh",    "tis-620",
    };
    enum { N = sizeof(names) / sizeof(names[0]) };

    c->known.at = weir_zalloc(weir_conf_pool(cf), (N + 2) * sizeof(c->known.at[0]));
    c->known.at[c->known.n++] = c->charset;
    if (c->source.name.data != NULL) {
        c->known.at[c->known.n++] = c->source;
    }
    for (uint32_t i = 0; i < N; i++) {
        struct set *set = &c->known.at[c->known.n];
        set->name = weir_str_c(names[i]);
        c->known.n += look_up(cf, set, false);
    }
}

static int
check(weir_conf *cf, void *conf)
{
    charset_conf *c = conf;
    bool converts = c->source.name.data != NULL && !weir_str_ieq(c->source.name, c->charset.name);

    c->known = (struct known){ NULL, 0 };
    if (c->charset.name.data == NULL || (!converts && !c->override)) {
        return WEIR_OK;
    }
    if (!look_up(cf, &c->charset, true) || (converts && !look_up(cf, &c->source, true))) {
        return WEIR_ERROR;
    }
    if (c->override) {
        collect_known(cf, c);
    }
    return WEIR_OK;
}

static bool
wanted(const void *conf)
{
    return ((const charset_conf *)conf)->charset.name.data != NULL;
}

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(charset_conf, charset, "charset", WEIR_IN_ANY, 1, 1, 0, set_charset,
                    "the character set that texts are sent in, and said to be in"),
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
