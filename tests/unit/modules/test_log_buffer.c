/* Lines are held back, leave whole and in order, and packed lots are gzip files. */
#include "unit/modules/double.h"

#include "../../../modules/log/buffer.c"

static char written[100000];
static size_t n_written, n_writes;
static struct {
    void (*fn)(void *);
    void *data;
    uint64_t ms;
    bool running;
} timer;

void
weir_logfile_write(weir_logfile *f, weir_str bytes)
{
    (void)f;
    assert_true(n_written + bytes.len <= sizeof(written));
    memcpy(written + n_written, bytes.data, bytes.len);
    n_written += bytes.len;
    n_writes++;
}

weir_timer *
weir_timer_start(weir_pool *owner, uint64_t ms, void (*fn)(void *data), void *data)
{
    (void)owner;
    timer.fn = fn;
    timer.data = data;
    timer.ms = ms;
    timer.running = true;
    return (weir_timer *)&timer;
}

void
weir_timer_set(weir_timer *t, uint64_t ms)
{
    (void)t;
    timer.ms = ms;
    timer.running = true;
}

void
weir_timer_stop(weir_timer *t)
{
    (void)t;
    timer.running = false;
}

static int
set_up(void **state)
{
    (void)state;
    n_written = n_writes = 0;
    memset(&timer, 0, sizeof(timer));
    return 0;
}

static void
expect(const char *text)
{
    assert_int_equal(n_written, strlen(text));
    assert_memory_equal(written, text, n_written);
}

static void
test_lines_leave_when_the_next_does_not_fit(void **state)
{
    struct log_buffer b = { .size = 8 };

    (void)state;
    log_buffer_add(&b, WEIR_STR("abc\n"));
    log_buffer_add(&b, WEIR_STR("def\n"));
    expect("");
    log_buffer_add(&b, WEIR_STR("g\n"));
    expect("abc\ndef\n");
    assert_int_equal(n_writes, 1);
    log_buffer_flush(&b);
    expect("abc\ndef\ng\n");
    log_buffer_flush(&b);
    assert_int_equal(n_writes, 2);
}

static void
test_a_line_longer_than_the_buffer_keeps_its_place(void **state)
{
    struct log_buffer b = { .size = 8 };

    (void)state;
    log_buffer_add(&b, WEIR_STR("a\n"));
    log_buffer_add(&b, WEIR_STR("0123456789\n"));
    log_buffer_add(&b, WEIR_STR("b\n"));
    log_buffer_flush(&b);
    expect("a\n0123456789\nb\n");
}

static void
test_the_oldest_line_waits_no_longer_than_flush(void **state)
{
    struct log_buffer b = { .size = 100, .flush_ms = 3000 };

    (void)state;
    log_buffer_add(&b, WEIR_STR("a\n"));
    assert_true(timer.running);
    assert_int_equal(timer.ms, 3000);
    timer.ms = 0;
    log_buffer_add(&b, WEIR_STR("b\n"));
    assert_int_equal(timer.ms, 0); /* not set again by a later line */
    timer.fn(timer.data);
    expect("a\nb\n");
    assert_false(timer.running);
    log_buffer_add(&b, WEIR_STR("c\n"));
    assert_true(timer.running);
}

static void
test_packed_lots_in_a_row_are_one_gzip_file(void **state)
{
    struct log_buffer b = { .size = 8, .level = 9 };
    char back[100];
    z_stream z = { .next_out = (Bytef *)back, .avail_out = sizeof(back) };

    (void)state;
    log_buffer_add(&b, WEIR_STR("first\n"));
    log_buffer_add(&b, WEIR_STR("second\n"));
    log_buffer_add(&b, WEIR_STR("third, too long\n"));
    assert_int_equal(n_writes, 3);
    z.next_in = (const Bytef *)written;
    z.avail_in = (uInt)n_written;
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(inflate(&z, Z_NO_FLUSH), Z_STREAM_END);
        assert_int_equal(inflateReset(&z), Z_OK);
    }
    inflateEnd(&z);
    assert_int_equal(z.avail_in, 0);
    assert_int_equal(sizeof(back) - z.avail_out, 29);
    assert_memory_equal(back, "first\nsecond\nthird, too long\n", 29);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lines_leave_when_the_next_does_not_fit, set_up),
        cmocka_unit_test_setup(test_a_line_longer_than_the_buffer_keeps_its_place, set_up),
        cmocka_unit_test_setup(test_the_oldest_line_waits_no_longer_than_flush, set_up),
        cmocka_unit_test_setup(test_packed_lots_in_a_row_are_one_gzip_file, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
