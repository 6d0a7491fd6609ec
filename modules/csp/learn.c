/* learn.c - from violations to sources, from sources to lines.
 *
 * A directive stands for itself: one that is written takes nothing from default-src any more. So a
 * learned line repeats what the violated policy had in its place. Inline code and eval are written
 * as comments: to allow them is to have no policy.
 */
#include "learn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* rename */
#include <unistd.h>

#include "grammar.h"

enum {
    WORDS_MAX = 64, /* of a violated policy's directive: they are added with the zone locked */
    LINE_ROOM = 64, /* for a directive's name and what stands around its sources */
    FILE_MAX = 2 * (CSP_DIRECTIVES_MAX + 1) * LINE_ROOM + LEARN_SOURCES_MAX * (LEARN_SOURCE_MAX + 1)
};

/* ---- Sources. ---- */

/* scheme://host:port of an address; absent: it has none. */
static weir_str
origin_of(weir_str address)
{
    size_t scheme = weir_str_find(address, ':'), host;

    if (!weir_str_starts(weir_str_cut(address, scheme, SIZE_MAX), WEIR_STR("://"))) {
        return (weir_str){ NULL, 0 };
    }
    host = weir_str_find(weir_str_cut(address, scheme + 3, SIZE_MAX), '/');
    return host != 0 ? weir_str_cut(address, 0, scheme + 3 + host) : (weir_str){ NULL, 0 };
}

/* What would have let it pass; absent: nothing that we would write. */
static weir_str
source_of(const struct violation *v)
{
    static const struct {
        const char *blocked, *source;
    } words[] = {
        { "inline", "'unsafe-inline'" },
        { "eval", "'unsafe-eval'" },
        { "wasm-eval", "'wasm-unsafe-eval'" },
        { "data", "data:" },
        { "blob", "blob:" },
        { "filesystem", "filesystem:" },
        { "self", "'self'" },
    };
    weir_str origin = origin_of(v->blocked), own = origin_of(v->document);
    weir_str scheme = weir_str_cut(v->blocked, 0, weir_str_find(v->blocked, ':'));

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        weir_str word = weir_str_c(words[i].blocked);
        bool has_scheme = scheme.len != v->blocked.len && words[i].source[word.len] == ':';
        if (weir_str_eq(v->blocked, word) || (has_scheme && weir_str_eq(scheme, word))) {
            return weir_str_c(words[i].source);
        }
    }
    return origin.data != NULL && weir_str_ieq(origin, own) ? WEIR_STR("'self'") : origin;
}

/* May the word stand in a line of the configuration as it is? */
static bool
is_usable(uint32_t directive, weir_str word)
{
    for (size_t i = 0; i < word.len; i++) {
        if ((word.data[i] == '\'' && i != 0 && word.data[0] != '\'') || word.data[i] == '$' ||
            word.data[i] == '{' || word.data[i] == '}' || word.data[i] == '"' ||
            word.data[i] == '\\' || word.data[i] == '#') {
            return false;
        }
    }
    return word.len <= LEARN_SOURCE_MAX && grammar_fault(directive, word, 1) == NULL;
}

/* Are they made for one page, or do they say that there is nothing? */
static bool
is_passing(weir_str word)
{
    return weir_str_ieq(word, WEIR_STR("'none'")) || weir_str_istarts(word, WEIR_STR("'nonce-"));
}

static bool
add_source(struct learned *l, uint32_t directive, weir_str word)
{
    if (!is_usable(directive, word) || l->n >= LEARN_SOURCES_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < l->n; i++) {
        const struct learned_source *s = &l->at[i];
        if (s->directive == directive && weir_str_ieq((weir_str){ s->text, s->len }, word)) {
            return false;
        }
    }
    l->at[l->n].directive = (uint8_t)directive;
    l->at[l->n].len = (uint8_t)word.len;
    memcpy(l->at[l->n].text, word.data, word.len);
    l->n++;
    return true;
}

/* ---- The violated policy. ---- */

/* The words of a directive of a policy; absent: it has it not. */
static weir_str
words_of(weir_str policy, weir_str name)
{
    weir_str part;

    while (weir_str_next(&policy, ';', &part)) {
        weir_str words = part;
        if (weir_str_ieq(weir_str_split(&words, ' '), name)) {
            return words.data != NULL ? words : WEIR_STR("");
        }
    }
    return (weir_str){ NULL, 0 };
}

/* The directives that speak in place of one that is missing, before default-src. [CSP3 6.8.3] */
static weir_str
words_instead(weir_str policy, weir_str name)
{
    static const char *const instead[][3] = {
        { "frame-src", "child-src", NULL },
        { "worker-src", "child-src", "script-src" },
    };
    weir_str words = words_of(policy, name);

    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 1; j < 3 && weir_str_ieq(name, weir_str_c(instead[i][0])); j++) {
            if (words.data == NULL && instead[i][j] != NULL) {
                words = words_of(policy, weir_str_c(instead[i][j]));
            }
        }
    }
    return words.data != NULL ? words : words_of(policy, WEIR_STR("default-src"));
}

/* Which directive to write: for script-src-elem and its like, the one without -elem, unless the
 * policy has it. */
static weir_str
target_of(const struct violation *v)
{
    weir_str name = v->directive, end;

    if (name.len > 5 && words_of(v->policy, name).data == NULL) {
        end = weir_str_cut(name, name.len - 5, 5);
        if (weir_str_ieq(end, WEIR_STR("-elem")) || weir_str_ieq(end, WEIR_STR("-attr"))) {
            name.len -= 5;
        }
    }
    return name;
}

/* Directives whose words are sources, and that violations speak of. */
static bool
has_sources(weir_str name)
{
    return (name.len > 4 && weir_str_ieq(weir_str_cut(name, name.len - 4, 4), WEIR_STR("-src"))) ||
           weir_str_istarts(name, WEIR_STR("script-src")) ||
           weir_str_istarts(name, WEIR_STR("style-src")) ||
           weir_str_ieq(name, WEIR_STR("base-uri")) || weir_str_ieq(name, WEIR_STR("form-action"));
}

bool
learned_add(struct learned *l, const struct violation *v)
{
    weir_str name = target_of(v), words, word, source = source_of(v);
    uint32_t directive = grammar_find(name), before = l->n;

    if (directive == CSP_DIRECTIVES_MAX || !has_sources(name) || source.data == NULL ||
        !is_usable(directive, source)) {
        return false;
    }
    words = words_instead(v->policy, name);
    for (int i = 0; i < WORDS_MAX && weir_str_next(&words, ' ', &word); i++) {
        if (!is_passing(word)) {
            (void)add_source(l, directive, word);
        }
    }
    (void)add_source(l, directive, source);
    return l->n != before;
}

/* ---- The file. ---- */

static bool
is_unsafe(const struct learned_source *s)
{
    return weir_str_starts((weir_str){ s->text, s->len }, WEIR_STR("'unsafe-"));
}

/* A line of the directive's sources that are unsafe, or of those that are not; nothing if there is
 * none. */
static void
add_line(weir_text *t, const struct learned *l, uint32_t directive, bool unsafe)
{
    bool any = false;

    for (uint32_t i = 0; i < l->n; i++) {
        const struct learned_source *s = &l->at[i];
        if (s->directive != directive || is_unsafe(s) != unsafe) {
            continue;
        }
        if (!any) {
            weir_text_add(t, unsafe ? WEIR_STR("# csp ") : WEIR_STR("csp "));
            weir_text_add(t, grammar_name(directive));
        }
        weir_text_add(t, WEIR_STR(" "));
        weir_text_add(t, (weir_str){ s->text, s->len });
        any = true;
    }
    if (any) {
        weir_text_add(t, WEIR_STR(";\n"));
    }
}

weir_str
learned_lines(weir_pool *pool, const struct learned *l)
{
    const weir_str head =
        WEIR_STR("# What reports lacked. Anybody can send reports: read this before it is used.\n");
    weir_text t = weir_text_begin(pool, 1024, FILE_MAX);

    weir_text_add(&t, head);
    for (uint32_t d = 0; d < CSP_DIRECTIVES_MAX; d++) {
        add_line(&t, l, d, false);
        add_line(&t, l, d, true);
    }
    return weir_text_view(&t);
}

/* Write text to path by way of a file of this worker's. */
static bool
write_file(weir_pool *pool, weir_str path, weir_str text)
{
    weir_str beside = weir_print(pool, "%.*s.%u.new", WEIR_FMT(path), weir_worker_index());
    int fd = open(beside.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    bool good = fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len;

    if (fd >= 0) {
        good = close(fd) == 0 && good;
    }
    return good && rename(beside.data, path.data) == 0;
}

/* A copy of what is shared, as it is after v was added to it; NULL: v is no news. */
static struct learned *
add_shared(weir_request *r, const struct learn_setting *s, const struct violation *v)
{
    struct learned *shared = weir_zone_root(s->zone), *mine = NULL;
    bool news;

    if (weir_zone_lock(s->zone) == WEIR_CLOSED) { /* the holder died: n was counted up last */
        shared->n = shared->n <= LEARN_SOURCES_MAX ? shared->n : 0;
    }
    news = v != NULL && learned_add(shared, v);
    shared->version += news;
    if (news || v == NULL) {
        mine = weir_alloc(r->pool, sizeof(*mine));
        *mine = *shared;
    }
    weir_zone_unlock(s->zone);
    return mine;
}

void
learn_from(weir_request *r, const struct learn_setting *s, const struct violation *v)
{
    struct learned *mine = s->path.data != NULL ? add_shared(r, s, v) : NULL;
    uint32_t written;

    for (int tries = 0; mine != NULL && tries < 4; tries++) {
        written = mine->version;
        if (!write_file(r->pool, s->path, learned_lines(r->pool, mine))) {
            weir_say(r->log, ERROR, "csp_learn: \"%.*s\" cannot be written: %s", WEIR_FMT(s->path),
                     strerror(errno));
            return;
        }
        mine = add_shared(r, s, NULL); /* another worker may have written less, later */
        mine = mine->version != written ? mine : NULL;
    }
}

static void *
make_learned(void *data, weir_zone *z)
{
    (void)data;
    return weir_zone_alloc(z, sizeof(struct learned));
}

int
set_learn(weir_conf *cf, const weir_directive *d, void *field)
{
    struct learn_setting *s = field;
    weir_str word = weir_conf_arg(cf, 1), path;
    size_t slash;
    uint32_t hash = 2166136261u;

    (void)d;
    *s = (struct learn_setting){ .path = { NULL, 0 } };
    if (weir_str_eq(word, WEIR_STR("off"))) {
        return WEIR_OK;
    }
    path = weir_conf_path(cf, word);
    for (slash = path.len; slash > 1 && path.data[slash - 1] != '/'; slash--) {
    }
    for (size_t i = 0; i < path.len; i++) {
        hash = (hash ^ (uint8_t)path.data[i]) * 16777619u;
    }
    weir_conf_folder(
        cf, weir_dup(weir_conf_pool(cf), weir_str_cut(path, 0, slash > 1 ? slash - 1 : 1)));
    s->zone = weir_zone_find(cf, weir_print(weir_conf_pool(cf), "csp_learn_%08x:256k", hash));
    s->path = path;
    return s->zone == NULL ? WEIR_ERROR
                           : weir_zone_claim(cf, s->zone, "csp.learned/1", make_learned, NULL);
}
