/* tests/unit/wire/test_status.c - status lines for every status there can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "wire/status.h"

static void
assert_text(weir_str got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.data, want, got.len);
}

/* nginx's words, and those of the registry where nginx has none. */
static void
test_known_status_has_its_phrase(void **state)
{
    (void)state;
    assert_text(wr_status_line(200), "HTTP/1.1 200 OK\r\n");
    assert_text(wr_status_line(405), "HTTP/1.1 405 Not Allowed\r\n");
    assert_text(wr_status_line(504), "HTTP/1.1 504 Gateway Time-out\r\n");
    assert_text(wr_status_title(404), "404 Not Found");
    assert_text(wr_status_title(100), "100 Continue");
    assert_text(wr_status_title(417), "417 Expectation Failed");
}

static void
test_unknown_status_has_an_empty_phrase(void **state)
{
    (void)state;
    assert_text(wr_status_line(299), "HTTP/1.1 299 \r\n");
    assert_text(wr_status_title(299), "299");
    assert_text(wr_status_line(599), "HTTP/1.1 599 \r\n");
}

/* [RFC 9112 4] */
static void
test_every_line_is_well_formed(void **state)
{
    (void)state;
    for (uint32_t status = 100; status <= 599; status++) {
        weir_str line = wr_status_line(status);
        weir_str title = wr_status_title(status);
        char want[128];
        assert_true((uint32_t)strtoul(title.data, NULL, 10) == status);
        snprintf(want, sizeof(want), "HTTP/1.1 %.*s%s\r\n", WEIR_FMT(title), title.len == 3 ? " " : "");
        assert_text(line, want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_status_has_its_phrase),
        cmocka_unit_test(test_unknown_status_has_an_empty_phrase),
        cmocka_unit_test(test_every_line_is_well_formed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
