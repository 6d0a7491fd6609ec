/* format.c - log_format: texts with variables, compiled once. */
#include "log.h"

enum { FORMAT_MAX = 64 << 10 }; /* bytes of one format's text */

static const weir_name escapes[] = { { "default", WEIR_ESCAPE_LOG },
                                     { "json", WEIR_ESCAPE_JSON },
                                     { "none", WEIR_ESCAPE_NONE } };

void
log_format_init(struct log_registry *g)
{
    g->combined = (struct log_format){
        .name = WEIR_STR("combined"),
        .text = WEIR_STR("$remote_addr - $remote_user [$time_local] \"$request\" $status "
                         "$body_bytes_sent \"$http_referer\" \"$http_user_agent\"\n"),
        .escape = WEIR_ESCAPE_LOG,
    };
    /* The status is a string: a request that ended before it had one has "000", no number in JSON.
     */
    g->json = (struct log_format){
        .name = WEIR_STR("json"),
        .text = WEIR_STR("{\"time\":\"$time_iso8601\",\"client\":\"$remote_addr\","
                         "\"user\":\"$remote_user\",\"host\":\"$host\","
                         "\"method\":\"$request_method\",\"uri\":\"$request_uri\","
                         "\"protocol\":\"$server_protocol\",\"status\":\"$status\","
                         "\"request_bytes\":$request_length,\"bytes\":$bytes_sent,"
                         "\"body_bytes\":$body_bytes_sent,\"seconds\":$request_time,"
                         "\"referer\":\"$http_referer\",\"agent\":\"$http_user_agent\","
                         "\"id\":\"$request_id\"}\n"),
        .escape = WEIR_ESCAPE_JSON,
    };
}

/* True unless it does not compile. */
static bool
compile(weir_conf *cf, struct log_format *f)
{
    weir_str missing = f->escape == WEIR_ESCAPE_LOG ? WEIR_STR("-") : WEIR_STR("");

    if (f->line == NULL) {
        f->line = weir_value_compile_escaped(cf, f->text, f->escape, missing);
    }
    return f->line != NULL;
}

static struct log_format *
find_own(const struct log_registry *g, weir_str name)
{
    struct log_format *f = g->formats;

    while (f != NULL && !weir_str_eq(f->name, name)) {
        f = f->next;
    }
    return f;
}

const struct log_format *
log_format_find(weir_conf *cf, struct log_registry *g, weir_str name, bool *known)
{
    struct log_format *f = find_own(g, name);

    if (f == NULL && weir_str_eq(name, g->combined.name)) {
        f = &g->combined;
    }
    if (f == NULL && weir_str_eq(name, g->json.name)) {
        f = &g->json;
    }
    *known = f != NULL;
    return f != NULL && compile(cf, f) ? f : NULL;
}

/* The words from `first` on as one text with a line break. Absent after a reported error. */
static weir_str
join(weir_conf *cf, uint32_t first)
{
    weir_str none = { NULL, 0 };
    size_t len = 1;
    size_t at = 0;
    char *text;

    for (uint32_t i = first; i < weir_conf_argc(cf); i++) {
        len += weir_conf_arg(cf, i).len;
        if (len > FORMAT_MAX) {
            (void)weir_conf_error_at(cf, i, "the log format is longer than 64k");
            return none;
        }
    }
    text = weir_alloc(weir_conf_pool(cf), len);
    for (uint32_t i = first; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);

        memcpy(text + at, word.data, word.len);
        at += word.len;
    }
    text[at] = '\n';
    return (weir_str){ text, at + 1 };
}

/* escape=NAME at word 2, if it is there: true; *escape and *first (the text's first word) are set.
 */
static bool
read_escape(weir_conf *cf, uint32_t *escape, uint32_t *first)
{
    weir_str name;

    *escape = WEIR_ESCAPE_LOG;
    *first = 2;
    if (!weir_str_after(weir_conf_arg(cf, 2), WEIR_STR("escape="), &name)) {
        return true;
    }
    *first = 3;
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        if (weir_str_eq(name, weir_str_c(escapes[i].name))) {
            *escape = escapes[i].value;
            return true;
        }
    }
    (void)weir_conf_error_at(cf, 2,
                             "unknown log format escaping \"%.*s\", it must be \"default\", "
                             "\"json\" or \"none\"",
                             WEIR_FMT(name));
    return false;
}

int
log_set_format(weir_conf *cf, const weir_directive *d, void *field)
{
    log_conf *c = (void *)((char *)field - offsetof(log_conf, formats));
    struct log_registry *g = log_registry_of(cf, &c->shared);
    weir_str name = weir_conf_arg(cf, 1);
    struct log_format *f;
    uint32_t first;

    (void)d;
    if (find_own(g, name) != NULL || weir_str_eq(name, g->combined.name)) {
        return weir_conf_error_at(cf, 1, "duplicate \"log_format\" name \"%.*s\"", WEIR_FMT(name));
    }
    f = weir_zalloc(weir_conf_pool(cf), sizeof(*f));
    f->name = name;
    if (!read_escape(cf, &f->escape, &first)) {
        return WEIR_ERROR;
    }
    if (first >= weir_conf_argc(cf)) {
        return weir_conf_error(cf, "the log format \"%.*s\" has no text", WEIR_FMT(name));
    }
    f->text = join(cf, first);
    if (f->text.data == NULL || !compile(cf, f)) {
        return WEIR_ERROR;
    }
    f->next = g->formats;
    g->formats = f;
    return WEIR_OK;
}
