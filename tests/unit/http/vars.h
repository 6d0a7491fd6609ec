/* What the tests of variables share: a configuration with the core's variables and a test module's, and a request in it. */
#ifndef WR_TEST_HTTP_VARS_H
#define WR_TEST_HTTP_VARS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/pool.h"
#include "conf/bind.h"
#include "http/http.h"
#include "http/limits.h"
#include "http/regex.h"
#include "http/request.h"
#include "http/variable.h"
#include "http/vhost.h"
#include "wire/names.h"

enum { SLOTS = 8, SLOT_VARIABLES = 6, SLOT_TEST = 7, VARS_MAX = 128 };

struct world {
    struct weir_pool *pool;
    struct wr_diag diag;
    struct weir_conf cf;
    struct wr_conf_space space;
    const weir_module *modules[SLOTS];
    struct wr_http http;
    struct wr_server server;
    struct wr_loc_conf loc_conf;
    const void *conf[SLOTS];
    struct wr_listen listen;
    struct wr_conn conn;
    struct wr_request r;
    int computed; /* how often the test module's variables were asked for */
};

static struct world w;

/* The layer above has the real one; a test binary without it takes this. */
__attribute__((weak)) struct wr_http *
wr_http_of(const struct weir_conf *cf)
{
    (void)cf;
    return &w.http;
}

/* ---- The test module's variables. ---- */

static inline weir_str
get_counted(weir_request *r, const void *conf, weir_str name)
{
    (void)conf, (void)name;
    return weir_print(r->pool, "%d", ++w.computed);
}

static inline weir_str
get_rest(weir_request *r, const void *conf, weir_str name)
{
    return weir_print(r->pool, "%s:%.*s", conf != NULL ? (const char *)conf : "", WEIR_FMT(name));
}

static inline weir_str
get_absent(weir_request *r, const void *conf, weir_str name)
{
    (void)r, (void)conf, (void)name;
    return (weir_str){ NULL, 0 };
}

static const weir_variable test_variables[] = {
    { "t_once", 0, get_counted },
    { "t_fresh", WEIR_VAR_FRESH, get_counted },
    { "t_absent", 0, get_absent },
    { "t_name_", WEIR_VAR_PREFIX, get_rest },
    { "t_name_long_", WEIR_VAR_PREFIX, get_rest },
    { "t_own", 0, get_rest },
};

static weir_self test_self = { SLOT_TEST, { 0 } };
static const weir_module test_module = {
    .self = &test_self, .name = "test", .variables = WEIR_ITEMS(test_variables)
};

/* ---- The world. ---- */

static inline void
request_init(struct wr_request *r, struct wr_request *main)
{
    memset(r, 0, sizeof(*r));
    r->tag = WR_REQUEST_TAG;
    r->log = *wr_log_process();
    r->http = &w.http;
    r->server = &w.server;
    r->conn = &w.conn;
    r->out = &wr_fields_none;
    r->pub.pool = w.pool;
    r->pub.log = &r->log.pub;
    r->pub.main = &main->pub;
    r->pub.conf = w.conf;
    r->pub.in = r->in.index;
    r->pub.out = r->out->index;
    r->pub.in_length = r->pub.out_length = -1;
    r->pub.version = 11;
    /* Tests go on compiling after this: room for variables that are yet to come. */
    r->vars = wr_pool_array(w.pool, weir_str, VARS_MAX);
    r->var_state = wr_pool_array(w.pool, uint8_t, VARS_MAX);
}

static inline int
world_setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    w.pool = wr_pool_create("test", NULL);
    wr_diag_init(&w.diag, w.pool);
    w.modules[SLOT_VARIABLES] = &wr_core_variables_module;
    wr_core_variables_module.self->slot = SLOT_VARIABLES;
    w.modules[SLOT_TEST] = &test_module;
    w.conf[SLOT_TEST] = "conf";
    w.conf[WR_SLOT_LOC] = &w.loc_conf;
    w.space = (struct wr_conf_space){ .n_slots = SLOTS, .modules = w.modules };
    w.cf = (struct weir_conf){ .pool = w.pool, .diag = &w.diag, .space = &w.space, .owner = &w.http };
    w.http.vars = wr_vars_create(w.pool);
    w.http.n_slots = SLOTS;
    w.server.name = WEIR_STR("main.test");
    w.conn.tag = WR_CONN_TAG;
    w.conn.io.fd = -1;
    w.conn.transport = &wr_transport_plain;
    w.conn.listen = &w.listen;
    assert_true(wr_vars_add_modules(&w.cf, w.http.vars));
    request_init(&w.r, &w.r);
    return 0;
}

static inline int
world_teardown(void **state)
{
    (void)state;
    wr_pool_destroy(&w.pool);
    return 0;
}

/* The i-th diagnosis as "LINE:COLUMN TEXT (HINT)"; "" past the last. */
static inline const char *
said(unsigned i)
{
    static char line[4096];
    const struct wr_diagnosis *d = w.diag.first;

    line[0] = '\0';
    while (d != NULL && i-- != 0) {
        d = d->next;
    }
    if (d != NULL) {
        snprintf(line, sizeof(line), "%u:%u %s%s%s%s", d->place.line, d->place.column, d->text.data,
                 d->hint.data != NULL ? " (" : "", d->hint.data != NULL ? d->hint.data : "",
                 d->hint.data != NULL ? ")" : "");
    }
    return line;
}

static inline void
assert_str(weir_str s, const char *want)
{
    char got[4096];

    assert_non_null(s.data);
    snprintf(got, sizeof(got), "%.*s", WEIR_FMT(s));
    assert_string_equal(got, want);
    assert_int_equal(s.len, strlen(want));
}

/* What text compiled as a value is for w.r. Everything in it must be known. */
static inline weir_str
eval_of(struct wr_request *r, const char *text)
{
    weir_value *v = weir_value_compile(&w.cf, weir_str_c(text));

    assert_non_null(v);
    return weir_value_get(&r->pub, v);
}

static inline weir_str
eval(const char *text)
{
    return eval_of(&w.r, text);
}

/* The variable's value; absent stays absent. */
static inline weir_str
var(const char *name)
{
    int32_t i = weir_var_find(&w.cf, weir_str_c(name));

    assert_true(i >= 0);
    return weir_var_get(&w.r.pub, i);
}

/* A field into a set that stays as it is. */
static inline void
add_field(struct wr_fields *f, const char *name, const char *value)
{
    (void)wr_fields_add(f, w.pool, weir_str_c(name), weir_str_c(value), wr_name_id(weir_str_c(name)));
}

static inline void
field_in(const char *name, const char *value)
{
    add_field(&w.r.in, name, value);
    w.r.pub.in_first = w.r.in.first;
}

/* A statement to compile texts of: its words as the reader makes them, all on line 3, one blank between. */
static inline struct wr_conf_node *
statement(const char *const *words, uint32_t n, bool quoted)
{
    static const struct wr_conf_source source = { .name = { "a.conf", 6 } };
    struct wr_conf_node *node = wr_pool_zalloc(w.pool, sizeof(*node));
    uint32_t column = 1;

    node->source = &source;
    node->words = wr_pool_array(w.pool, struct wr_conf_word, n);
    node->n_words = n;
    for (uint32_t i = 0; i < n; i++) {
        bool quotes = quoted && i != 0;
        node->words[i] = (struct wr_conf_word){ .text = weir_dup(w.pool, weir_str_c(words[i])),
                                                .line = 3, .column = column, .quoted = quotes };
        node->words[i].len = (uint32_t)node->words[i].text.len + (quotes ? 2 : 0);
        column += node->words[i].len + 1;
    }
    w.cf.node = node;
    return node;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

#endif
