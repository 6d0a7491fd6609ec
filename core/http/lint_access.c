/* http/lint_access.c - traps of who may come in, and how much of it. */
#include "base/str.h"
#include "http/lint.h"
#include "http/settings.h"

static bool
is_rule(const struct wr_scope_origin *o)
{
    return strcmp(o->row->name, "allow") == 0 || strcmp(o->row->name, "deny") == 0;
}

/* The first rule for all in the block makes those behind it idle. */
static void
check_rules(const struct wr_lint_block *b, const struct wr_conf_node *none)
{
    const struct wr_conf_node *all = NULL;

    (void)none;
    if (b->own[WR_LINT_ALLOW] == NULL && b->own[WR_LINT_DENY] == NULL) {
        return;
    }
    for (const struct wr_scope_origin *o = b->scope->origins; o != NULL; o = o->next) {
        if (is_rule(o) && all != NULL) {
            wr_lint_warn(b->cf, b->scope, WR_TRAP_ACCESS_ORDER, wr_conf_place(o->node, 0),
                         "the first rule that fits decides",
                         "this rule is never asked: \"%s all\" in %s goes before it",
                         all->words[0].text.data, wr_lint_where(b->cf, all));
        } else if (is_rule(o) && wr_lint_is(o->node, 1, "all")) {
            all = o->node;
        }
    }
}

static void
check_allow(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    const struct wr_loc_conf *c = b->scope->conf[WR_SLOT_LOC];

    if (n == b->own[WR_LINT_ALLOW] && b->own[WR_LINT_DENY] == NULL && c->satisfy == 0 &&
        !wr_lint_is(n, 1, "all")) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_ALLOW, wr_conf_place(n, 0), "end with \"deny all;\"",
                     "everybody is let in: a client that no rule is about is allowed");
    }
}

/* ---- satisfy. ---- */

/* Is scope this block's, or of a block within? */
static bool
is_within(const struct wr_scope *scope, const struct wr_scope *block)
{
    while (scope != NULL && scope != block) {
        scope = scope->parent;
    }
    return scope != NULL;
}

/* Are there two access modules somewhere in the block where any of them will do? */
static bool
has_choice(const struct wr_lint_block *b)
{
    const struct wr_vec *all = &wr_build_of(b->cf)->locations;

    for (size_t i = b->index; i < all->count; i++) {
        const struct wr_location *loc = *wr_vec_at(all, struct wr_location *, i);
        const struct wr_loc_conf *c = loc->conf[WR_SLOT_LOC];
        if (b->loc != NULL && b->loc->server != loc->server) {
            break; /* the blocks of a server stand together */
        }
        if (c->satisfy != 0 && loc->plan->phase[WEIR_PHASE_ACCESS].n > 1 &&
            is_within(loc->scope, b->scope)) {
            return true;
        }
    }
    return false;
}

static void
check_satisfy(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    if (wr_lint_is(n, 1, "any") && !has_choice(b)) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_SATISFY, wr_conf_place(n, 0), NULL,
                     "there are no two ways in here of which any could do");
    }
}

/* ---- Passwords. ---- */

static bool
is_private(const struct wr_addr *a)
{
    if (a->at.family == AF_INET) {
        return (ntohl(a->at.v4.sin_addr.s_addr) >> 24) == 127;
    }
    return a->at.family != AF_INET6 || IN6_IS_ADDR_LOOPBACK(&a->at.v6.sin6_addr);
}

/* The first address of the server where anybody may come unencrypted, or NULL. */
static const struct wr_build_address *
open_address(const struct wr_lint_block *b)
{
    const struct wr_vec *all = &wr_build_of(b->cf)->listens;
    size_t low = 0, high = all->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (wr_vec_at(all, struct wr_build_listen, middle)->server->index < b->loc->server->index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < all->count; low++) {
        const struct wr_build_listen *l = wr_vec_at(all, struct wr_build_listen, low);
        const struct wr_build_address *a = l->address;
        if (l->server != b->loc->server) {
            break;
        }
        if (!a->ssl && !a->proxy_protocol && !is_private(&a->addr)) {
            return a;
        }
    }
    return NULL;
}

static void
check_password(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    const struct wr_build_address *a = b->loc != NULL ? open_address(b) : NULL;

    if (a != NULL && !wr_lint_is(n, 1, "off") && b->held[WR_LINT_REAL_IP] == NULL) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_AUTH_PLAIN, wr_conf_place(n, 0),
                     "listen with \"ssl\", or on a loopback address",
                     "passwords come unencrypted to %.*s", WEIR_FMT(a->text));
    }
}

/* ---- Limits. ---- */

static void
check_zone(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    static const char *const forged[] = { "$http_x_forwarded_for", "$proxy_add_x_forwarded_for",
                                          "$http_x_real_ip", "$http_forwarded" };

    if (wr_lint_is(n, 1, "$remote_addr")) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_LIMIT_TEXT, wr_conf_place(n, 1),
                     "\"$binary_remote_addr\" is as good",
                     "addresses as text take more of the zone");
    }
    for (size_t i = 0; i < WR_COUNT(forged); i++) {
        if (wr_lint_is(n, 1, forged[i])) {
            wr_lint_warn(b->cf, b->scope, WR_TRAP_LIMIT_FORGED, wr_conf_place(n, 1),
                         "\"$binary_remote_addr\", and \"set_real_ip_from\" for the balancers",
                         "a client escapes the limit by sending another \"%s\" each time",
                         forged[i]);
        }
    }
}

static void
check_real_ip(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    static const char *const anywhere[] = { "0.0.0.0/0", "::/0", "0/0" };

    for (size_t i = 0; i < WR_COUNT(anywhere); i++) {
        if (wr_lint_is(n, 1, anywhere[i])) {
            wr_lint_warn(b->cf, b->scope, WR_TRAP_REALIP, wr_conf_place(n, 1),
                         "name the balancers in front", "every client may say what its address is");
        }
    }
}

static void
check_body(const struct wr_lint_block *b, const struct wr_conf_node *n)
{
    const struct wr_lint_block *buffering = b->held[WR_LINT_REQUEST_BUFFERING];
    uint64_t bytes = 1;

    if (buffering != NULL && wr_lint_is(buffering->own[WR_LINT_REQUEST_BUFFERING], 1, "off")) {
        return; /* what comes is passed on, and stored nowhere */
    }
    if (weir_parse_size(wr_lint_word(n, 1), &bytes) == WEIR_OK && bytes == 0) {
        wr_lint_warn(b->cf, b->scope, WR_TRAP_BODY, wr_conf_place(n, 0), "name the largest one",
                     "a request's body may be as large as the disk");
    }
}

const struct wr_lint_check wr_lint_accesses[] = {
    { WR_LINT_NAMES, check_rules },
    { WR_LINT_ALLOW, check_allow },
    { WR_LINT_SATISFY, check_satisfy },
    { WR_LINT_AUTH_BASIC, check_password },
    { WR_LINT_LIMIT_CONN_ZONE, check_zone },
    { WR_LINT_LIMIT_REQ_ZONE, check_zone },
    { WR_LINT_REAL_IP, check_real_ip },
    { WR_LINT_BODY_MAX, check_body },
    { 0, NULL },
};
