/* What was stored is there after a restart, whole or not at all. */
#include "unit/cache/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>

#include "../modules/cache/path.h"

static void
test_a_response_survives_a_restart_with_all_it_has(void **state)
{
    struct worker w;
    struct store_object *o;
    struct store_key key;
    const struct store_meta *m;

    (void)state;
    worker_begin(&w);
    put(&w, "/a", "hello");
    turn_until(is_written(&w, "/a"));
    restart(&w);
    assert_true(holds(&w, "/a", "hello", 5));
    key = key_of(&w, "/a");
    assert_int_equal(store_find(w.store, w.pool, &key, &o), STORE_HELD); /* in memory by now */
    m = store_object_meta(o);
    assert_int_equal(m->length, 5);
    assert_int_equal(m->times[1], 2);
    assert_int_equal(m->n_fields, 1);
    assert_true(weir_str_eq(m->fields->name, WEIR_STR("Content-Type")));
    assert_true(weir_str_eq(m->reason, WEIR_STR("OK")));
    turn_until(is_loaded(&w));
    assert_true(holds(&w, "/a", "hello", 5));
    worker_end(&w);
}

static void
test_a_large_body_goes_to_a_file_and_comes_back(void **state)
{
    enum { N = 3000000 };
    struct worker a, b;
    char *body = make_body(N, 1);

    (void)state;
    worker_begin(&a);
    worker_begin(&b);
    put_long(&a, "/known", body, N, true);
    put_long(&a, "/unknown", body, N, false);
    assert_true(holds(&b, "/known", body, N));
    assert_true(holds(&a, "/unknown", body, N));
    worker_end(&b);
    restart(&a);
    assert_true(holds(&a, "/known", body, N));
    assert_true(holds(&a, "/unknown", body, N));
    free(body);
    worker_end(&a);
}

/* What it takes, to the end, is these bytes. */
static void
takes_all(struct taker *t, const char *body, size_t n)
{
    taker_go(t);
    turn_until(taker_over(t));
    assert_int_equal(t->result, WEIR_DONE);
    assert_int_equal(t->n, n);
    assert_memory_equal(t->bytes != NULL ? t->bytes : "", body, n);
}

static void
test_a_part_of_a_large_body_is_read_alone(void **state)
{
    enum { N = 1000000 };
    static const struct {
        uint64_t from, n;
    } parts[] = { { 0, 1 },      { 65535, 2 },  { 65536, 65536 },
                  { 999999, 1 }, { 1, 999999 }, { 500000, 0 } };
    struct worker w;
    char *body = make_body(N, 2);
    struct store_object *o;

    (void)state;
    worker_begin(&w);
    put_long(&w, "/a", body, N, true);
    o = get(&w, w.pool, "/a");
    assert_non_null(o);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct taker t = { .result = WEIR_OK, .pool = w.pool };
        t.rd = store_read_object(w.pool, o, parts[i].from, parts[i].n);
        takes_all(&t, body + parts[i].from, parts[i].n);
        taker_free(&t);
    }
    store_release(o);
    free(body);
    worker_end(&w);
}

static void
test_a_reader_far_behind_reads_what_comes_from_the_file(void **state)
{
    enum { N = 4000000 };
    struct worker a, b;
    char *body = make_body(N, 3);
    struct flow x = { .body = body, .n = N, .step = 50000, .result = WEIR_OK };
    struct taker own = { .result = WEIR_OK }, late = { .result = WEIR_OK };

    (void)state;
    worker_begin(&a);
    worker_begin(&b);
    x.pool = own.pool = a.pool;
    late.pool = b.pool;
    x.f = begin_fill(&a, a.pool, "/a", -1);
    own.rd = store_read_fill(a.pool, x.f);
    late.rd = store_read_fill(b.pool, x.f);
    taker_go(&own);
    flow_go(&x);
    turn_until(x.result == WEIR_DONE && taker_over(&own)); /* the late one has read nothing yet */
    assert_int_equal(own.n, N);
    takes_all(&late, body, N);
    taker_free(&own);
    taker_free(&late);
    free(body);
    worker_end(&b);
    worker_end(&a);
}

/* How many files there are under the names that they are written under. */
static uint32_t
temporary_files(void)
{
    char path[100];
    const struct dirent *d;
    uint32_t n = 0;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "%s/temp", folder);
    dir = opendir(path);
    assert_non_null(dir);
    while ((d = readdir(dir)) != NULL) {
        n += d->d_name[0] != '.';
    }
    (void)closedir(dir);
    return n;
}

/* Somebody has read nothing yet of a response whose beginning is in its file alone; then it is
 * stored no more, or another is in its place. */
static void
loses_its_file(bool replaced)
{
    enum { N = 4000000 };
    struct worker a, b;
    weir_pool *filling = wr_pool_create("filling", NULL), *reading = wr_pool_create("late", NULL);
    char *body = make_body(N, 4), *other = make_body(N, 5);
    struct flow x = { .pool = filling, .body = body, .n = N, .step = 50000, .result = WEIR_OK };
    struct taker own = { .pool = filling }, late = { .pool = reading };
    struct store_key key;

    worker_begin(&a);
    worker_begin(&b);
    key = key_of(&a, "/a");
    x.f = begin_fill(&a, filling, "/a", -1);
    own.rd = store_read_fill(filling, x.f);
    late.rd = store_read_fill(reading, x.f);
    taker_go(&own);
    flow_go(&x);
    turn_until(x.result == WEIR_DONE && taker_over(&own) && is_written(&a, "/a"));
    wr_pool_destroy(&filling);
    if (replaced) {
        put_long(&a, "/a", other, N, true);
        turn_until(holds(&b, "/a", other, N));
    } else {
        assert_true(store_remove(a.store, &key));
        turn_until(temporary_files() == 1 && a.store->root->doomed == NULL);
    }
    takes_all(&late, body, N);
    wr_pool_destroy(&reading);
    turn_until(temporary_files() == 0);
    taker_free(&own);
    taker_free(&late);
    free(other);
    free(body);
    worker_end(&b);
    worker_end(&a);
}

static void
test_a_reader_far_behind_reads_what_was_removed_meanwhile(void **state)
{
    (void)state;
    loses_its_file(false);
}

static void
test_a_reader_far_behind_reads_what_was_replaced_meanwhile(void **state)
{
    (void)state;
    loses_its_file(true);
}

/* ---- Damage. ---- */

static void
file_of(struct worker *w, const char *text, char *path)
{
    struct store_key key = key_of(w, text);
    struct store_options o = worker_options();

    assert_true(path_of(path, &o, key.hash));
}

static void
test_any_flipped_byte_is_a_miss(void **state)
{
    struct worker w;
    char path[PATH_SIZE];
    uint8_t bytes[4096];
    ssize_t n;
    int fd;

    (void)state;
    worker_begin(&w);
    put(&w, "/a", "some bytes of a body");
    turn_until(is_written(&w, "/a"));
    file_of(&w, "/a", path);
    fd = open(path, O_RDONLY);
    n = read(fd, bytes, sizeof(bytes));
    assert_true(n > 100);
    (void)close(fd);
    for (ssize_t i = 0; i < n; i++) {
        restart(&w);
        bytes[i] ^= 0x10;
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(write(fd, bytes, (size_t)n), n);
        (void)close(fd);
        bytes[i] ^= 0x10;
        assert_false(holds(&w, "/a", "some bytes of a body", 20));
    }
    worker_end(&w);
}

static void
test_any_cut_is_a_miss(void **state)
{
    struct worker w;
    char path[PATH_SIZE];
    struct stat st;
    struct store_stats stats;

    (void)state;
    worker_begin(&w);
    put(&w, "/a", "some bytes of a body");
    turn_until(is_written(&w, "/a"));
    file_of(&w, "/a", path);
    assert_int_equal(stat(path, &st), 0);
    for (off_t n = st.st_size - 1; n >= 0; n -= 7) {
        restart(&w);
        if (access(path, F_OK) != 0) { /* removed, as it should be */
            put(&w, "/a", "some bytes of a body");
            turn_until(is_written(&w, "/a"));
            restart(&w);
        }
        assert_int_equal(truncate(path, n), 0);
        assert_false(holds(&w, "/a", "some bytes of a body", 20));
        store_stats(w.store, &stats);
        assert_true(stats.damaged >= 1);
        turn_until(access(path, F_OK) != 0);
    }
    worker_end(&w);
}

/* As after a restart whose snapshot is older than the file. */
static void
test_damage_is_removed_where_the_index_has_another_number(void **state)
{
    struct worker w;
    struct store_key key;
    struct entry *e;
    char path[PATH_SIZE];

    (void)state;
    worker_begin(&w);
    put(&w, "/a", "some bytes of a body");
    turn_until(is_written(&w, "/a"));
    restart(&w);
    turn_until(is_loaded(&w));
    file_of(&w, "/a", path);
    key = key_of(&w, "/a");
    assert_true(shared_lock(w.store));
    e = entry_find(w.store, &key);
    assert_non_null(e);
    e->file++;
    shared_unlock(w.store);
    assert_int_equal(truncate(path, 100), 0); /* amid its head */
    assert_false(holds(&w, "/a", "some bytes of a body", 20));
    turn_until(access(path, F_OK) != 0);
    worker_end(&w);
}

static void
test_damage_far_inside_cuts_and_is_not_found_again(void **state)
{
    enum { N = 2000000 };
    struct worker w;
    char *body = make_body(N, 4), path[PATH_SIZE];
    int fd;

    (void)state;
    worker_begin(&w);
    put_long(&w, "/a", body, N, true);
    file_of(&w, "/a", path);
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 1500000), 1);
    (void)close(fd);
    assert_false(holds(&w, "/a", body, N)); /* which sees to it that no wrong byte came */
    assert_int_equal(look_up(&w, "/a", NULL), STORE_ABSENT);
    turn_until(access(path, F_OK) != 0);
    free(body);
    worker_end(&w);
}

/* ---- Heads that change. ---- */

static void
test_a_newer_head_and_a_soft_purge_survive(void **state)
{
    struct worker w;
    struct store_object *o;
    struct store_key key;
    struct store_meta meta = meta_of(5);

    (void)state;
    worker_begin(&w);
    put(&w, "/a", "hello");
    turn_until(is_written(&w, "/a"));
    key = key_of(&w, "/a");
    assert_int_equal(store_find(w.store, w.pool, &key, &o), STORE_HELD);
    meta.times[2] = 77;
    assert_true(store_freshen(w.store, o, &meta, true));
    turn_until(is_written(&w, "/a"));
    restart(&w);
    o = get(&w, w.pool, "/a");
    assert_non_null(o);
    assert_int_equal(store_object_meta(o)->times[2], 77);
    assert_false(store_object_stale(o));
    assert_int_equal(purge_key_of(&w, "/a", true).entries, 1);
    assert_true(store_object_stale(o));
    turn_until(is_written(&w, "/a"));
    restart(&w);
    o = get(&w, w.pool, "/a");
    assert_non_null(o);
    assert_int_equal(store_object_meta(o)->times[2], 77);
    assert_true(store_object_stale(o));
    worker_end(&w);
}

static uint64_t
size_of(struct worker *w, const char *text)
{
    char path[PATH_SIZE];
    struct stat st;

    file_of(w, text, path);
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

/* But for one that was purged softly: its file may say so. */
static void
test_a_newer_head_is_written_where_that_is_asked_for(void **state)
{
    struct worker w;
    struct store_object *o;
    struct store_meta meta = meta_of(5);
    uint64_t before;

    (void)state;
    worker_begin(&w);
    put(&w, "/a", "hello");
    turn_until(is_written(&w, "/a"));
    before = size_of(&w, "/a");
    o = get(&w, w.pool, "/a");
    meta.times[2] = 77;
    assert_true(store_freshen(w.store, o, &meta, false));
    assert_true(is_written(&w, "/a")); /* nothing is to be done */
    o = get(&w, w.pool, "/a");
    assert_int_equal(store_object_meta(o)->times[2], 77);
    assert_int_equal(size_of(&w, "/a"), before);
    assert_int_equal(purge_key_of(&w, "/a", true).entries, 1);
    turn_until(is_written(&w, "/a"));
    assert_true(store_freshen(w.store, o, &meta, false));
    assert_false(is_written(&w, "/a"));
    turn_until(is_written(&w, "/a"));
    restart(&w);
    o = get(&w, w.pool, "/a");
    assert_non_null(o);
    assert_false(store_object_stale(o));
    worker_end(&w);
}

static void
test_a_removed_response_is_gone_after_a_restart_too(void **state)
{
    struct worker w;
    struct store_key key;
    char path[PATH_SIZE];

    (void)state;
    worker_begin(&w);
    put(&w, "/a", "hello");
    turn_until(is_written(&w, "/a"));
    file_of(&w, "/a", path);
    key = key_of(&w, "/a");
    assert_true(store_remove(w.store, &key));
    turn_until(access(path, F_OK) != 0);
    put(&w, "/b", "hello");
    turn_until(is_written(&w, "/b"));
    restart(&w);
    key = key_of(&w, "/b"); /* not loaded yet, and removed before it is */
    (void)store_remove(w.store, &key);
    turn_until(is_loaded(&w));
    assert_null(get(&w, w.pool, "/a"));
    assert_null(get(&w, w.pool, "/b"));
    worker_end(&w);
}

/* ---- Loading. ---- */

static void
load_many(struct worker *w, int n)
{
    char key[32];
    struct store_stats stats;

    worker_begin(w);
    for (int i = 0; i < n; i++) {
        (void)snprintf(key, sizeof(key), "/%d", i);
        put(w, key, key);
        turn_until(is_written(w, key));
    }
    turn_until(is_loaded(w));
    restart(w);
    turn_until(is_loaded(w));
    store_stats(w->store, &stats);
    assert_int_equal(stats.entries, n);
    for (int i = 0; i < n; i++) {
        (void)snprintf(key, sizeof(key), "/%d", i);
        assert_true(holds(w, key, key, strlen(key)));
    }
}

static void
test_the_index_comes_back_by_its_snapshot(void **state)
{
    struct worker w;
    char path[128];

    (void)state;
    load_many(&w, 300);
    (void)snprintf(path, sizeof(path), "%s/index", folder);
    assert_int_equal(access(path, F_OK), 0);
    worker_end(&w);
}

static void
test_the_index_comes_back_without_a_snapshot_or_with_a_wrong_one(void **state)
{
    struct worker w;
    struct store_stats stats;
    char path[128];
    int fd;

    (void)state;
    load_many(&w, 50);
    (void)snprintf(path, sizeof(path), "%s/index", folder);
    worker_end(&w);
    assert_int_equal(unlink(path), 0);
    worker_begin(&w);
    turn_until(is_loaded(&w));
    store_stats(w.store, &stats);
    assert_int_equal(stats.entries, 50);
    worker_end(&w);
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "damage", 6, 100), 6);
    (void)close(fd);
    worker_begin(&w);
    turn_until(is_loaded(&w));
    store_stats(w.store, &stats);
    assert_int_equal(stats.entries, 50);
    worker_end(&w);
}

static void
test_what_only_the_snapshot_knows_is_no_entry(void **state)
{
    struct worker w;
    struct store_stats stats;
    char path[PATH_SIZE];

    (void)state;
    load_many(&w, 10);
    file_of(&w, "/3", path);
    worker_end(&w);
    assert_int_equal(unlink(path), 0);
    worker_begin(&w);
    turn_until(is_loaded(&w));
    store_stats(w.store, &stats);
    assert_int_equal(stats.entries, 9);
    assert_null(get(&w, w.pool, "/3"));
    worker_end(&w);
}

/* ---- Killed while it writes. ---- */

enum { KEYS = 20, BIG = 400000 };

static char *bodies[KEYS];

static size_t
length_of(int i)
{
    return i % 4 == 0 ? BIG : (size_t)(100 + i * 1000);
}

static void
write_all_the_time(struct worker *w)
{
    char key[16];

    for (int i = 0;; i++) {
        (void)snprintf(key, sizeof(key), "/%d", i % KEYS);
        put_long(w, key, bodies[i % KEYS], length_of(i % KEYS), i % 3 == 0);
        turn_a_little();
    }
}

static void
test_a_worker_killed_while_it_writes_leaves_what_is_whole_or_absent(void **state)
{
    struct worker child, w;
    char key[16];
    int status, right = 0;

    (void)state;
    for (int i = 0; i < KEYS; i++) {
        bodies[i] = make_body(length_of(i), (unsigned)i);
    }
    for (int round = 0; round < 40; round++) {
        pid_t pid;
        worker_load(&child, NULL, NULL);
        pid = fork();
        if (pid == 0) {
            process_start();
            worker_start(&child);
            write_all_the_time(&child);
        }
        (void)poll(NULL, 0, 5 + 3 * (round % 11)); /* any moment will do */
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        wr_pool_destroy(&child.pool); /* and the zone: the machine starts anew */
        process_start();
        worker_load(&w, NULL, NULL);
        worker_start(&w);
        for (int i = 0; i < KEYS; i++) {
            (void)snprintf(key, sizeof(key), "/%d", i);
            right += holds(&w, key, bodies[i], length_of(i));
        }
        worker_end(&w);
        process_end();
    }
    assert_true(right > 40);
    for (int i = 0; i < KEYS; i++) {
        free(bodies[i]);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_response_survives_a_restart_with_all_it_has),
        T(test_a_large_body_goes_to_a_file_and_comes_back),
        T(test_a_part_of_a_large_body_is_read_alone),
        T(test_a_reader_far_behind_reads_what_comes_from_the_file),
        T(test_a_reader_far_behind_reads_what_was_removed_meanwhile),
        T(test_a_reader_far_behind_reads_what_was_replaced_meanwhile),
        T(test_any_flipped_byte_is_a_miss),
        T(test_any_cut_is_a_miss),
        T(test_damage_is_removed_where_the_index_has_another_number),
        T(test_damage_far_inside_cuts_and_is_not_found_again),
        T(test_a_newer_head_and_a_soft_purge_survive),
        T(test_a_newer_head_is_written_where_that_is_asked_for),
        T(test_a_removed_response_is_gone_after_a_restart_too),
        T(test_the_index_comes_back_by_its_snapshot),
        T(test_the_index_comes_back_without_a_snapshot_or_with_a_wrong_one),
        T(test_what_only_the_snapshot_knows_is_no_entry),
        cmocka_unit_test_setup_teardown(
            test_a_worker_killed_while_it_writes_leaves_what_is_whole_or_absent, setup_master,
            teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
