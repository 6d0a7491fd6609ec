/* Lines of the error log have the form that nginx's documentation and the tools that read it have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"

static char taken[4096];

static void
take(struct wr_log_target *t, uint32_t level, const char *line, size_t len)
{
    (void)t, (void)level;
    assert_true(len < sizeof(taken));
    memcpy(taken, line, len);
    taken[len] = '\0';
}

static struct wr_log_target errors = { .level = WR_LOG_ERROR, .fd = -1, .write = take };
static const struct wr_log_sink to_errors = { &errors };
static struct wr_log_target notices = { .level = WR_LOG_NOTICE, .fd = -1, .write = take };
static const struct wr_log_sink to_notices = { &notices };

/* What stands behind "YYYY/MM/DD HH:MM:SS [level] pid#tid: ". */
static const char *
message(void)
{
    const char *at = strstr(taken, "#");

    assert_non_null(at);
    at = strstr(at, ": ");
    assert_non_null(at);
    return at + 2;
}

static void
test_the_message_follows_the_connection(void **state)
{
    struct wr_log log;

    (void)state;
    wr_log_init(&log, &to_errors);
    log.connection = 7;
    wr_say(&log, ERROR, "open() failed");
    assert_string_equal(message(), "*7 open() failed\n");
    assert_int_equal(taken[4], '/');
    assert_non_null(strstr(taken, " [error] "));
}

static void
test_a_bundled_module_speaks_as_the_server(void **state)
{
    struct wr_log log;

    (void)state;
    wr_log_init(&log, &to_errors);
    log.module = "static";
    wr_say(&log, ERROR, "open() failed");
    assert_string_equal(message(), "open() failed\n");
}

static void
test_a_module_of_others_is_named(void **state)
{
    struct wr_log log;

    (void)state;
    wr_log_init(&log, &to_errors);
    log.connection = 7;
    log.module = "acme.auth";
    wr_say(&log, ERROR, "no answer");
    assert_string_equal(message(), "*7 [acme.auth] no answer\n");
}

static void
test_another_aim_changes_place_and_level_alone(void **state)
{
    struct wr_log log;

    (void)state;
    wr_log_init(&log, &to_notices);
    log.connection = 7;
    assert_int_equal(log.pub.level, WR_LOG_NOTICE);
    wr_log_aim(&log, &to_errors);
    assert_ptr_equal(log.sink, &to_errors);
    assert_int_equal(log.pub.level, WR_LOG_ERROR);
    assert_int_equal(log.connection, 7);
    taken[0] = '\0';
    wr_say(&log, NOTICE, "not for this one");
    assert_string_equal(taken, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_message_follows_the_connection),
        cmocka_unit_test(test_a_bundled_module_speaks_as_the_server),
        cmocka_unit_test(test_a_module_of_others_is_named),
        cmocka_unit_test(test_another_aim_changes_place_and_level_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
