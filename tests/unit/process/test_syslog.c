/* syslog: addresses and the heads of messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "process/syslog.h"

static struct wr_syslog s;
static struct wr_err err;

static bool
parse(const char *text)
{
    err.text[0] = '\0';
    return wr_syslog_parse(weir_str_c(text), &s, &err);
}

static void
test_defaults_are_nginxs(void **state)
{
    (void)state;
    assert_true(parse("syslog:server=127.0.0.1"));
    assert_int_equal(wr_addr_port(&s.server), 514);
    assert_int_equal(s.facility, 23); /* local7 */
    assert_int_equal(s.severity, 6);  /* info */
    assert_false(s.nohostname);
}

static void
test_every_parameter_is_read(void **state)
{
    (void)state;
    assert_true(parse("syslog:server=[::1]:5140,facility=mail,severity=crit,tag=a_1,nohostname"));
    assert_int_equal(wr_addr_port(&s.server), 5140);
    assert_int_equal(s.facility, 2);
    assert_int_equal(s.severity, 2);
    assert_string_equal(s.tag, "a_1");
    assert_true(s.nohostname);
    assert_true(parse("syslog:server=unix:/dev/log"));
    assert_int_equal(s.server.at.family, AF_UNIX);
}

static void
test_wrong_parameters_are_refused(void **state)
{
    static const char *const bad[] = {
        "syslog:",
        "syslog:facility=mail",
        "syslog:server=127.0.0.1,facility=nobody",
        "syslog:server=127.0.0.1,severity=bad",
        "syslog:server=127.0.0.1,tag=",
        "syslog:server=127.0.0.1,tag=a-b",
        "syslog:server=127.0.0.1,tag=a23456789012345678901234567890123",
        "syslog:server=127.0.0.1,colour=red",
        "syslog:server=127.0.0.1:0",
    };

    (void)state;
    for (size_t i = 0; i < WR_COUNT(bad); i++) {
        assert_false(parse(bad[i]));
        assert_true(err.text[0] != '\0');
    }
}

/* Priority is facility times 8 plus severity; the day is two places wide.  [RFC 3164 4.1.1, 4.1.2]
 */
static void
test_a_head_is_rfc_3164s(void **state)
{
    char room[256];
    struct wr_strbuf b = wr_strbuf_over(room, sizeof(room) - 1);

    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    assert_true(parse("syslog:server=127.0.0.1,facility=auth,tag=su"));
    memcpy(s.hostname, "mymachine", 10);
    wr_syslog_head(&s, 2, 784111777, &b); /* Sun, 06 Nov 1994 08:49:37 GMT */
    room[b.len] = '\0';
    assert_string_equal(room, "<34>Nov  6 08:49:37 mymachine su: ");
    b.len = 0;
    s.nohostname = true;
    wr_syslog_head(&s, 7, 784111777, &b);
    room[b.len] = '\0';
    assert_string_equal(room, "<39>Nov  6 08:49:37 su: ");
}

static void
test_a_line_arrives_as_one_datagram_without_its_line_break(void **state)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char got[512], *message;
    ssize_t n;

    (void)state;
    assert_true(parse("syslog:server=127.0.0.1,tag=weir"));
    s.server.at.v4.sin_port = 0;
    assert_int_equal(bind(fd, &s.server.at.any, s.server.len), 0);
    assert_int_equal(getsockname(fd, &s.server.at.any, &s.server.len), 0);
    assert_int_equal(wr_syslog_send(&s, 6, WEIR_STR("hello\n")), 0);
    n = recv(fd, got, sizeof(got) - 1, 0);
    assert_true(n > 0);
    got[n] = '\0';
    message = strstr(got, "weir: ");
    assert_non_null(message);
    assert_string_equal(message, "weir: hello");
    wr_syslog_close(&s);
    (void)close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_nginxs),
        cmocka_unit_test(test_every_parameter_is_read),
        cmocka_unit_test(test_wrong_parameters_are_refused),
        cmocka_unit_test(test_a_head_is_rfc_3164s),
        cmocka_unit_test(test_a_line_arrives_as_one_datagram_without_its_line_break),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
