/* map - a variable whose value depends on a text: map $from $to { ... }.
 *
 * Looked up when somebody asks for the variable: the texts by their hash, then names with a
 * wildcard by the parts between their dots, then regular expressions in order. What is not there
 * costs as little as what is.
 */
#include "table.h"

struct pattern {
    struct pattern *next;
    weir_regex *regex;
    weir_value *value;
};

struct map {
    weir_value *source;
    struct table names;   /* as they are */
    struct table domains; /* *.NAME */
    struct table hosts;   /* NAME.* */
    struct pattern *patterns, *last;
    weir_value *otherwise; /* default; NULL: empty */
    bool hostnames;
    bool is_volatile;
};

/* ---- Looking up. ---- */

/* The longest NAME of which name is a subdomain. */
static weir_value *
find_domain(const struct map *m, weir_str name)
{
    weir_value *value = NULL;

    for (size_t i = 1; m->domains.used != 0 && value == NULL && i + 1 < name.len; i++) {
        if (name.data[i] == '.') {
            value = table_find(&m->domains, (weir_str){ name.data + i + 1, name.len - i - 1 });
        }
    }
    return value;
}

/* The longest NAME that name begins with, up to a dot. */
static weir_value *
find_host(const struct map *m, weir_str name)
{
    weir_value *value = NULL;

    for (size_t i = name.len; m->hosts.used != 0 && value == NULL && i-- > 1;) {
        if (name.data[i] == '.') {
            value = table_find(&m->hosts, (weir_str){ name.data, i });
        }
    }
    return value;
}

/* No expression is asked about an empty text, whatever it would match: `~^(a|b)?$` is about texts
 * that are there, and lists rely on `default` for those that are not.  [nginx map] */
static weir_value *
find_pattern(weir_request *r, const struct map *m, weir_str text)
{
    const struct pattern *p = text.len != 0 ? m->patterns : NULL;

    while (p != NULL && weir_regex_match(r, p->regex, text) != WEIR_OK) {
        p = p->next;
    }
    return p != NULL ? p->value : m->otherwise;
}

static weir_str
get(weir_request *r, void *data)
{
    const struct map *m = data;
    weir_str text = weir_value_get(r, m->source);

    if (m->hostnames && text.len != 0 && text.data[text.len - 1] == '.') {
        text.len--;
    }
    weir_value *value = table_find(&m->names, text);
    if (value == NULL) {
        value = find_domain(m, text);
    }
    if (value == NULL) {
        value = find_host(m, text);
    }
    if (value == NULL) {
        value = find_pattern(r, m, text);
    }
    return value != NULL ? weir_value_get(r, value) : WEIR_STR("");
}

/* ---- Reading. ---- */

/* What is known while the block is read. */
struct reading {
    struct map *map;
    weir_str text; /* of the value made last: lists often have one value in many lines */
    weir_value *value;
    weir_pool *pool;
    bool failed; /* a line was wrong: the others are read all the same */
};

static bool
begins_with(weir_str s, char c)
{
    return s.len != 0 && s.data[0] == c;
}

static int
conflict(weir_conf *cf, weir_str key)
{
    return weir_conf_error_at(cf, 0, "conflicting parameter \"%.*s\"", WEIR_FMT(key));
}

static int
add_pattern(weir_conf *cf, struct reading *read, weir_str text)
{
    bool fold = begins_with(text, '*');
    struct pattern *p = weir_zalloc(read->pool, sizeof(*p));

    p->regex =
        weir_regex_compile(cf, weir_str_cut(text, fold, text.len), fold ? WEIR_REGEX_ICASE : 0);
    p->value = read->value;
    if (read->map->last != NULL) {
        read->map->last->next = p;
    } else {
        read->map->patterns = p;
    }
    read->map->last = p;
    return p->regex != NULL ? WEIR_OK : WEIR_ERROR;
}

/* May it be a name or wildcard? Stars and doubled dots may not be inside. */
static bool
is_name(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '*' || s.data[i] == '\0' ||
            (s.data[i] == '.' && i + 1 < s.len && s.data[i + 1] == '.')) {
            return false;
        }
    }
    return true;
}

static int
add_hostname(weir_conf *cf, struct reading *read, weir_str key)
{
    struct map *m = read->map;
    struct table *to = &m->names;
    weir_str name = key;
    bool domain_too = key.len > 1 && begins_with(key, '.'); /* .NAME: NAME and *.NAME */

    if (domain_too) {
        name = weir_str_cut(key, 1, key.len);
    } else if (key.len > 2 && key.data[0] == '*' && key.data[1] == '.') {
        name = weir_str_cut(key, 2, key.len);
        to = &m->domains;
    } else if (key.len > 2 && key.data[key.len - 1] == '*' && key.data[key.len - 2] == '.') {
        name.len -= 2;
        to = &m->hosts;
    }
    if (!is_name(name)) {
        return weir_conf_error_at(cf, 0, "invalid hostname or wildcard \"%.*s\"", WEIR_FMT(key));
    }
    if (!table_add(to, read->pool, name, read->value) ||
        (domain_too && !table_add(&m->domains, read->pool, name, read->value))) {
        return conflict(cf, key);
    }
    return WEIR_OK;
}

static int
read_word(weir_conf *cf, struct reading *read)
{
    weir_str word = weir_conf_arg(cf, 0);

    if (weir_str_eq(word, WEIR_STR("hostnames"))) {
        read->map->hostnames = true;
        return WEIR_OK;
    }
    if (weir_str_eq(word, WEIR_STR("volatile"))) {
        read->map->is_volatile = true;
        return WEIR_OK;
    }
    return weir_conf_error(cf, "invalid number of the map parameters");
}

/* A text, or one of the forms that a first byte tells. */
static int
add_key(weir_conf *cf, struct reading *read, weir_str key)
{
    if (begins_with(key, '~')) {
        return add_pattern(cf, read, weir_str_cut(key, 1, key.len));
    }
    if (begins_with(key, '\\')) { /* what follows is none of the words above */
        key = weir_str_cut(key, 1, key.len);
    }
    if (read->map->hostnames) {
        return add_hostname(cf, read, key);
    }
    return table_add(&read->map->names, read->pool, key, read->value) ? WEIR_OK : conflict(cf, key);
}

static int
read_pair(weir_conf *cf, struct reading *read)
{
    struct map *m = read->map;
    weir_str key = weir_conf_arg(cf, 0);
    weir_str text = weir_conf_arg(cf, 1);

    if (weir_conf_argc(cf) != 2) {
        return weir_conf_error(cf, "invalid number of the map parameters");
    }
    if (read->value == NULL || !weir_str_eq(read->text, text)) {
        read->value = weir_value_compile(cf, text);
        read->text = text;
        if (read->value == NULL) {
            return WEIR_ERROR;
        }
    }
    if (weir_str_eq(key, WEIR_STR("default"))) {
        if (m->otherwise != NULL) {
            return weir_conf_error(cf, "duplicate default map parameter");
        }
        m->otherwise = read->value;
        return WEIR_OK;
    }
    return add_key(cf, read, key);
}

static int
read_line(weir_conf *cf, void *data)
{
    struct reading *read = data;
    int rc = weir_conf_argc(cf) == 1 ? read_word(cf, read) : read_pair(cf, read);

    read->failed = read->failed || rc != WEIR_OK;
    return WEIR_OK;
}

static int
set_map(weir_conf *cf, const weir_directive *d, void *field)
{
    struct map *m = weir_zalloc(weir_conf_pool(cf), sizeof(*m));
    struct reading read = { .map = m, .pool = weir_conf_pool(cf) };
    weir_str name;

    (void)d;
    (void)field;
    m->source = weir_value_compile(cf, weir_conf_arg(cf, 1));
    if (m->source == NULL) {
        return WEIR_ERROR;
    }
    name = weir_conf_variable(cf, 2);
    if (name.data == NULL || weir_conf_block(cf, read_line, &read) != WEIR_OK || read.failed) {
        return WEIR_ERROR;
    }
    uint32_t flags = m->is_volatile ? WEIR_VAR_FRESH : 0;
    return weir_var_define(cf, name, flags, get, m) >= 0 ? WEIR_OK : WEIR_ERROR;
}

static const weir_directive directives[] = {
    { .name = "map",
      .help = "a variable whose value depends on a text",
      .where = WEIR_IN_HTTP,
      .type = WEIR_T_CUSTOM,
      .min = 2,
      .max = 2,
      .flags = WEIR_D_BLOCK | WEIR_D_MANY,
      .set = set_map },
    { .name = "map_hash_bucket_size",
      .help = "tables find their own size",
      .where = WEIR_IN_HTTP,
      .type = WEIR_T_CUSTOM,
      .flags = WEIR_D_NOTHING },
    { .name = "map_hash_max_size",
      .help = "tables find their own size",
      .where = WEIR_IN_HTTP,
      .type = WEIR_T_CUSTOM,
      .flags = WEIR_D_NOTHING },
};

WEIR_MODULE("map", "1.0", .summary = "variables whose values depend on a text",
            .directives = WEIR_ITEMS(directives));
