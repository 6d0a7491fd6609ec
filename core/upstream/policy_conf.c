/* upstream/policy_conf.c - "zone", "queue", "outlier_ejection", "retry_budget" read word by word. */
#include "upstream/policy_conf.h"

#include <weir/shm.h>

#include "base/num.h"
#include "base/str.h"
#include "conf/bind.h"
#include "upstream/budget.h"
#include "upstream/queue.h"
#include "upstream/server_conf.h"

enum { QUEUE_MAX = 1000000, ERRORS_MAX = 1000000 };

/* "20%", of 100 at most. */
static bool
parse_percent(weir_str text, uint32_t *percent)
{
    uint64_t n;

    if (!weir_str_ends(text, WEIR_STR("%")) ||
        !weir_parse_number(weir_str_cut(text, 0, text.len - 1), 100, &n) || n == 0) {
        return false;
    }
    *percent = (uint32_t)n;
    return true;
}

/* ---- zone NAME [SIZE]. ---- */

int
wr_policy_set_zone(weir_conf *cf, const weir_directive *row, void *field)
{
    weir_upstream *u = weir_upstream_here(cf);
    weir_str text = weir_conf_arg(cf, 1);

    (void)row;
    (void)field;
    if (weir_conf_argc(cf) > 2) {
        text = weir_print(cf->pool, "%.*s:%.*s", WEIR_FMT(text), WEIR_FMT(weir_conf_arg(cf, 2)));
    }
    u->zone = weir_zone_find(cf, text);
    return u->zone != NULL ? WEIR_OK : WEIR_ERROR;
}

/* ---- queue N [timeout=T]. ---- */

int
wr_policy_set_queue(weir_conf *cf, const weir_directive *row, void *field)
{
    weir_upstream *u = weir_upstream_here(cf);
    uint64_t max, ms = WR_QUEUE_DEFAULT_MS;
    weir_str text;

    (void)row;
    (void)field;
    if (!weir_parse_number(weir_conf_arg(cf, 1), QUEUE_MAX, &max) || max == 0) {
        return weir_conf_error_at(cf, 1, "invalid value \"%.*s\" in \"queue\" directive",
                                  WEIR_FMT(weir_conf_arg(cf, 1)));
    }
    if (weir_conf_argc(cf) > 2 &&
        (!wr_conf_has_name(weir_conf_arg(cf, 2), WEIR_STR("timeout="), &text) ||
         weir_parse_msec(text, &ms) != WEIR_OK || ms == 0)) {
        return weir_conf_invalid(cf, 2, "parameter");
    }
    u->queue = wr_queue_create(u, (uint32_t)max, ms);
    return WEIR_OK;
}

/* ---- outlier_ejection [errors=N] [window=T] [time=T] [max=P%] | off. ---- */

static bool
set_outlier_parameter(struct wr_group_outlier *o, weir_str word)
{
    weir_str value;
    uint64_t n;

    if (wr_conf_has_name(word, WEIR_STR("errors="), &value)) {
        if (!weir_parse_number(value, ERRORS_MAX, &n) || n == 0) {
            return false;
        }
        o->errors = (uint32_t)n;
        return true;
    }
    if (wr_conf_has_name(word, WEIR_STR("window="), &value)) {
        return weir_parse_msec(value, &o->window_ms) == WEIR_OK && o->window_ms != 0;
    }
    if (wr_conf_has_name(word, WEIR_STR("time="), &value)) {
        return weir_parse_msec(value, &o->time_ms) == WEIR_OK && o->time_ms != 0;
    }
    return wr_conf_has_name(word, WEIR_STR("max="), &value) &&
           parse_percent(value, &o->max_percent);
}

int
wr_policy_set_outlier(weir_conf *cf, const weir_directive *row, void *field)
{
    weir_upstream *u = weir_upstream_here(cf);
    struct wr_group_outlier o = {
        .errors = 5, .max_percent = 50, .window_ms = 30 * 1000, .time_ms = 30 * 1000
    };

    (void)row;
    (void)field;
    if (weir_conf_argc(cf) == 2 && weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("off"))) {
        return WEIR_OK;
    }
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        if (!set_outlier_parameter(&o, weir_conf_arg(cf, i))) {
            return weir_conf_invalid(cf, i, "parameter");
        }
    }
    u->outlier = o;
    return WEIR_OK;
}

/* ---- retry_budget P% [min=N] | off. ---- */

int
wr_policy_set_budget(weir_conf *cf, const weir_directive *row, void *field)
{
    weir_upstream *u = weir_upstream_here(cf);
    uint64_t least = WR_BUDGET_MIN;
    weir_str value;

    (void)row;
    (void)field;
    if (weir_conf_argc(cf) == 2 && weir_str_eq(weir_conf_arg(cf, 1), WEIR_STR("off"))) {
        u->budget_percent = 0;
        return WEIR_OK;
    }
    if (!parse_percent(weir_conf_arg(cf, 1), &u->budget_percent)) {
        return weir_conf_invalid(cf, 1, "parameter");
    }
    if (weir_conf_argc(cf) > 2 &&
        (!wr_conf_has_name(weir_conf_arg(cf, 2), WEIR_STR("min="), &value) ||
         !weir_parse_number(value, ERRORS_MAX, &least))) {
        return weir_conf_invalid(cf, 2, "parameter");
    }
    u->budget_min = (uint32_t)least;
    return WEIR_OK;
}
