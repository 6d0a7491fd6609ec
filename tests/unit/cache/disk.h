/* What is on disk: waiting until it is written, restarting, reading back. */
#ifndef TEST_CACHE_DISK_H
#define TEST_CACHE_DISK_H

#include "unit/cache/worker.h"

#include "../modules/cache/entry.h"
#include "../modules/cache/shared.h"

/* Has the response of that key a file that is complete? */
static inline bool
is_written(struct worker *w, const char *text)
{
    struct store_key key = key_of(w, text);
    bool is = false;

    if (shared_lock(w->store)) {
        const struct entry *e = entry_find(w->store, &key);
        is = e != NULL && e->file != 0 && (e->flags & (ENTRY_WRITING | ENTRY_DIRTY)) == 0;
        shared_unlock(w->store);
    }
    return is;
}

static inline bool
is_loaded(const struct worker *w)
{
    return w->store->root->loaded;
}

/* The zone goes, and the loop with it; the folder stays. */
static inline void
restart(struct worker *w)
{
    worker_end(w);
    process_end();
    process_start();
    worker_load(w, NULL, NULL);
    worker_start(w); /* it loads meanwhile */
}

struct got {
    int told;
    enum store_found found;
    struct store_object *o;
};

static inline void
got_it(void *data, enum store_found found, struct store_object *o)
{
    struct got *g = data;

    g->told++;
    g->found = found;
    g->o = o;
}

/* Find it wherever it is. */
static inline struct store_object *
get(struct worker *w, weir_pool *pool, const char *text)
{
    struct store_key key = key_of(w, text);
    struct store_object *o = NULL;
    struct got g = { 0 };
    enum store_found found = store_find(w->store, pool, &key, &o);

    if (found == STORE_ON_DISK) {
        store_open(w->store, pool, &key, got_it, &g);
        assert_int_equal(g.told, 0);
        turn_until(g.told == 1);
        assert_true((g.found == STORE_HELD) == (g.o != NULL));
        return g.o;
    }
    return found == STORE_HELD ? o : NULL;
}

/* ---- Purging. ---- */

struct counted {
    int told;
    struct store_purged what;
};

static inline void
counted(void *data, const struct store_purged *what)
{
    struct counted *c = data;

    c->told++;
    c->what = *what;
}

/* One key, whose files may be there still. */
static inline struct store_purged
purge_key_of(struct worker *w, const char *text, bool soft)
{
    struct store_key key = key_of(w, text);
    struct store_match m = { .key = &key, .soft = soft };
    struct counted c = { 0 };

    store_purge(w->store, w->pool, &m, counted, &c);
    turn_until(c.told == 1);
    return c.what;
}

/* n bytes that are like no others. */
static inline char *
make_body(size_t n, unsigned seed)
{
    char *body = malloc(n + 1);
    uint32_t x = seed * 2654435761u + 1;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        body[i] = (char)(x >> 24);
    }
    body[n] = '\0';
    return body;
}

/* Is what is stored these bytes? Absent is fine if it may be; anything else is not. */
static inline bool
holds(struct worker *w, const char *text, const char *body, size_t n)
{
    weir_pool *pool = wr_pool_create("get", NULL);
    struct store_object *o = get(w, pool, text);
    struct taker t = { .result = WEIR_OK, .pool = pool };
    bool whole;

    if (o == NULL) {
        wr_pool_destroy(&pool);
        return false;
    }
    assert_int_equal(store_object_meta(o)->status, 200);
    t.rd = store_read_object(pool, o, 0, UINT64_MAX);
    taker_go(&t);
    turn_until(taker_over(&t));
    whole = t.result == WEIR_DONE;
    assert_true(t.n <= n);
    assert_memory_equal(t.bytes != NULL ? t.bytes : "", body,
                        t.n); /* cut perhaps, but never other bytes */
    assert_true(!whole || t.n == n);
    taker_free(&t);
    wr_pool_destroy(&pool);
    return whole;
}

struct flow {
    struct store_fill *f;
    weir_pool *pool;
    const char *body;
    size_t n, at, step;
    int result;
    bool failed; /* WEIR_LIMIT was said */
};

static inline void
flow_go(void *data)
{
    struct flow *x = data;

    while (x->at < x->n) {
        size_t n = x->n - x->at < x->step ? x->n - x->at : x->step;
        int rc = write_bytes(x->f, x->pool, x->body + x->at, n, flow_go, x);
        x->at += n;
        x->failed |= rc == WEIR_LIMIT;
        if (rc == WEIR_AGAIN) {
            return;
        }
        assert_true(rc == WEIR_OK || rc == WEIR_LIMIT);
    }
    store_fill_end(x->f, true);
    x->result = WEIR_DONE;
}

/* Fill it with bytes of any number, read by the filler's own client, who has to get all of them
 * whatever the disk does. */
static inline void
put_long(struct worker *w, const char *text, const char *body, size_t n, bool known)
{
    weir_pool *pool = wr_pool_create("put", NULL);
    struct store_key key = key_of(w, text);
    struct store_meta meta = meta_of(known ? (int64_t)n : -1);
    struct taker t = { .result = WEIR_OK, .pool = pool };
    struct flow x = { .pool = pool, .body = body, .n = n, .step = 30000, .result = WEIR_OK };
    bool others;

    x.f = store_fill_begin(w->store, pool, &key, &others);
    assert_non_null(x.f);
    if (store_fill_head(x.f, &meta)) {
        t.rd = store_read_fill(pool, x.f);
        flow_go(&x);
        taker_go(&t);
        turn_until(taker_over(&t) && x.result == WEIR_DONE);
        assert_int_equal(t.result, WEIR_DONE);
        assert_int_equal(t.n, n);
        assert_memory_equal(t.bytes != NULL ? t.bytes : "", body, n);
        taker_free(&t);
    } else {
        store_fill_pass(x.f);
    }
    wr_pool_destroy(&pool);
}

#endif
