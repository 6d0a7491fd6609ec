/* Any system call of the disk tier may fail, once or from then on: clients get all they should all
 * the same, and what is stored is right or not there. */
#include "unit/cache/disk.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>

#include "../modules/cache/object.h"
#include "../modules/cache/sys.h"

enum kind { FAIL_ONCE, FAIL_ON, SHORT_WRITE };

static struct {
    _Atomic int calls;
    int at, error; /* at: 0: never */
    enum kind kind;
} fault;

/* Is it this call's turn? */
static bool
fails(void)
{
    int n = ++fault.calls;

    return fault.at != 0 && fault.kind != SHORT_WRITE &&
           (n == fault.at || (fault.kind == FAIL_ON && n > fault.at));
}

static int
bad_open(const char *path, int flags, mode_t mode)
{
    return fails() ? fault.error : sys_real.open(path, flags, mode);
}

static ssize_t
bad_pread(int fd, void *to, size_t n, off_t at)
{
    return fails() ? fault.error : sys_real.pread(fd, to, n, at);
}

static ssize_t
bad_pread_now(int fd, void *to, size_t n, off_t at)
{
    return fails() ? fault.error : sys_real.pread_now(fd, to, n, at);
}

static ssize_t
bad_pwrite(int fd, const void *from, size_t n, off_t at)
{
    if (fault.kind == SHORT_WRITE && ++fault.calls == fault.at && n > 1) {
        return sys_real.pwrite(fd, from, n / 2, at);
    }
    return fault.kind != SHORT_WRITE && fails() ? fault.error : sys_real.pwrite(fd, from, n, at);
}

static int
bad_reserve(int fd, off_t bytes)
{
    return fails() ? fault.error : sys_real.reserve(fd, bytes);
}

static int
bad_rename(const char *from, const char *to)
{
    return fails() ? fault.error : sys_real.rename(from, to);
}

static int
bad_link(const char *from, const char *to)
{
    return fails() ? fault.error : sys_real.link(from, to);
}

static int
bad_unlink(const char *path)
{
    return fails() ? fault.error : sys_real.unlink(path);
}

static int
bad_mkdir(const char *path, mode_t mode)
{
    return fails() ? fault.error : sys_real.mkdir(path, mode);
}

static int64_t
bad_size(int fd)
{
    return fails() ? fault.error : sys_real.size(fd);
}

static int
good_close(int fd)
{
    return sys_real.close(fd);
}

static int64_t
good_room(const char *path)
{
    return sys_real.room(path);
}

static uint64_t
good_ms(void)
{
    return sys_real.ms();
}

static const struct sys bad = { bad_open,    good_close, bad_pread, bad_pread_now, bad_pwrite,
                                bad_reserve, bad_rename, bad_link,  bad_unlink,    bad_mkdir,
                                bad_size,    good_room,  good_ms };

enum { LONG = 400000 };

static char *body;

/* Store, change, find again: what a cache does in its life. */
static void
live(struct worker *w)
{
    struct store_key key;
    struct store_object *o;
    struct store_meta meta = meta_of(5);

    put_long(w, "/long", body, LONG, false);
    put_long(w, "/known", body, LONG, true);
    put(w, "/small", "hello");
    turn_until(w->store->n_writing == 0);
    key = key_of(w, "/small");
    if (store_find(w->store, w->pool, &key, &o) == STORE_HELD) {
        (void)store_freshen(w->store, o, &meta, true);
        turn_until(w->store->n_writing == 0);
    }
    (void)holds(w, "/long", body, LONG);
    key = key_of(w, "/known");
    (void)store_remove(w->store, &key);
    put_long(w, "/long", body, LONG, true); /* in place of the first */
    turn_until(!w->store->unlinking);
}

/* A life in which call number `at` fails; answers how many calls there were. */
static int
life(int at, enum kind kind, int error)
{
    struct worker w;
    void *state = NULL;
    int calls;

    (void)setup(&state);
    fault.calls = 0;
    fault.at = at;
    fault.kind = kind;
    fault.error = error;
    sys = &bad;
    worker_load(&w, NULL, NULL);
    worker_start(&w);
    live(&w);
    calls = fault.calls;
    worker_end(&w);
    process_end();
    sys = &sys_real; /* the disk is well again */
    process_start();
    worker_load(&w, NULL, NULL);
    worker_start(&w);
    (void)holds(&w, "/long", body, LONG); /* fails if anything is wrong */
    (void)holds(&w, "/small", "hello", 5);
    (void)holds(&w, "/known", body, LONG);
    turn_until(!w.store->root->loading);
    (void)holds(&w, "/long", body, LONG);
    put(&w, "/after", "well");
    assert_int_equal(look_up(&w, "/after", "well"), STORE_HELD);
    worker_end(&w);
    assert_int_equal(teardown(&state), 0);
    return calls;
}

static void
every_call(enum kind kind, int error)
{
    int calls = life(0, kind, error);

    assert_true(calls > 20);
    for (int at = 1; at <= calls + 2; at++) {
        (void)life(at, kind, error);
    }
}

static void
test_a_full_disk_at_any_call(void **state)
{
    (void)state;
    every_call(FAIL_ONCE, -ENOSPC);
}

static void
test_an_error_at_any_call(void **state)
{
    (void)state;
    every_call(FAIL_ONCE, -EIO);
}

static void
test_a_write_cut_short_at_any_call(void **state)
{
    (void)state;
    every_call(SHORT_WRITE, 0);
}

static void
test_an_interrupted_call_is_repeated(void **state)
{
    (void)state;
    every_call(FAIL_ONCE, -EINTR);
}

static void
test_everything_stops_at_any_call_as_if_the_power_were_cut(void **state)
{
    (void)state;
    every_call(FAIL_ON, -EIO);
}

static void
test_a_disk_that_stays_full_serves_through(void **state)
{
    struct worker w;
    void *unused = NULL;

    (void)state;
    (void)setup(&unused);
    sys = &sys_real;
    worker_begin(&w);
    fault.calls = 0;
    fault.at = 1;
    fault.kind = FAIL_ON;
    fault.error = -ENOSPC;
    sys = &bad;
    for (int i = 0; i < 5; i++) {
        put_long(&w, "/long", body, LONG, i % 2 == 0);
    }
    sys = &sys_real;
    worker_end(&w);
    assert_int_equal(teardown(&unused), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_disk_that_stays_full_serves_through),
        cmocka_unit_test(test_a_full_disk_at_any_call),
        cmocka_unit_test(test_an_error_at_any_call),
        cmocka_unit_test(test_a_write_cut_short_at_any_call),
        cmocka_unit_test(test_an_interrupted_call_is_repeated),
        cmocka_unit_test(test_everything_stops_at_any_call_as_if_the_power_were_cut),
    };

    body = make_body(LONG, 9);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
