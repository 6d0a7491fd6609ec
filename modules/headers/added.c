/* added - reads add_header and add_trailer and settles what each block inherits.
 *
 * What is wrong with a name or the constant part of a value is found here, at load: a request can
 * only go wrong by what its variables bring.
 */
#include "added.h"

/* Of these an answer has one, so an added one takes the place of another. */
static const char *const single_names[] = {
    "Content-Type", "ETag", "Expires", "Last-Modified", "Location", "Server", NULL,
};

/* Of these an empty value says that there shall be none. */
static const char *const removed_names[] = { "ETag", "Last-Modified", NULL };

/* These are the server's own affair. */
static const char *const server_names[] = {
    "Connection", "Content-Length", "Date", "Transfer-Encoding", NULL,
};

/* A recipient needs these before the body. [RFC 9110 6.5.1] */
static const char *const head_names[] = {
    "Content-Encoding", "Content-Range", "Content-Type", "Host", "Set-Cookie", "Trailer", NULL,
};

/* Read "name value [always]" into f. */
static int
read_field(weir_conf *cf, struct field *f)
{
    weir_str text = weir_conf_arg(cf, 2);
    weir_str always = weir_conf_arg(cf, 3);

    f->name = weir_conf_arg(cf, 1);
    if (!weir_is_token(f->name)) {
        return weir_conf_error_at(cf, 1, "\"%.*s\" cannot be a field name: it must be a token",
                                  WEIR_FMT(f->name));
    }
    if (!weir_is_field_value(text)) {
        return weir_conf_error_at(cf, 2, "the value of \"%.*s\" must be one line of text",
                                  WEIR_FMT(f->name));
    }
    if (always.data != NULL && !weir_str_eq(always, WEIR_STR("always"))) {
        return weir_conf_error_at(cf, 3, "invalid parameter \"%.*s\", it must be \"always\"",
                                  WEIR_FMT(always));
    }
    f->always = always.data != NULL;
    f->single = weir_str_is_among(f->name, single_names);
    f->removes = weir_str_is_among(f->name, removed_names);
    f->value = weir_value_compile(cf, text);
    return f->value == NULL ? WEIR_ERROR : WEIR_OK;
}

static int
append_field(weir_conf *cf, struct field_list *list)
{
    struct field_node *node = weir_zalloc(weir_conf_pool(cf), sizeof(*node));
    int rc = read_field(cf, &node->field);

    if (rc != WEIR_OK) {
        return rc;
    }
    if (list->last != NULL) {
        list->last->next = node;
    } else {
        list->first = node;
    }
    list->last = node;
    list->count++;
    return WEIR_OK;
}

int
set_add_header(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str name = weir_conf_arg(cf, 1);
    /* Written beside `return 204;` by many: nothing is lost with it. */
    bool idle = weir_str_ieq(name, WEIR_STR("Content-Length")) &&
                weir_str_eq(weir_conf_arg(cf, 2), WEIR_STR("0"));

    (void)d;
    if (idle) {
        return WEIR_OK;
    }
    if (weir_str_is_among(name, server_names)) {
        weir_conf_warn(cf, "\"add_header %.*s\" has no effect: the server makes this field",
                       WEIR_FMT(name));
        return WEIR_OK;
    }
    return append_field(cf, field);
}

int
set_add_trailer(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str name = weir_conf_arg(cf, 1);

    (void)d;
    if (weir_str_is_among(name, server_names) || weir_str_is_among(name, head_names)) {
        return weir_conf_error_at(cf, 1, "\"%.*s\" cannot be a trailer", WEIR_FMT(name));
    }
    return append_field(cf, field);
}

int
set_inherit(weir_conf *cf, const weir_directive *d, void *field)
{
    static const char *const rules[] = { "on", "off", "merge" };
    weir_str word = weir_conf_arg(cf, 1);

    (void)d;
    for (uint32_t i = 0; i < 3; i++) {
        if (weir_str_eq(word, weir_str_c(rules[i]))) {
            ((struct settled *)field)->rule = i;
            return WEIR_OK;
        }
    }
    return weir_conf_error_at(
        cf, 1, "invalid value \"%.*s\", it must be \"on\", \"off\" or \"merge\"", WEIR_FMT(word));
}

/* May the field be made ready: is it added, whatever the request? */
static bool
is_constant(const struct field *f)
{
    return !f->single && f->value->constant.data != NULL && f->value->constant.len != 0;
}

/* The fields that go together with the first of n, itself counted: 0 if it is not constant. */
static uint32_t
run_at(const struct field *f, uint32_t n)
{
    uint32_t length = 0;

    while (length < n && is_constant(&f[length]) && f[length].always == f[0].always) {
        length++;
    }
    return length;
}

static const weir_header *
make_ready(weir_pool *pool, const struct field *f, uint32_t n)
{
    weir_pair *pairs = weir_alloc(pool, n * sizeof(*pairs));
    size_t bytes = 0;

    for (uint32_t i = 0; i < n; i++) {
        pairs[i] = (weir_pair){ f[i].name, f[i].value->constant };
        bytes += f[i].name.len + f[i].value->constant.len;
    }
    return weir_fields_make(weir_alloc(pool, weir_fields_size(n, bytes)), pairs, n);
}

static void
find_runs(weir_pool *pool, struct field *fields, uint32_t count)
{
    for (uint32_t i = 0, length; i < count; i += length != 0 ? length : 1) {
        length = run_at(&fields[i], count - i);
        fields[i].run_length = length;
        fields[i].run = length != 0 ? make_ready(pool, &fields[i], length) : NULL;
    }
}

void
added_settle(weir_conf *cf, struct added *a)
{
    struct settled *s = &a->settled;

    if (a->own.count == 0) {
        if (s->rule == INHERIT_OFF) {
            s->count = 0;
        }
        return;
    }
    uint32_t outer = s->rule == INHERIT_MERGE ? s->count : 0;
    struct field *fields = weir_alloc(weir_conf_pool(cf), (a->own.count + outer) * sizeof(*fields));
    uint32_t n = 0;
    for (const struct field_node *node = a->own.first; node != NULL; node = node->next) {
        fields[n++] = node->field;
    }
    for (uint32_t i = 0; i < outer; i++) {
        fields[n++] = s->fields[i];
    }
    find_runs(weir_conf_pool(cf), fields, n);
    s->fields = fields;
    s->count = n;
}

bool
settled_varies(const struct settled *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->fields[i].value->constant.data == NULL) {
            return true;
        }
    }
    return false;
}
