/* http/vhost.c - server names of an address: reading them, and finding the server of a host.
 *
 * Exact names, "*.example.com" by "example.com" and "mail.*" by "mail" are three hash maps; a
 * wildcard is looked for by cutting the host at its dots, and only where what is left is no longer
 * than the longest wildcard, so that a host of a thousand dots costs no more than an ordinary one.
 */
#include "http/vhost.h"

#include <unistd.h>

#include "base/assert.h"
#include "base/str.h"
#include "http/lint.h"
#include "http/request.h"

struct wr_names {
    struct wr_map exact;        /* to struct wr_server_name, as the others */
    struct wr_map front;        /* "example.com" of "*.example.com" and ".example.com" */
    struct wr_map tail;         /* "mail" of "mail.*" */
    size_t front_max, tail_max; /* bytes of the longest key */
    struct wr_vec regexes;      /* const struct wr_server_name *, in order of the file */
};

/* ---- Reading. ---- */

weir_str
weir_conf_server_name(weir_conf *cf, uint32_t i)
{
    const struct wr_build_server *s = wr_build_of(cf)->server;

    return s != NULL && i < s->names.count ? wr_vec_at(&s->names, struct wr_server_name, i)->name
                                           : (weir_str){ NULL, 0 };
}

struct wr_names *
wr_names_create(struct weir_pool *pool)
{
    struct wr_names *names = wr_pool_zalloc(pool, sizeof(*names));

    wr_map_init(&names->exact, pool, false);
    wr_map_init(&names->front, pool, false);
    wr_map_init(&names->tail, pool, false);
    wr_vec_init_of(&names->regexes, pool, const struct wr_server_name *);
    return names;
}

static void
add_to(struct weir_conf *cf, struct wr_map *map, weir_str key, const struct wr_build_address *a,
       const struct wr_server_name *n)
{
    const struct wr_server_name *first;

    if (wr_map_add(map, key, (void *)(uintptr_t)n)) {
        return;
    }
    first = wr_map_find(map, key);
    if (first->server == n->server) {
        if (weir_str_eq(first->name, n->name)) {
            wr_lint_warn(cf, n->server->base.scope, WR_TRAP_NAME_TWICE, n->place, NULL,
                         "this server has the name \"%.*s\" already", WEIR_FMT(n->name));
        }
        return;
    }
    wr_lint_warn(cf, n->server->base.scope, WR_TRAP_NAME_TAKEN, n->place,
                 wr_build_first(cf, first->server->base.node),
                 "conflicting server name \"%.*s\" on %.*s, ignored", WEIR_FMT(n->name),
                 WEIR_FMT(a->text));
}

void
wr_names_add(struct weir_conf *cf, const struct wr_build_address *a, const struct wr_server_name *n)
{
    struct wr_names *names = a->names;
    weir_str name = n->name;

    if (n->regex != NULL) {
        *(const struct wr_server_name **)wr_vec_add(&names->regexes) = n;
    } else if (weir_str_starts(name, WEIR_STR(".")) || weir_str_starts(name, WEIR_STR("*."))) {
        weir_str key = weir_str_cut(name, name.data[0] == '.' ? 1 : 2, SIZE_MAX);
        if (name.data[0] == '.') {
            add_to(cf, &names->exact, key, a, n);
        }
        add_to(cf, &names->front, key, a, n);
        names->front_max = WR_MAX(names->front_max, key.len);
    } else if (weir_str_ends(name, WEIR_STR(".*"))) {
        weir_str key = weir_str_cut(name, 0, name.len - 2);
        add_to(cf, &names->tail, key, a, n);
        names->tail_max = WR_MAX(names->tail_max, key.len);
    } else {
        add_to(cf, &names->exact, name, a, n);
    }
}

bool
wr_names_capture(const struct wr_names *names)
{
    return names->regexes.count != 0;
}

/* A star may stand for whole labels at one end only. */
static bool
name_valid(weir_str name)
{
    size_t star = weir_str_find(name, '*');

    if (name.len != 0 && name.data[0] == '.') {
        return name.len > 1 && star == name.len;
    }
    if (star == name.len) {
        return true;
    }
    if (weir_str_find(weir_str_cut(name, star + 1, SIZE_MAX), '*') != name.len - star - 1) {
        return false;
    }
    return (star == 0 && name.len > 2 && name.data[1] == '.') ||
           (star == name.len - 1 && star > 1 && name.data[star - 1] == '.');
}

static weir_str
own_host_name(struct weir_pool *pool)
{
    char host[256];

    if (gethostname(host, sizeof(host)) != 0) {
        return WEIR_STR("");
    }
    host[sizeof(host) - 1] = '\0';
    return weir_dup_lower(pool, weir_str_c(host));
}

/* "~pattern": letters in upper case mean that case does not matter, since hosts come in lower case
 * (nginx). */
static int
set_regex(struct weir_conf *cf, weir_str text, struct wr_server_name *n)
{
    weir_str pattern = weir_str_cut(text, 1, SIZE_MAX);
    bool fold = false;

    if (pattern.len == 0) {
        return weir_conf_error(cf, "empty regex in server name \"%.*s\"", WEIR_FMT(text));
    }
    for (size_t i = 0; i < pattern.len; i++) {
        fold = fold || (pattern.data[i] >= 'A' && pattern.data[i] <= 'Z');
    }
    n->name = text;
    n->regex = weir_regex_compile(cf, pattern, fold ? WEIR_REGEX_ICASE : 0);
    return n->regex != NULL ? WEIR_OK : WEIR_ERROR;
}

static int
set_name(struct weir_conf *cf, uint32_t i, struct wr_server_name *n)
{
    weir_str text = weir_conf_arg(cf, i);

    n->server = wr_build_of(cf)->server->server;
    n->place = wr_conf_place(cf->node, i);
    n->name = WEIR_STR("");
    if (text.len != 0 && text.data[0] == '~') {
        return set_regex(cf, text, n);
    }
    if (weir_str_eq(text, WEIR_STR("$hostname"))) {
        n->name = own_host_name(cf->pool);
        return WEIR_OK;
    }
    if (!name_valid(text)) {
        return weir_conf_error_at(cf, i, "server name \"%.*s\" is invalid", WEIR_FMT(text));
    }
    n->name = weir_dup_lower(cf->pool, text);
    if (n->name.len > 1 && n->name.data[n->name.len - 1] == '.') {
        n->name.len--; /* as the hosts of requests lose it */
    }
    return WEIR_OK;
}

int
wr_server_name_set(weir_conf *cf, const weir_directive *d, void *field)
{
    struct wr_vec *names = &wr_build_of(cf)->server->names;
    int rc = WEIR_OK;

    (void)d;
    (void)field;
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        if (set_name(cf, i, wr_vec_add(names)) != WEIR_OK) {
            rc = WEIR_ERROR;
        }
    }
    return rc;
}

/* ---- Finding. ---- */

static const struct wr_server_name *
find_front(const struct wr_names *names, weir_str host)
{
    for (size_t dot = weir_str_find(host, '.'); dot < host.len;) {
        weir_str rest = weir_str_cut(host, dot + 1, SIZE_MAX);
        if (rest.len <= names->front_max) {
            const struct wr_server_name *n = wr_map_find(&names->front, rest);
            if (n != NULL) {
                return n;
            }
        }
        dot += 1 + weir_str_find(rest, '.');
    }
    return NULL;
}

static const struct wr_server_name *
find_tail(const struct wr_names *names, weir_str host)
{
    for (size_t len = WR_MIN(host.len, names->tail_max + 1); len-- > 1;) {
        if (host.data[len] == '.') {
            const struct wr_server_name *n = wr_map_find(&names->tail, weir_str_cut(host, 0, len));
            if (n != NULL) {
                return n;
            }
        }
    }
    return NULL;
}

static const struct wr_server_name *
find_regex(const struct wr_names *names, weir_str host, struct wr_request *r)
{
    for (size_t i = 0; i < names->regexes.count; i++) {
        const struct wr_server_name *n =
            *wr_vec_at(&names->regexes, const struct wr_server_name *, i);
        if (weir_regex_match(r != NULL ? &r->pub : NULL, n->regex, host) == WEIR_OK) {
            return n;
        }
    }
    return NULL;
}

bool
wr_vhost_is_stable(const struct wr_endpoint *e)
{
    return e->names == NULL || e->names->regexes.count == 0;
}

/* The name that is the host's, and of which kind it is; NULL: none. */
static inline const struct wr_server_name *
find(const struct wr_names *names, weir_str host, struct wr_request *r, enum wr_vhost_by *by)
{
    const struct wr_server_name *n = wr_map_find(&names->exact, host);

    *by = WR_VHOST_EXACT;
    if (n == NULL && wr_map_count(&names->front) != 0) {
        n = find_front(names, host);
        *by = WR_VHOST_FRONT;
    }
    if (n == NULL && wr_map_count(&names->tail) != 0) {
        n = find_tail(names, host);
        *by = WR_VHOST_TAIL;
    }
    if (n == NULL && host.len != 0) {
        n = find_regex(names, host, r);
        *by = WR_VHOST_REGEX;
    }
    return n;
}

const struct wr_server *
wr_vhost_find(const struct wr_endpoint *e, weir_str host, struct wr_request *r)
{
    const struct wr_server_name *n;
    enum wr_vhost_by by;

    n = e->names != NULL ? find(e->names, host, r, &by) : NULL;
    return n != NULL ? n->server : e->fallback;
}

const struct wr_server *
wr_vhost_choose(const struct wr_endpoint *e, weir_str host, struct wr_request *r,
                enum wr_vhost_by *by, weir_str *name)
{
    const struct wr_server_name *n = e->names != NULL ? find(e->names, host, r, by) : NULL;

    *name = n != NULL ? n->name : WEIR_STR("");
    if (n == NULL || host.len == 0) {
        *by = e->names == NULL ? WR_VHOST_ONLY : WR_VHOST_DEFAULT;
    }
    return n != NULL ? n->server : e->fallback;
}
