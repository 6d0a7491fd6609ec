/* upstream/server_conf.c - "server app1:8080 weight=2 max_fails=3;" read word by word. */
#include "upstream/server_conf.h"

#include "base/num.h"
#include "base/str.h"

enum {
    WEIGHT_MAX = 65535,
    FAILS_MAX = 1000000,
    CONNS_MAX = 1000000,
    ROUTE_MAX = 32,
    SERVER_PORT = 80
};

bool
wr_conf_has_name(weir_str word, weir_str name, weir_str *value)
{
    if (!weir_str_starts(word, name)) {
        return false;
    }
    *value = weir_str_cut(word, name.len, SIZE_MAX);
    return true;
}

static bool
set_number(weir_str value, uint64_t min, uint64_t max, uint32_t *to)
{
    uint64_t n;

    if (!weir_parse_number(value, max, &n) || n < min) {
        return false;
    }
    *to = (uint32_t)n;
    return true;
}

static bool
set_word(struct wr_group_server *s, weir_str word)
{
    bool *to = weir_str_eq(word, WEIR_STR("down"))      ? &s->down
               : weir_str_eq(word, WEIR_STR("backup"))  ? &s->backup
               : weir_str_eq(word, WEIR_STR("drain"))   ? &s->drain
               : weir_str_eq(word, WEIR_STR("resolve")) ? &s->resolve
                                                        : NULL;

    if (to != NULL) {
        *to = true;
    }
    return to != NULL;
}

static bool
set_parameter(struct wr_group_server *s, weir_str word)
{
    weir_str value;

    if (wr_conf_has_name(word, WEIR_STR("weight="), &value)) {
        return set_number(value, 1, WEIGHT_MAX, &s->weight);
    }
    if (wr_conf_has_name(word, WEIR_STR("max_fails="), &value)) {
        return set_number(value, 0, FAILS_MAX, &s->max_fails);
    }
    if (wr_conf_has_name(word, WEIR_STR("max_conns="), &value)) {
        return set_number(value, 0, CONNS_MAX, &s->max_conns);
    }
    if (wr_conf_has_name(word, WEIR_STR("fail_timeout="), &value)) {
        return weir_parse_msec(value, &s->fail_timeout_ms) == WEIR_OK;
    }
    if (wr_conf_has_name(word, WEIR_STR("slow_start="), &value)) {
        return weir_parse_msec(value, &s->slow_start_ms) == WEIR_OK;
    }
    if (wr_conf_has_name(word, WEIR_STR("route="), &value)) {
        s->route = value;
        return value.len != 0 && value.len <= ROUTE_MAX;
    }
    if (wr_conf_has_name(word, WEIR_STR("service="), &value)) {
        s->service = value;
        return value.len != 0;
    }
    return set_word(s, word);
}

/* Parameters that go with one another, or with the address, or not. */
static int
check_together(struct weir_conf *cf, const struct wr_group_server *s)
{
    weir_str address = weir_conf_arg(cf, 1);

    if (s->service.data != NULL && !s->resolve) {
        return weir_conf_error_at(cf, 1, "service upstream \"%.*s\" requires \"resolve\" parameter",
                                  WEIR_FMT(address));
    }
    if (s->service.data != NULL && weir_str_find(address, ':') != address.len) {
        return weir_conf_error_at(cf, 1, "service upstream \"%.*s\" may not have port",
                                  WEIR_FMT(address));
    }
    return WEIR_OK;
}

int
wr_server_conf_read(struct weir_conf *cf, weir_upstream *u)
{
    struct wr_group_server s = { .weight = 1, .max_fails = 1, .fail_timeout_ms = 10 * 1000 };
    struct wr_err err;
    int rc = WEIR_OK;

    for (uint32_t i = 2; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        if (!set_parameter(&s, word)) {
            rc = weir_conf_invalid(cf, i, "parameter");
        }
    }
    if (rc != WEIR_OK || check_together(cf, &s) != WEIR_OK) {
        return WEIR_ERROR;
    }
    return wr_group_add(u, weir_conf_arg(cf, 1), SERVER_PORT, &s, &err)
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "%s", err.text);
}
