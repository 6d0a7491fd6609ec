/* http/lint_server.c - traps of servers: their names, their addresses, TLS. */
#include "base/str.h"
#include "http/lint.h"

/* ---- Names. ---- */

static void
check_names(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    for (uint32_t i = 1; i < n->n_words; i++) {
        weir_str name = n->words[i].text;
        bool literal =
            !weir_str_starts(name, WEIR_STR("~")) && !weir_str_starts(name, WEIR_STR("["));
        if (literal && weir_str_find(name, '/') != name.len) {
            wr_lint_warn(b->cf, b->scope, WR_TRAP_NAME_NEVER, wr_conf_place(n, i),
                         "a name has no scheme, port or path",
                         "server name \"%.*s\" has suspicious symbols", WEIR_FMT(name));
        } else if (literal && weir_str_find(name, ':') != name.len) {
            wr_lint_warn(b->cf, b->scope, WR_TRAP_NAME_NEVER, wr_conf_place(n, i),
                         "ports belong to \"listen\"", "no request asks for server name \"%.*s\"",
                         WEIR_FMT(name));
        }
    }
}

/* ---- Addresses. ---- */

/* The block of the server that listened there first. */
static const struct wr_scope *
first_scope(const struct wr_build *build, const struct wr_build_address *a)
{
    WR_VEC_EACH (struct wr_build_listen, l, &build->listens) {
        if (l->address == a) {
            return l->server->base.scope;
        }
    }
    return NULL;
}

/* The first statement of this directive that holds for the server; NULL: none. */
static const struct wr_conf_node *
said_of(const struct wr_server *server, const char *directive)
{
    for (const struct wr_scope *s = server->base.scope; s != NULL; s = s->parent) {
        for (const struct wr_scope_origin *o = s->origins; o != NULL; o = o->next) {
            if (strcmp(o->row->name, directive) == 0) {
                return o->node;
            }
        }
    }
    return NULL;
}

/* Do all servers at the address show one certificate, or is it for nobody to see what the first has? */
static bool
is_harmless(const struct wr_build *build, const struct wr_build_address *a)
{
    weir_str shown = wr_lint_word(said_of(a->fallback, "ssl_certificate"), 1);

    if (wr_lint_is(said_of(a->fallback, "ssl_reject_handshake"), 1, "on")) {
        return true;
    }
    WR_VEC_EACH (struct wr_build_listen, l, &build->listens) {
        if (l->address == a &&
            !weir_str_eq(wr_lint_word(said_of(l->server, "ssl_certificate"), 1), shown)) {
            return false;
        }
    }
    return true;
}

static void
check_address(struct weir_conf *cf, const struct wr_build_address *a)
{
    const struct wr_build *build = wr_build_of(cf);

    if (a->first == NULL) {
        return;
    }
    if (a->ssl && a->n_servers > 1 && a->default_node == NULL && !is_harmless(build, a)) {
        wr_lint_warn(cf, first_scope(build, a), WR_TRAP_TLS_DEFAULT, wr_conf_place(a->first, 0),
                     "add \"default_server\" to the one that is meant",
                     "of %u servers at %.*s this one's certificate is shown to clients that name "
                     "none of them",
                     (unsigned)a->n_servers, WEIR_FMT(a->text));
    }
    if (!a->ssl && wr_addr_port(&a->addr) == 443) {
        wr_lint_warn(cf, first_scope(build, a), WR_TRAP_TLS_PORT, wr_conf_place(a->first, 0),
                     "add \"ssl\"", "%.*s is listened at without \"ssl\"", WEIR_FMT(a->text));
    }
}

void
wr_lint_addresses(struct weir_conf *cf)
{
    const struct wr_map *addresses = &wr_build_of(cf)->addresses;

    for (size_t i = 0; i < wr_map_count(addresses); i++) {
        check_address(cf, wr_map_entry(addresses, i)->value);
    }
}

/* ---- TLS. ---- */

static void
check_protocols(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    static const char *const old[] = { "SSLv2", "SSLv3", "TLSv1", "TLSv1.1" };

    for (uint32_t i = 1; i < n->n_words; i++) {
        for (size_t k = 0; k < WR_COUNT(old); k++) {
            if (weir_str_ieq(n->words[i].text, weir_str_c(old[k]))) {
                wr_lint_warn(b->cf, b->scope, WR_TRAP_TLS_PROTOCOL, wr_conf_place(n, i),
                             "browsers have TLSv1.2 and TLSv1.3", "%s is broken", old[k]);
            }
        }
    }
}

/* Is it the name of a cipher, or of a set, that has one that is broken? */
static bool
is_weak(weir_str name)
{
    static const char *const sets[] = { "ALL",
                                        "COMPLEMENTOFALL",
                                        "COMPLEMENTOFDEFAULT",
                                        "LOW",
                                        "MEDIUM",
                                        "eNULL",
                                        "aNULL",
                                        "NULL",
                                        "EXPORT",
                                        "EXP",
                                        "ADH",
                                        "AECDH",
                                        "aDH",
                                        "aECDH" };
    static const char *const parts[] = { "RC4", "DES", "MD5", "IDEA", "SEED", "RC2" };

    for (size_t i = 0; i < WR_COUNT(sets); i++) {
        if (weir_str_eq(name, weir_str_c(sets[i]))) {
            return true;
        }
    }
    for (size_t at = 0; at < name.len; at++) {
        for (size_t i = 0; i < WR_COUNT(parts); i++) {
            if (weir_str_starts(weir_str_cut(name, at, SIZE_MAX), weir_str_c(parts[i]))) {
                return true;
            }
        }
    }
    return false;
}

/* Does "!NAME" of the same list take it away again? */
static bool
is_taken_back(weir_str list, weir_str name)
{
    while (list.len != 0) {
        size_t end = weir_str_find(list, ':');
        weir_str word = weir_str_trim(weir_str_cut(list, 0, end));
        if (weir_str_starts(word, WEIR_STR("!")) &&
            weir_str_eq(weir_str_cut(word, 1, SIZE_MAX), name)) {
            return true;
        }
        list = weir_str_cut(list, end + 1, SIZE_MAX);
    }
    return false;
}

static void
check_ciphers(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    weir_str all = wr_lint_word(n, 1), list = all;

    while (list.len != 0) {
        size_t end = 0;
        weir_str word;
        while (end < list.len && strchr(": ,", list.data[end]) == NULL) {
            end++;
        }
        word = weir_str_cut(list, 0, end);
        list = weir_str_cut(list, end + 1, SIZE_MAX);
        if (word.len != 0 && strchr("!-+@", word.data[0]) == NULL && is_weak(word) &&
            !is_taken_back(all, word)) {
            wr_lint_warn(b->cf, b->scope, WR_TRAP_TLS_CIPHER, wr_conf_place(n, 1),
                         "the default is Mozilla's intermediate set",
                         "\"%.*s\" lets in what is broken", WEIR_FMT(word));
            return;
        }
    }
}

const struct wr_lint_check wr_lint_servers[] = {
    { WR_LINT_SERVER_NAME, check_names },
    { WR_LINT_SSL_PROTOCOLS, check_protocols },
    { WR_LINT_SSL_CIPHERS, check_ciphers },
    { 0, NULL },
};
