/* The file of hosts is read line by line, and again when it has changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "net/hosts.h"
#include "net/resolve.h"

static char path[] = "/tmp/weir-test-hosts-XXXXXX";
static struct wr_hosts hosts;

static int
set_up(void **state)
{
    int fd;

    (void)state;
    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    wr_clock_update();
    wr_hosts_init(&hosts, path);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    wr_hosts_fini(&hosts);
    (void)unlink(path);
    return 0;
}

static void
fill(const char *text)
{
    assert_int_equal(wr_file_replace(AT_FDCWD, path, weir_str_c(text), 0644), 0);
}

/* The addresses of name, divided by blanks. */
static const char *
found(const char *name)
{
    static char text[512];
    weir_items at = wr_hosts_find(&hosts, weir_str_c(name));
    const union wr_peer_addr *addrs = at.at;

    text[0] = '\0';
    for (uint32_t i = 0; i < at.count; i++) {
        char one[INET6_ADDRSTRLEN];
        assert_non_null(inet_ntop(addrs[i].family,
                                  addrs[i].family == AF_INET ? (const void *)&addrs[i].v4.sin_addr
                                                             : &addrs[i].v6.sin6_addr,
                                  one, sizeof(one)));
        strcat(text, i != 0 ? " " : "");
        strcat(text, one);
    }
    return text;
}

static void
test_every_name_of_a_line_has_its_address(void **state)
{
    (void)state;
    fill("127.0.0.1\tlocalhost\n"
         "  192.0.2.1 App.Example  app # app.old\r\n"
         "2001:db8::1 app.example\n"
         "# 192.0.2.9 none\n"
         "\n"
         "192.0.2.2 last");
    assert_string_equal(found("app.example"), "192.0.2.1 2001:db8::1");
    assert_string_equal(found("app"), "192.0.2.1");
    assert_string_equal(found("last"), "192.0.2.2");
    assert_string_equal(found("localhost"), "127.0.0.1");
    assert_string_equal(found("app.old"), "");
    assert_string_equal(found("none"), "");
}

static void
test_lines_of_another_form_are_passed_over(void **state)
{
    (void)state;
    fill("192.0.2.300 a\nname 192.0.2.1\n192.0.2.1\nfe80::1%lo b\n"
         "192.0.2.1 -c d/e .. f\n11111111111111111111111111111111111111111111111111 g\n");
    assert_string_equal(found("a"), "");
    assert_string_equal(found("name"), "");
    assert_string_equal(found("b"), "");
    assert_string_equal(found("g"), "");
    assert_string_equal(found("f"), "192.0.2.1");
}

static void
test_localhost_is_known_without_the_file(void **state)
{
    (void)state;
    assert_int_equal(unlink(path), 0);
    assert_string_equal(found("localhost"), "127.0.0.1 ::1");
    assert_string_equal(found("app.localhost"), "127.0.0.1 ::1");
    assert_string_equal(found("notlocalhost"), "");
}

static void
test_a_changed_file_is_read_again_when_it_is_time(void **state)
{
    (void)state;
    fill("192.0.2.1 a\n");
    assert_string_equal(found("a"), "192.0.2.1");
    fill("192.0.2.22 a\n");
    assert_string_equal(found("a"), "192.0.2.1");
    wr_clock.now_ms += WR_HOSTS_CHECK_MS;
    assert_string_equal(found("a"), "192.0.2.22");
    assert_int_equal(unlink(path), 0);
    wr_clock.now_ms += WR_HOSTS_CHECK_MS;
    assert_string_equal(found("a"), "");
}

static void
test_addresses_of_a_name_are_bounded(void **state)
{
    enum { LINES = WR_RESOLVE_ADDRS_MAX + 50 };
    static char text[LINES * 32];
    size_t len = 0;

    (void)state;
    for (int i = 0; i < LINES; i++) {
        len += (size_t)sprintf(text + len, "10.0.%d.%d many\n", i / 250, i % 250 + 1);
    }
    fill(text);
    assert_int_equal(wr_hosts_find(&hosts, WEIR_STR("many")).count, WR_RESOLVE_ADDRS_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_name_of_a_line_has_its_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines_of_another_form_are_passed_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_localhost_is_known_without_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_changed_file_is_read_again_when_it_is_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_addresses_of_a_name_are_bounded, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
