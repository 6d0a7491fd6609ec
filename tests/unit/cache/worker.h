/* Workers with a store in a zone they share: several in one process, each with a slot of its own,
 * or in processes of their own. */
#ifndef TEST_CACHE_WORKER_H
#define TEST_CACHE_WORKER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../modules/cache/shared.h"
#include "../modules/cache/store.h"
#include "base/clock.h"
#include "base/pool.h"
#include "event/loop.h"
#include "event/wake.h"
#include "module/registry.h"
#include "module/worker_self.h"
#include "module/zone.h"

struct worker {
    weir_pool *pool; /* of the configuration */
    struct wr_diag diag;
    struct wr_registry registry;
    struct weir_conf cf;
    struct store *store;
};

static struct wr_zone_list regions; /* of the master */
static struct wr_loop *loop;
static weir_pool *process_pool;
static char folder[64];

/* ---- A process. ---- */

static inline void
process_start(void)
{
    struct wr_worker_self self = { .count = 1 };

    loop = wr_loop_create();
    process_pool = wr_pool_create("worker", NULL);
    self.pool = process_pool;
    wr_worker_self_set(&self);
    assert_int_equal(wr_wake_open(loop, 4, 1024), 0);
}

static inline void
process_end(void)
{
    wr_wake_close();
    wr_pool_destroy(&process_pool);
    wr_loop_destroy(&loop);
}

/* Turn the loop until it is so; a test that waits for ever is ended by the runner. */
#define turn_until(condition)                                                                      \
    do {                                                                                           \
        for (int turns_ = 0; !(condition); turns_++) {                                             \
            assert_true(turns_ < 200000);                                                          \
            wr_loop_turn(loop, 50);                                                                \
        }                                                                                          \
    } while (0)

/* Whatever is ready now. */
static inline void
turn_a_little(void)
{
    for (int i = 0; i < 4; i++) {
        wr_loop_turn(loop, 0);
    }
}

/* Without a loop yet: processes with threads do not fork. */
static inline int
setup_master(void **state)
{
    (void)state;
    wr_zone_list_init(&regions);
    strcpy(folder, "/tmp/weir-cache-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static inline int
setup(void **state)
{
    (void)setup_master(state);
    process_start();
    return 0;
}

static inline int
teardown(void **state)
{
    char command[128];

    (void)state;
    if (loop != NULL) {
        process_end();
    }
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

/* ---- A worker. ---- */

static inline struct store_options
worker_options(void)
{
    return (struct store_options){ .path = weir_str_c(folder),
                                   .levels = { 1, 2, 0 },
                                   .memory = 2 << 20,
                                   .inactive_ms = 600000,
                                   .manager_files = 100,
                                   .manager_sleep_ms = 50,
                                   .manager_threshold_ms = 200,
                                   .loader_files = 100,
                                   .loader_sleep_ms = 1,
                                   .loader_threshold_ms = 200,
                                   .purger_files = 10,
                                   .purger_sleep_ms = 50,
                                   .purger_threshold_ms = 50 };
}

/* What the master does: the zone is claimed. */
static inline void
worker_load(struct worker *w, const struct store_options *from, const char *keys)
{
    struct store_options o = from != NULL ? *from : worker_options();

    memset(w, 0, sizeof(*w));
    w->pool = wr_pool_create("conf", NULL);
    wr_diag_init(&w->diag, w->pool);
    wr_registry_init(&w->registry, w->pool, "/nowhere", NULL, 0, &regions);
    w->cf.pool = w->pool;
    w->cf.diag = &w->diag;
    w->cf.space = &w->registry.space;
    w->cf.make_zone = wr_zone_make;
    o.zone = store_zone(&w->cf, weir_print(w->pool, "c:%s", keys != NULL ? keys : "1m"), o.memory);
    assert_non_null(o.zone);
    w->store = store_make(&w->cf, &o);
    assert_non_null(w->store);
}

static inline void
worker_start(struct worker *w)
{
    assert_int_equal(store_start(w->store), WEIR_OK);
}

/* With an index that is loaded. */
static inline void
worker_begin(struct worker *w)
{
    worker_load(w, NULL, NULL);
    worker_start(w);
    turn_until(!w->store->root->loading);
}

static inline void
worker_end(struct worker *w)
{
    store_stop(w->store);
    wr_pool_destroy(&w->pool);
}

/* ---- Doing things with it. ---- */

static inline struct store_key
key_of(struct worker *w, const char *text)
{
    struct store_key key;

    store_key_make(w->store, weir_str_c(text), &key);
    return key;
}

static const weir_header ok_field = { .name = { "Content-Type", 12 },
                                      .value = { "text/plain", 10 },
                                      .id = WEIR_H_CONTENT_TYPE };

static inline struct store_meta
meta_of(int64_t length)
{
    return (struct store_meta){ .status = 200,
                                .times = { 1, 2, 3 },
                                .length = length,
                                .reason = WEIR_STR("OK"),
                                .fields = &ok_field,
                                .n_fields = 1 };
}

static inline int
write_bytes(struct store_fill *f, weir_pool *pool, const void *bytes, size_t n,
            void (*writable)(void *data), void *data)
{
    weir_chain c = { NULL, NULL };

    weir_chain_push(&c, weir_buf_copy(pool, (weir_str){ bytes, n }));
    return store_fill_write(f, &c, writable, data);
}

/* A fill that has its head and none of its body. length: announced; -1: not. */
static inline struct store_fill *
begin_fill(struct worker *w, weir_pool *pool, const char *key_text, int64_t length)
{
    struct store_key key = key_of(w, key_text);
    struct store_meta meta = meta_of(length);
    bool others;
    struct store_fill *f = store_fill_begin(w->store, pool, &key, &others);

    assert_non_null(f);
    assert_true(store_fill_head(f, &meta));
    return f;
}

/* A whole response. */
static inline void
put(struct worker *w, const char *key_text, const char *body)
{
    weir_pool *pool = wr_pool_create("put", NULL);
    struct store_fill *f = begin_fill(w, pool, key_text, (int64_t)strlen(body));

    assert_int_equal(write_bytes(f, pool, body, strlen(body), NULL, NULL), WEIR_OK);
    store_fill_end(f, true);
    wr_pool_destroy(&pool);
}

/* What find says; a held object's body has to be `body`. */
static inline enum store_found
look_up(struct worker *w, const char *key_text, const char *body)
{
    weir_pool *pool = wr_pool_create("get", NULL);
    struct store_key key = key_of(w, key_text);
    struct store_object *o = NULL;
    enum store_found found = store_find(w->store, pool, &key, &o);

    if (found == STORE_HELD && body != NULL) {
        weir_str is = store_object_body(o);
        assert_true(weir_str_eq(is, weir_str_c(body)));
    }
    wr_pool_destroy(&pool);
    return found;
}

/* ---- Reading until it ends. ---- */

struct taker {
    struct store_reader *rd;
    weir_pool *pool;
    char *bytes;
    size_t n, room;
    int result; /* WEIR_OK: it goes on */
};

static inline void
taker_go(void *data)
{
    struct taker *t = data;
    weir_chain c = { NULL, NULL };
    weir_buf *b;

    do {
        t->result = store_read(t->rd, t->pool, &c, 100000, taker_go, t);
        while ((b = weir_chain_pop(&c)) != NULL) {
            if (t->n + b->len > t->room) {
                t->room = 2 * (t->n + b->len);
                t->bytes = realloc(t->bytes, t->room);
            }
            memcpy(t->bytes + t->n, b->data, b->len);
            t->n += b->len;
            weir_buf_drop(b);
        }
    } while (t->result == WEIR_OK);
}

static inline bool
taker_over(const struct taker *t)
{
    return t->result == WEIR_DONE || t->result == WEIR_CLOSED;
}

static inline void
taker_free(struct taker *t)
{
    free(t->bytes);
    t->bytes = NULL;
    t->n = t->room = 0;
}

#endif
