/* Files of large bodies that are asked for again and again stay open: a find opens nothing, and
 * what is gone or not used is closed. */
#include "unit/cache/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

#include "../modules/cache/opened.h"
#include "../modules/cache/path.h"
#include "../modules/cache/sys.h"

enum { LONG = 600000 };

static char *body, *other_body;
static _Atomic int opens, closes;
static bool never_now;

static int
counting_open(const char *path, int flags, mode_t mode)
{
    int fd = sys_real.open(path, flags, mode);

    opens += fd >= 0;
    return fd;
}

static int
counting_close(int fd)
{
    closes++;
    return sys_real.close(fd);
}

static ssize_t
perhaps_now(int fd, void *to, size_t n, off_t at)
{
    return never_now ? -EAGAIN : sys_real.pread_now(fd, to, n, at);
}

static void
put_written(struct worker *w, const char *text, const char *bytes)
{
    put_long(w, text, bytes, LONG, true);
    turn_until(is_written(w, text));
}

static void
warm_up(struct worker *w, const char *text)
{
    for (int i = 0; i < 3; i++) {
        assert_true(holds(w, text, body, LONG));
    }
}

static int
begin(void **state)
{
    static struct sys counting;

    counting = sys_real;
    counting.open = counting_open;
    counting.close = counting_close;
    counting.pread_now = perhaps_now;
    never_now = false;
    opens = closes = 0;
    sys = &counting;
    return setup(state);
}

static int
end(void **state)
{
    sys = &sys_real;
    return teardown(state);
}

static void
test_a_repeated_hit_opens_nothing(void **state)
{
    struct worker w;
    int before;

    (void)state;
    worker_begin(&w);
    put_written(&w, "/a", body);
    warm_up(&w, "/a");
    before = opens;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(look_up(&w, "/a", NULL), STORE_HELD);
        never_now = i % 2 == 0; /* a thread, or none */
        assert_true(holds(&w, "/a", body, LONG));
    }
    assert_int_equal(opens, before);
    worker_end(&w);
    assert_int_equal(opens, closes);
}

static void
test_what_is_asked_for_once_is_not_kept_open(void **state)
{
    struct worker w;

    (void)state;
    worker_begin(&w);
    put_written(&w, "/a", body);
    assert_true(holds(&w, "/a", body, LONG));
    turn_until(opens == closes);
    worker_end(&w);
}

static void
test_what_is_purged_is_not_found_and_closed(void **state)
{
    struct worker w;

    (void)state;
    worker_begin(&w);
    put_written(&w, "/a", body);
    warm_up(&w, "/a");
    assert_int_equal(purge_key_of(&w, "/a", false).entries, 1);
    assert_int_equal(look_up(&w, "/a", NULL), STORE_ABSENT);
    turn_until(opens == closes);
    worker_end(&w);
}

static void
test_what_is_replaced_is_the_new_one(void **state)
{
    struct worker w;

    (void)state;
    worker_begin(&w);
    put_written(&w, "/a", body);
    warm_up(&w, "/a");
    put_written(&w, "/a", other_body);
    assert_true(holds(&w, "/a", other_body, LONG));
    assert_true(holds(&w, "/a", other_body, LONG));
    worker_end(&w);
    assert_int_equal(opens, closes);
}

static void
test_a_purge_by_another_worker_holds(void **state)
{
    struct worker a, b;

    (void)state;
    worker_begin(&a);
    worker_begin(&b);
    put_written(&a, "/a", body);
    warm_up(&a, "/a");
    assert_int_equal(purge_key_of(&b, "/a", false).entries, 1);
    assert_int_equal(look_up(&a, "/a", NULL), STORE_ABSENT);
    turn_until(opens == closes);
    worker_end(&b);
    worker_end(&a);
}

static void
test_so_many_are_kept_and_no_more(void **state)
{
    struct worker w;
    char text[32];

    (void)state;
    worker_begin(&w);
    for (int i = 0; i < OPENED_KEPT + 20; i++) {
        (void)snprintf(text, sizeof(text), "/%d", i);
        put_written(&w, text, body);
        warm_up(&w, text);
    }
    turn_until(opens - closes <= OPENED_KEPT);
    assert_int_equal(opens - closes, OPENED_KEPT);
    worker_end(&w);
    assert_int_equal(opens, closes);
}

/* Bytes are checked each time, not only when the file was opened. */
static void
test_damage_below_an_open_file_is_seen(void **state)
{
    struct worker w;
    struct store_key key;
    char path[PATH_SIZE], byte = 0;
    int fd;

    (void)state;
    worker_begin(&w);
    put_written(&w, "/a", body);
    warm_up(&w, "/a");
    key = key_of(&w, "/a");
    assert_true(path_of(path, &w.store->o, key.hash));
    fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, LONG - 5000), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, LONG - 5000), 1);
    (void)close(fd);
    assert_false(holds(&w, "/a", body, LONG)); /* cut, and never other bytes */
    assert_int_equal(look_up(&w, "/a", NULL), STORE_ABSENT);
    worker_end(&w);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_repeated_hit_opens_nothing),
        T(test_what_is_asked_for_once_is_not_kept_open),
        T(test_what_is_purged_is_not_found_and_closed),
        T(test_what_is_replaced_is_the_new_one),
        T(test_a_purge_by_another_worker_holds),
        T(test_so_many_are_kept_and_no_more),
        T(test_damage_below_an_open_file_is_seen),
    };

    body = make_body(LONG, 3);
    other_body = make_body(LONG, 4);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
