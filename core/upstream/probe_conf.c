/* upstream/probe_conf.c - "health_check interval=2s match=ok;" and "match ok { ... }", and whom they
 * are about.
 *
 * In a location it is about the group that another directive there names, which may stand behind it
 * or be defined later: so both are noted, and brought together when all is read.
 */
#include "upstream/probe_conf.h"

#include "base/num.h"
#include "base/pool.h"
#include "base/str.h"
#include "upstream/probe.h"
#include "upstream/server_conf.h"

enum { TIMES_MAX = 1000000 };

/* ---- match. ---- */

int
wr_probe_set_match(weir_conf *cf, const weir_directive *row, void *field)
{
    struct wr_upstream_conf *top = wr_upstream_main(cf);
    weir_str name = weir_conf_arg(cf, 1);
    struct wr_match *m;

    (void)row;
    (void)field;
    if (top->matches == NULL) {
        top->matches = wr_pool_alloc(cf->pool, sizeof(*top->matches));
        wr_map_init(top->matches, cf->pool, false);
    }
    if (wr_map_find(top->matches, name) != NULL) {
        return weir_conf_error_at(cf, 1, "duplicate match \"%.*s\"", WEIR_FMT(name));
    }
    m = wr_match_read(cf);
    if (m == NULL) {
        return WEIR_ERROR;
    }
    wr_map_add(top->matches, m->name, m);
    return WEIR_OK;
}

/* ---- health_check. ---- */

static bool
set_times(weir_str value, uint32_t *to)
{
    uint64_t n;

    if (!weir_parse_number(value, TIMES_MAX, &n) || n == 0) {
        return false;
    }
    *to = (uint32_t)n;
    return true;
}

static bool
set_port(weir_str value, uint16_t *to)
{
    uint64_t n;

    if (!weir_parse_number(value, UINT16_MAX, &n) || n == 0) {
        return false;
    }
    *to = (uint16_t)n;
    return true;
}

static bool
set_time(weir_str value, uint64_t least, uint64_t *to)
{
    uint64_t ms;

    if (weir_parse_msec(value, &ms) != WEIR_OK || ms < least) {
        return false;
    }
    *to = ms;
    return true;
}

static bool
set_type(weir_str value, enum wr_probe_type *to)
{
    bool https = weir_str_eq(value, WEIR_STR("https"));

    *to = https ? WR_PROBE_HTTPS : WR_PROBE_HTTP;
    return https || weir_str_eq(value, WEIR_STR("http"));
}

static bool
set_word(struct wr_probe *probe, weir_str word)
{
    probe->mandatory = probe->mandatory || weir_str_eq(word, WEIR_STR("mandatory"));
    probe->persistent = probe->persistent || weir_str_eq(word, WEIR_STR("persistent"));
    return weir_str_eq(word, WEIR_STR("mandatory")) || weir_str_eq(word, WEIR_STR("persistent"));
}

static bool
set_parameter(struct wr_probe *probe, weir_str word)
{
    weir_str value;

    if (wr_conf_has_name(word, WEIR_STR("interval="), &value)) {
        return set_time(value, 1, &probe->interval_ms);
    }
    if (wr_conf_has_name(word, WEIR_STR("jitter="), &value)) {
        return set_time(value, 0, &probe->jitter_ms) && probe->jitter_ms < UINT32_MAX;
    }
    if (wr_conf_has_name(word, WEIR_STR("timeout="), &value)) {
        return set_time(value, 1, &probe->timeout_ms);
    }
    if (wr_conf_has_name(word, WEIR_STR("keepalive_time="), &value)) {
        return set_time(value, 0, &probe->keepalive_ms);
    }
    if (wr_conf_has_name(word, WEIR_STR("type="), &value)) {
        return set_type(value, &probe->type);
    }
    if (wr_conf_has_name(word, WEIR_STR("fails="), &value)) {
        return set_times(value, &probe->fails);
    }
    if (wr_conf_has_name(word, WEIR_STR("passes="), &value)) {
        return set_times(value, &probe->passes);
    }
    if (wr_conf_has_name(word, WEIR_STR("port="), &value)) {
        return set_port(value, &probe->port);
    }
    if (wr_conf_has_name(word, WEIR_STR("uri="), &value)) {
        probe->uri = value;
        return weir_str_starts(value, WEIR_STR("/"));
    }
    if (wr_conf_has_name(word, WEIR_STR("match="), &value)) {
        probe->match_name = value;
        return value.len != 0;
    }
    return set_word(probe, word);
}

int
wr_probe_set_check(weir_conf *cf, const weir_directive *row, void *field)
{
    struct wr_upstream_conf *top = wr_upstream_main(cf);
    struct wr_probe *probe = wr_pool_zalloc(cf->pool, sizeof(*probe));

    (void)row;
    (void)field;
    *probe = (struct wr_probe){ .interval_ms = 5000,
                                .timeout_ms = 5000,
                                .fails = 1,
                                .passes = 1,
                                .uri = WEIR_STR("/"),
                                .match_name = WEIR_STR("") };
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        if (!set_parameter(probe, weir_conf_arg(cf, i))) {
            return weir_conf_invalid(cf, i, "parameter");
        }
    }
    if (top->checks.pool == NULL) {
        wr_vec_init_of(&top->checks, wr_conf_scratch(cf), struct wr_upstream_check);
    }
    *(struct wr_upstream_check *)wr_vec_add(&top->checks) = (struct wr_upstream_check){
        .probe = probe,
        .scope = cf->scope,
        .node = cf->node,
        .group = weir_conf_where(cf) == WEIR_IN_UPSTREAM ? weir_upstream_here(cf) : NULL,
    };
    return WEIR_OK;
}

/* ---- The end of the load. ---- */

static bool
is_within(const struct wr_scope *inner, const struct wr_scope *outer)
{
    while (inner != NULL && inner != outer) {
        inner = inner->parent;
    }
    return inner != NULL;
}

/* The group that is named in the block of the check, or else in a block within it (if, limit_except). */
static weir_upstream *
group_beside(const struct wr_upstream_conf *top, const struct wr_upstream_check *c)
{
    weir_upstream *within = NULL;

    WR_VEC_EACH (const struct wr_upstream_use, use, &top->uses) {
        if (use->scope == c->scope) {
            return use->group;
        }
        within = within == NULL && is_within(use->scope, c->scope) ? use->group : within;
    }
    return within;
}

/* How others speak with u: in the block of the check, or else in the first block of the configuration
 * that says so, by TLS if that is told. NULL: nobody says. */
static const struct wr_upstream_use *
use_of(const struct wr_upstream_conf *top, const struct wr_upstream_check *c,
       const weir_upstream *u)
{
    const struct wr_upstream_use *found = NULL;

    WR_VEC_EACH (const struct wr_upstream_use, use, &top->uses) {
        if (use->group != u || use->policy == NULL ||
            (c->probe->type == WR_PROBE_HTTPS && use->policy->tls == NULL)) {
            continue;
        }
        if (is_within(use->scope, c->scope) && c->group == NULL) {
            return use;
        }
        found = found != NULL ? found : use;
    }
    return found;
}

/* Checks are made once, by connections that are nobody else's. False after a report. */
static bool
make_policy(struct weir_conf *cf, const struct wr_upstream_conf *top,
            const struct wr_upstream_check *c, const weir_upstream *u)
{
    struct wr_probe *probe = c->probe;
    const struct wr_upstream_use *use =
        probe->type != WR_PROBE_HTTP ? use_of(top, c, u) : NULL;

    probe->policy = (weir_exchange_policy){ .size = sizeof(probe->policy),
                                            .connect_ms = probe->timeout_ms,
                                            .send_ms = probe->timeout_ms,
                                            .read_ms = probe->timeout_ms };
    if (use != NULL) {
        probe->policy.tls = use->policy->tls;
        probe->tls_name = use->tls_name;
    } else if (probe->type == WR_PROBE_HTTPS) {
        wr_diag_error(cf->diag, wr_conf_place(c->node, 0), NULL,
                      "no directive speaks TLS with upstream \"%.*s\", as its health check would",
                      WEIR_FMT(u->name));
        return false;
    }
    return true;
}

static int
settle(struct weir_conf *cf, const struct wr_upstream_conf *top, const struct wr_upstream_check *c)
{
    struct wr_probe *probe = c->probe;
    weir_upstream *u = c->group != NULL ? c->group : group_beside(top, c);

    if (u == NULL) {
        wr_diag_error(cf->diag, wr_conf_place(c->node, 0), NULL,
                      "\"health_check\" stands in no upstream, and beside no directive that names one");
        return WEIR_ERROR;
    }
    probe->match = probe->match_name.len == 0 ? wr_match_standard(cf->pool)
                   : top->matches != NULL     ? wr_map_find(top->matches, probe->match_name)
                                              : NULL;
    if (probe->match == NULL) {
        wr_diag_error(cf->diag, wr_conf_place(c->node, 0), NULL, "match \"%.*s\" is not defined",
                      WEIR_FMT(probe->match_name));
        return WEIR_ERROR;
    }
    if (u->probe != NULL) {
        wr_diag_error(cf->diag, wr_conf_place(c->node, 0), NULL,
                      "upstream \"%.*s\" has a health check already", WEIR_FMT(u->name));
        return WEIR_ERROR;
    }
    if (!make_policy(cf, top, c, u)) {
        return WEIR_ERROR;
    }
    probe->group = u;
    u->probe = probe;
    u->checks_first = probe->mandatory;
    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        wr_peer_flag(wr_group_peer(u, i), WEIR_PEER_UNKNOWN, u->checks_first);
    }
    return WEIR_OK;
}

int
wr_probe_settle(struct weir_conf *cf, const struct wr_upstream_conf *top)
{
    int rc = WEIR_OK;

    WR_VEC_EACH (const struct wr_upstream_check, c, &top->checks) {
        rc = settle(cf, top, c) == WEIR_OK ? rc : WEIR_ERROR;
    }
    return rc;
}
