/* A purge that was answered holds after all processes have been killed, whatever was done of it on
 * the disk by then. A child is the whole server; it is killed at a system call of the disk tier, or
 * before a file is unlinked. */
#include "unit/cache/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "../modules/cache/journal.h"
#include "../modules/cache/recover.h"
#include "../modules/cache/sys.h"

static const char *const keys[] = { "/a/1", "/a/2", "/b/1", "/long" };
enum { KEYS = 4, LONG = 300000 };

struct shared_with_child {
    _Atomic int calls, kill_at; /* kill_at: 0: never */
    _Atomic bool armed, answered, lasting;
};

static struct shared_with_child *both;
static char *body;
static bool unlink_does_nothing, disk_fails; /* fails: both, from the purge on */

/* ---- The system as the child has it. ---- */

static void
count(void)
{
    if (atomic_load(&both->armed) && ++both->calls == both->kill_at) {
        (void)raise(SIGKILL);
    }
}

static int
k_open(const char *path, int flags, mode_t mode)
{
    count();
    return sys_real.open(path, flags, mode);
}

static ssize_t
k_pwrite(int fd, const void *from, size_t n, off_t at)
{
    count();
    return disk_fails && both->armed ? -EROFS : sys_real.pwrite(fd, from, n, at);
}

static int
k_rename(const char *from, const char *to)
{
    count();
    return sys_real.rename(from, to);
}

static int
k_unlink(const char *path)
{
    count();
    return disk_fails && both->armed ? -EROFS : unlink_does_nothing ? 0 : sys_real.unlink(path);
}

static int
k_mkdir(const char *path, mode_t mode)
{
    count();
    return sys_real.mkdir(path, mode);
}

static void
use_killing_system(void)
{
    static struct sys killing;

    killing = sys_real;
    killing.open = k_open;
    killing.pwrite = k_pwrite;
    killing.rename = k_rename;
    killing.unlink = k_unlink;
    killing.mkdir = k_mkdir;
    sys = &killing;
}

/* ---- A life, and what is found after it. ---- */

static void
put_with_tag(struct worker *w, const char *text, uint64_t tag)
{
    weir_pool *pool = wr_pool_create("put", NULL);
    struct store_key key = key_of(w, text);
    struct store_meta meta = meta_of(4);
    bool others;
    struct store_fill *f = store_fill_begin(w->store, pool, &key, &others);

    meta.tags = &tag;
    meta.n_tags = 1;
    assert_true(store_fill_head(f, &meta));
    assert_int_equal(write_bytes(f, pool, "body", 4, NULL, NULL), WEIR_OK);
    store_fill_end(f, true);
    wr_pool_destroy(&pool);
}

static void
child(const struct store_match *m, const char *key_text)
{
    struct store_match match = *m;
    struct store_key key;
    struct counted c = { 0 };
    struct worker w;

    process_start();
    use_killing_system();
    worker_begin(&w);
    for (int i = 0; i < KEYS - 1; i++) {
        put_with_tag(&w, keys[i], i == 2 ? 22 : 11);
    }
    put_long(&w, "/long", body, LONG, true);
    for (int i = 0; i < KEYS; i++) {
        turn_until(is_written(&w, keys[i]));
    }
    if (key_text != NULL) {
        key = key_of(&w, key_text);
        match.key = &key;
    }
    both->armed = true;
    if (unlink_does_nothing) {
        w.store->n_writing = 1000; /* so many that nothing else is written */
    }
    store_purge(w.store, w.pool, &match, counted, &c);
    turn_until(c.told == 1);
    both->lasting = c.what.lasting;
    both->answered = true;
    if (both->kill_at == 0) {
        (void)raise(SIGKILL);
    }
    turn_until(w.store->root->doomed == NULL && w.store->root->n_softened == 0);
    _exit(0);
}

static void
live(const struct store_match *m, const char *key_text)
{
    pid_t pid;
    int status;

    atomic_store(&both->calls, 0);
    atomic_store(&both->armed, false);
    atomic_store(&both->answered, false);
    atomic_store(&both->lasting, false);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child(m, key_text);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

/* Bits of the keys that are found, in a new life: fresh ones, and stale ones eight bits up. */
static unsigned
found_afterwards(bool while_loading)
{
    struct worker w;
    unsigned set = 0;

    process_start();
    worker_load(&w, NULL, NULL);
    worker_start(&w);
    if (!while_loading) {
        turn_until(is_loaded(&w) && w.store->root->n_bans == 0);
    }
    for (int i = 0; i < KEYS; i++) {
        weir_pool *pool = wr_pool_create("get", NULL);
        struct store_object *o = get(&w, pool, keys[i]);
        if (o != NULL) {
            set |= store_object_stale(o) ? 0x100u << i : 1u << i;
        }
        wr_pool_destroy(&pool);
    }
    turn_until(is_loaded(&w));
    worker_end(&w);
    process_end();
    loop = NULL;
    return set;
}

/* In a folder of its own. */
static unsigned
life(const struct store_match *m, const char *key_text, bool while_loading)
{
    void *state = NULL;
    unsigned set;

    (void)setup_master(&state);
    live(m, key_text);
    sys = &sys_real;
    set = found_afterwards(while_loading);
    if (both->answered) { /* and it stays so */
        assert_int_equal(found_afterwards(false) & 0xff, set & 0xff);
    }
    assert_int_equal(teardown(&state), 0);
    return set;
}

/* ---- Claims. ---- */

/* What is stale may be missing for the moment in which that is written to its file. */
static void
check(unsigned set, unsigned left)
{
    assert_int_equal(set & 0xff, left & 0xff);
    assert_int_equal(set & ~left, 0);
}

static void
kill_before_unlinking(const struct store_match *m, const char *key, unsigned left)
{
    unlink_does_nothing = true;
    both->kill_at = 0;
    for (int i = 0; i < 2; i++) {
        check(life(m, key, i == 1), left);
        assert_true(both->answered && both->lasting);
    }
    unlink_does_nothing = false;
}

/* What may be left: the purged ones too, if nobody was told that they are not. */
static void
kill_at_each_call(const struct store_match *m, const char *key, unsigned left, unsigned purged)
{
    bool more = true;
    int n;

    for (n = 1; more; n++) {
        unsigned set;
        both->kill_at = n;
        set = life(m, key, n % 2 == 1);
        more = both->calls >= n;
        if (both->answered && both->lasting) {
            check(set, left);
        } else {
            assert_int_equal(set & ~purged & ~(purged << 8), left & ~purged & ~(purged << 8));
        }
        assert_true(n < 200);
    }
    assert_true(n > 3);
}

static const struct store_match by_key = { .soft = false };
static const struct store_match by_key_softly = { .soft = true };
static const struct store_match by_prefix = { .prefix = { "/a/", 3 } };
static const struct store_match by_tag = { .tag = 22 };
static const struct store_match by_tag_softly = { .tag = 11, .soft = true };
static const struct store_match all = { .all = true };

static void
test_a_key_stays_purged(void **state)
{
    (void)state;
    kill_before_unlinking(&by_key, "/a/1", 0xe);
    kill_before_unlinking(&by_key, "/long", 0x7);
    kill_at_each_call(&by_key, "/a/1", 0xe, 1);
}

static void
test_a_prefix_a_tag_and_all_stay_purged(void **state)
{
    (void)state;
    kill_before_unlinking(&by_prefix, NULL, 0xc);
    kill_before_unlinking(&by_tag, NULL, 0xb);
    kill_before_unlinking(&all, NULL, 0);
    kill_at_each_call(&by_prefix, NULL, 0xc, 3);
}

static void
test_what_was_made_stale_stays_stale(void **state)
{
    (void)state;
    kill_before_unlinking(&by_key_softly, "/a/1", 0x10e);
    kill_before_unlinking(&by_tag_softly, NULL, 0x30c);
    kill_at_each_call(&by_key_softly, "/a/1", 0x10e, 1);
    kill_at_each_call(&by_tag_softly, NULL, 0x30c, 3);
}

static void
test_on_a_disk_that_cannot_be_written_who_asked_is_told(void **state)
{
    (void)state;
    disk_fails = true;
    both->kill_at = 0;
    (void)life(&by_key, "/a/1", false);
    assert_true(both->answered && !both->lasting);
    (void)life(&by_prefix, NULL, false);
    assert_true(both->answered && !both->lasting);
    disk_fails = false;
}

static int
files_in(const char *name)
{
    char path[PATH_MAX];
    const struct dirent *d;
    int n = 0;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    dir = opendir(path);
    while (dir != NULL && (d = readdir(dir)) != NULL) {
        n += d->d_name[0] != '.';
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return n;
}

static void
test_what_is_done_is_not_kept(void **state)
{
    struct worker w;

    (void)state;
    process_start();
    worker_begin(&w);
    for (int i = 0; i < 2; i++) {
        put(&w, "/a", "hello");
        turn_until(is_written(&w, "/a"));
        assert_int_equal(purge_key_of(&w, "/a", i == 1).entries, 1);
        assert_true(files_in("purges") > 0);
        turn_until(files_in("purges") == 0);
    }
    put(&w, "/a", "hello");
    assert_int_equal(look_up(&w, "/a", "hello"), STORE_HELD);
    worker_end(&w);
}

/* Taken out, and stopped before a thread came to it. */
static void
test_a_stop_leaves_nothing_to_be_found_again(void **state)
{
    struct worker w;
    struct store_key key;

    (void)state;
    process_start();
    worker_begin(&w);
    put(&w, "/a", "hello");
    turn_until(is_written(&w, "/a"));
    key = key_of(&w, "/a");
    assert_true(store_remove(w.store, &key));
    use_killing_system();
    unlink_does_nothing = true;
    worker_end(&w);
    process_end();
    unlink_does_nothing = false;
    sys = &sys_real;
    loop = NULL;
    assert_int_equal(found_afterwards(false), 0);
}

/* Damaged: nobody knows what it said. */
static void
test_a_journal_that_cannot_be_read_is_a_purge_of_all(void **state)
{
    struct worker w;
    char path[PATH_MAX];
    int fd;

    (void)state;
    process_start();
    worker_begin(&w);
    put(&w, "/a", "hello");
    turn_until(is_written(&w, "/a"));
    worker_end(&w);
    process_end();
    (void)snprintf(path, sizeof(path), "%s/purges", folder);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof(path), "%s/purges/0123456789abcdef", folder);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "damaged", 7), 7);
    (void)close(fd);
    process_start();
    worker_load(&w, NULL, NULL);
    worker_start(&w);
    turn_until(is_loaded(&w) && w.store->root->n_bans == 0);
    assert_int_equal(look_up(&w, "/a", NULL), STORE_ABSENT);
    turn_until(files_in("purges") == 0);
    worker_end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_stays_purged),
        cmocka_unit_test(test_a_prefix_a_tag_and_all_stay_purged),
        cmocka_unit_test(test_what_was_made_stale_stays_stale),
        cmocka_unit_test(test_on_a_disk_that_cannot_be_written_who_asked_is_told),
        cmocka_unit_test_setup_teardown(test_what_is_done_is_not_kept, setup_master, teardown),
        cmocka_unit_test_setup_teardown(test_a_stop_leaves_nothing_to_be_found_again, setup_master,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_journal_that_cannot_be_read_is_a_purge_of_all,
                                        setup_master, teardown),
    };

    both = mmap(NULL, sizeof(*both), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    body = make_body(LONG, 9);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
