/* A process that dies under the lock leaves no trace of what it had half done. */
#include "unit/cache/worker.h"

#include <sys/wait.h>

#include "../modules/cache/entry.h"

/* In a process that dies of it, with everything half done. */
static void
die_within(struct worker *w, void (*change)(struct worker *w))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        process_start();
        worker_start(w);
        if (shared_lock(w->store)) {
            change(w);
        }
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void
remove_halfway(struct worker *w)
{
    struct store_key key = key_of(w, "/a");
    struct entry *e = entry_find(w->store, &key);

    if (e != NULL) {
        entry_remove(w->store, e);
    }
}

static void
make_halfway(struct worker *w)
{
    for (int i = 0; i < 10; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "/new/%d", i);
        struct store_key key = key_of(w, text);
        (void)entry_make(w->store, &key);
    }
}

/* The first worker fills, and goes; so forks happen without threads. */
static void
fill_first(struct worker *w)
{
    process_start();
    worker_start(w);
    turn_until(!w->store->root->loading);
    put(w, "/a", "hello");
    turn_until(w->store->n_writing == 0);
    store_stop(w->store);
    process_end();
}

static void
check(void (*change)(struct worker *w))
{
    struct worker first, child, w;
    struct store_stats before, after;
    uint64_t used;

    worker_load(&first, NULL, NULL);
    worker_load(&child, NULL, NULL);
    fill_first(&first);
    first.store->root = weir_zone_root(first.store->zone);
    store_stats(first.store, &before);
    used = weir_zone_used(first.store->zone);
    die_within(&child, change);
    process_start();
    worker_begin(&w);
    assert_int_equal(look_up(&w, "/a", "hello"), STORE_HELD);
    assert_int_equal(look_up(&w, "/new/3", NULL), STORE_ABSENT);
    store_stats(w.store, &after);
    assert_int_equal(after.entries, before.entries);
    assert_int_equal(after.memory_bytes, before.memory_bytes);
    assert_int_equal(w.store->root->n_notes, 0);
    assert_in_range(weir_zone_used(w.store->zone), used, used + 8192); /* marks of this worker */
    worker_end(&w);
    wr_pool_destroy(&first.pool);
    wr_pool_destroy(&child.pool);
}

static void
test_a_removal_is_taken_back(void **state)
{
    (void)state;
    check(remove_halfway);
}

static void
test_new_entries_are_taken_back_and_their_memory_with_them(void **state)
{
    (void)state;
    check(make_halfway);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_removal_is_taken_back, setup_master, teardown),
        cmocka_unit_test_setup_teardown(test_new_entries_are_taken_back_and_their_memory_with_them,
                                        setup_master, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
