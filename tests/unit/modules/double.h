/* double.h - a small stand-in for the server, for tests that include a module's source files:
 * enough of the ABI to hand one request through header, body and log hooks. Pools, strings and the
 * clock are the server's own. Include it before the module's files; they see it as a server that
 * does exactly what <weir/...> says and nothing more.
 */
#ifndef TESTS_UNIT_MODULES_DOUBLE_H
#define TESTS_UNIT_MODULES_DOUBLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#undef WEIR_SERVER /* from here on as a module is compiled */
#include <weir/weir.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"

enum { DOUBLE_HEADERS = 16 };

/* One request and all that hangs on it. */
struct double_request {
    weir_request r;
    const weir_header *in[WEIR_H_COUNT_1_0];
    const weir_header *out[WEIR_H_COUNT_1_0];
    weir_header fields[2 * DOUBLE_HEADERS];
    size_t n_fields;
    void *ctx[1];
    weir_log log;
};

static const struct {
    const char *name;
    uint32_t id;
} double_names[] = {
    { "Content-Type", WEIR_H_CONTENT_TYPE },
    { "Content-Encoding", WEIR_H_CONTENT_ENCODING },
    { "Vary", WEIR_H_VARY },
    { "ETag", WEIR_H_ETAG },
    { "Cache-Control", WEIR_H_CACHE_CONTROL },
    { "Expires", WEIR_H_EXPIRES },
    { "Date", WEIR_H_DATE },
    { "Last-Modified", WEIR_H_LAST_MODIFIED },
    { "Accept-Encoding", WEIR_H_ACCEPT_ENCODING },
    { "User-Agent", WEIR_H_USER_AGENT },
    { "Via", WEIR_H_VIA },
    { "Authorization", WEIR_H_AUTHORIZATION },
    { "If-None-Match", WEIR_H_IF_NONE_MATCH },
};

static struct weir_pool *double_worker_pool;

weir_pool *
weir_worker_pool(void)
{
    if (double_worker_pool == NULL) {
        double_worker_pool = wr_pool_create("worker", NULL);
    }
    return double_worker_pool;
}

static inline void
double_begin(struct double_request *d)
{
    memset(d, 0, sizeof(*d));
    d->r.pool = wr_pool_create("request", NULL);
    d->r.ctx = d->ctx;
    d->r.in = d->in;
    d->r.out = d->out;
    d->r.main = &d->r;
    d->r.log = &d->log;
    d->r.method = WEIR_GET;
    d->r.version = 11;
    d->r.status = 200;
    d->r.out_length = -1;
}

static inline void
double_end(struct double_request *d)
{
    wr_pool_destroy(&d->r.pool);
}

/* One more field in a table by id; behind those of the same name. */
static inline void
double_field(struct double_request *d, const weir_header **table, const char *name,
             const char *value)
{
    weir_header *h = &d->fields[d->n_fields++];

    assert_true(d->n_fields <= 2 * DOUBLE_HEADERS);
    *h = (weir_header){ .name = weir_str_c(name), .value = weir_dup(d->r.pool, weir_str_c(value)) };
    for (size_t i = 0; i < sizeof(double_names) / sizeof(double_names[0]); i++) {
        if (weir_str_ieq(h->name, weir_str_c(double_names[i].name))) {
            weir_header *last = (weir_header *)table[double_names[i].id];

            h->id = double_names[i].id;
            while (last != NULL && last->same != NULL) {
                last = (weir_header *)last->same;
            }
            if (last != NULL) {
                last->same = h;
            } else {
                table[h->id] = h;
            }
            return;
        }
    }
    fail_msg("the double does not know the header %s", name);
}

#define double_asks(d, name, value)    double_field((d), (d)->in, name, value)
#define double_answers(d, name, value) double_field((d), (d)->out, name, value)

/* ---- The ABI, as far as the tests need it. -------------------------------------------------- */

int
weir_out_add(weir_request *r, weir_str name, weir_str value)
{
    struct double_request *d = (struct double_request *)r;

    double_field(d, d->out, weir_dup(r->pool, name).data, weir_dup(r->pool, value).data);
    return WEIR_OK;
}

int
weir_out_set(weir_request *r, weir_str name, weir_str value)
{
    struct double_request *d = (struct double_request *)r;

    for (size_t i = 0; i < sizeof(double_names) / sizeof(double_names[0]); i++) {
        if (weir_str_ieq(name, weir_str_c(double_names[i].name))) {
            d->out[double_names[i].id] = NULL;
        }
    }
    return weir_out_add(r, name, value);
}

int
weir_out_length(weir_request *r, int64_t bytes)
{
    const weir_header *etag = r->out[WEIR_H_ETAG];

    r->out_length = bytes;
    if (etag != NULL && etag->value.data[0] == '"') {
        return weir_out_set(r, WEIR_STR("ETag"),
                            weir_print(r->pool, "W/%.*s", WEIR_FMT(etag->value)));
    }
    return WEIR_OK;
}

#endif
