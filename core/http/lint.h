/* http/lint.h - what the files of the linter share: a block as they see it, the directives they ask about, and the warning.
 *
 * lint.c walks over all blocks of the http context, outer ones first, and asks each of the lists of checks below; what is
 * asked about is the text of statements and the settings made of them. Only what is certain is said.
 */
#ifndef WR_HTTP_LINT_H
#define WR_HTTP_LINT_H

#include <stdbool.h>
#include <stdint.h>

#include "http/build.h"

enum wr_trap {
#define WR_TRAP(name, id, says, instead) WR_TRAP_##name,
#include "http/lint.def"
#undef WR_TRAP
    WR_TRAPS
};

/* Directives whose statements the checks look at; their names stand in lint.c. */
enum wr_lint_name {
    WR_LINT_ADD_HEADER,
    WR_LINT_ADD_HEADER_INHERIT,
    WR_LINT_ALIAS,
    WR_LINT_ALLOW,
    WR_LINT_AUTH_BASIC,
    WR_LINT_BODY_MAX,
    WR_LINT_DENY,
    WR_LINT_ERROR_PAGE,
    WR_LINT_LIMIT_CONN_ZONE,
    WR_LINT_LIMIT_REQ_ZONE,
    WR_LINT_PROXY_PASS,
    WR_LINT_PROXY_SET_HEADER,
    WR_LINT_REAL_IP,
    WR_LINT_REQUEST_BUFFERING,
    WR_LINT_RETURN,
    WR_LINT_REWRITE,
    WR_LINT_ROOT,
    WR_LINT_SATISFY,
    WR_LINT_SERVER_NAME,
    WR_LINT_SSL_CIPHERS,
    WR_LINT_SSL_PROTOCOLS,
    WR_LINT_TRY_FILES,
    WR_LINT_WHEN,
    WR_LINT_NAMES
};

/* A block: http itself, a server, a location, an if, ... */
struct wr_lint_block {
    const struct wr_scope *scope; /* first: the key among the blocks */
    struct weir_conf *cf;
    const struct wr_location *loc;     /* NULL: the http block */
    const struct wr_lint_block *outer; /* NULL: the http block */
    const struct wr_map *all;          /* by scope, every block: wr_lint_block_of */
    size_t index;                      /* of loc among the locations of the build; blocks within come behind it */
    const struct wr_conf_node *own[WR_LINT_NAMES];  /* the first statement in the block itself; NULL: none */
    const struct wr_lint_block *held[WR_LINT_NAMES]; /* the nearest block with one, this one first; NULL: none */
    bool answers; /* a statement of its own says who answers */
};

/* One question. */
struct wr_lint_check {
    uint32_t name; /* asked for each statement of this directive in a block; WR_LINT_NAMES: once a block, n NULL */
    void (*check)(const struct wr_lint_block *b, const struct wr_conf_node *n);
};

/* Lists of checks, each ended by one without a function: lint_location.c, lint_rewrite.c, lint_fallback.c, lint_proxy.c,
 * lint_access.c, lint_server.c. */
extern const struct wr_lint_check wr_lint_locations[], wr_lint_rewrites[], wr_lint_fallbacks[], wr_lint_proxies[], wr_lint_accesses[],
    wr_lint_servers[];

/* What concerns addresses, and none of the blocks alone; lint_server.c. */
void wr_lint_addresses(struct weir_conf *cf);

/* ---- Questions about statements. ---- */

/* Word i of a statement; absent past the end. */
static inline weir_str
wr_lint_word(const struct wr_conf_node *n, uint32_t i)
{
    return n != NULL && i < n->n_words ? n->words[i].text : (weir_str){ NULL, 0 };
}

/* Is word i of the statement this text? */
static inline bool
wr_lint_is(const struct wr_conf_node *n, uint32_t i, const char *text)
{
    return weir_str_eq(wr_lint_word(n, i), weir_str_c(text));
}

/* The block of another scope. */
const struct wr_lint_block *wr_lint_block_of(const struct wr_lint_block *b,
                                             const struct wr_scope *scope);

/* "a.conf:3", in the memory of the load. */
const char *wr_lint_where(struct weir_conf *cf, const struct wr_conf_node *n);

/* Warn, unless a `lint_ignore` in scope or around it names the trap. hint may be NULL. */
void wr_lint_warn(struct weir_conf *cf, const struct wr_scope *scope, enum wr_trap trap,
                  struct wr_conf_place at, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

#endif
