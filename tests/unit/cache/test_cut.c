/* A fill that is cut: what came is found as a response of its own, in memory and on disk; who was
 * promised more is cut, and who wants no more than came has it. */
#include "unit/cache/disk.h"

/* A fill of n bytes of which `came` come. Who reads all of it, and who reads some. */
struct cut {
    struct worker w;
    weir_pool *pool;
    struct store_fill *f;
    struct taker all, some;
    char *body;
};

static void
begin(struct cut *c, size_t n)
{
    struct store_key key;
    struct store_meta meta = meta_of((int64_t)n);
    bool others;

    memset(c, 0, sizeof(*c));
    worker_begin(&c->w);
    c->body = make_body(n, 1);
    c->pool = wr_pool_create("filler", NULL);
    key = key_of(&c->w, "/a");
    c->f = store_fill_begin(c->w.store, c->pool, &key, &others);
    assert_non_null(c->f);
    assert_true(store_fill_head(c->f, &meta));
    c->all = (struct taker){ .rd = store_read_fill(c->pool, c->f), .pool = c->pool };
    c->some = (struct taker){ .rd = store_read_fill(c->pool, c->f), .pool = c->pool };
}

static void
end(struct cut *c)
{
    taker_free(&c->all);
    taker_free(&c->some);
    free(c->body);
    worker_end(&c->w);
}

static void
ignore(void *data)
{
    (void)data;
}

static void
write_and_cut(struct cut *c, size_t came)
{
    for (size_t at = 0; at < came; at += 50000) {
        size_t n = came - at < 50000 ? came - at : 50000;
        (void)write_bytes(c->f, c->w.pool, c->body + at, n, ignore, NULL);
    }
    taker_go(&c->all);
    taker_go(&c->some);
    store_fill_cut(c->f);
    turn_until(taker_over(&c->all) && taker_over(&c->some));
    wr_pool_destroy(&c->pool);
}

static void
test_what_came_is_found_and_who_was_promised_more_is_cut(void **state)
{
    struct cut c;
    struct worker other;
    uint64_t before;
    struct store_key key;

    (void)state;
    begin(&c, 1000);
    worker_begin(&other);
    before = weir_zone_used(c.w.store->zone);
    store_reader_span(c.some.rd, 10, 20);
    write_and_cut(&c, 600);
    assert_int_equal(c.all.result, WEIR_CLOSED);
    assert_int_equal(c.all.n, 600);
    assert_int_equal(c.some.result, WEIR_DONE);
    assert_int_equal(c.some.n, 20);
    assert_memory_equal(c.some.bytes, c.body + 10, 20);
    assert_true(holds(&other, "/a", c.body, 600));
    key = key_of(&c.w, "/a");
    assert_true(store_remove(c.w.store, &key));
    turn_until(weir_zone_used(c.w.store->zone) <= before);
    worker_end(&other);
    end(&c);
}

static void
test_a_cut_response_is_written_and_comes_back(void **state)
{
    struct cut c;

    (void)state;
    begin(&c, 1000);
    write_and_cut(&c, 600);
    turn_until(is_written(&c.w, "/a"));
    restart(&c.w);
    turn_until(is_loaded(&c.w));
    assert_true(holds(&c.w, "/a", c.body, 600));
    end(&c);
}

static void
test_a_long_one_is_cut_in_its_file(void **state)
{
    enum { N = 3000000, CAME = 2000001 };
    struct cut c;

    (void)state;
    begin(&c, N);
    store_reader_span(c.some.rd, 1000000, 1000001);
    write_and_cut(&c, CAME);
    assert_int_equal(c.all.result, WEIR_CLOSED);
    assert_int_equal(c.some.result, WEIR_DONE);
    assert_memory_equal(c.some.bytes, c.body + 1000000, 1000001);
    turn_until(is_written(&c.w, "/a"));
    assert_true(holds(&c.w, "/a", c.body, CAME));
    restart(&c.w);
    turn_until(is_loaded(&c.w));
    assert_true(holds(&c.w, "/a", c.body, CAME));
    end(&c);
}

static void
test_nothing_that_came_is_nothing_that_is_kept(void **state)
{
    struct cut c;

    (void)state;
    begin(&c, 1000);
    write_and_cut(&c, 0);
    assert_int_equal(c.all.result, WEIR_CLOSED);
    assert_int_equal(look_up(&c.w, "/a", NULL), STORE_ABSENT);
    end(&c);
}

static void
test_a_length_that_was_not_known_cannot_be_cut(void **state)
{
    struct worker w;
    struct store_key key;
    struct store_meta meta = meta_of(-1);
    struct store_fill *f;
    bool others;

    (void)state;
    worker_begin(&w);
    key = key_of(&w, "/a");
    f = store_fill_begin(w.store, w.pool, &key, &others);
    assert_true(store_fill_head(f, &meta));
    assert_int_equal(write_bytes(f, w.pool, "01234", 5, NULL, NULL), WEIR_OK);
    store_fill_cut(f);
    assert_int_equal(look_up(&w, "/a", NULL), STORE_ABSENT);
    worker_end(&w);
}

/* Who waited for the head, and looks when it is over, finds what came. */
static void
waited(void *data, enum store_waited how, struct store_reader *reader, struct store_fill *fill)
{
    (void)reader;
    (void)fill;
    *(int *)data = (int)how;
}

static void
test_who_waits_looks_again(void **state)
{
    struct cut c;
    struct store_key key;
    static int how;

    (void)state;
    how = -1;
    begin(&c, 1000);
    assert_int_equal(write_bytes(c.f, c.w.pool, c.body, 600, ignore, NULL), WEIR_OK);
    key = key_of(&c.w, "/a");
    (void)store_wait(c.w.store, c.w.pool, &key, 60000, waited, &how);
    store_fill_cut(c.f);
    turn_until(how != -1);
    assert_int_equal(how, STORE_AGAIN);
    assert_true(holds(&c.w, "/a", c.body, 600));
    wr_pool_destroy(&c.pool);
    end(&c);
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_what_came_is_found_and_who_was_promised_more_is_cut),
        T(test_a_cut_response_is_written_and_comes_back),
        T(test_a_long_one_is_cut_in_its_file),
        T(test_nothing_that_came_is_nothing_that_is_kept),
        T(test_a_length_that_was_not_known_cannot_be_cut),
        T(test_who_waits_looks_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
