/* A configuration is written out so that people and tools can read it, and reads back the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "conf/dump.h"
#include "text.h"

static const char *
dumped(const struct text *t, int (*dump)(const struct wr_conf_tree *tree, int fd))
{
    static char room[65536];
    int fd = memfd_create("dump", 0);
    ssize_t n;

    assert_true(fd >= 0);
    assert_int_equal(dump(&t->tree, fd), 0);
    n = pread(fd, room, sizeof(room) - 1, 0);
    assert_true(n >= 0);
    room[n] = '\0';
    close(fd);
    return room;
}

static void
test_text_is_the_file_behind_its_name(void **state)
{
    struct text t;

    (void)state;
    assert_true(text_read(&t, "a; # c\nb {}\n"));
    assert_string_equal(dumped(&t, wr_dump_text), "# configuration file a.conf:\na; # c\nb {}\n\n");
    text_fini(&t);
}

static void
test_statements_are_quoted_where_they_must_be(void **state)
{
    struct text t;

    (void)state;
    assert_true(text_read(&t, "a '' 'b c' \\.x \"q\\\"\" ${v}; b{c 1;}"));
    assert_string_equal(dumped(&t, wr_dump_statements),
                        "a \"\" \"b c\" \"\\\\.x\" \"q\\\"\" \"${v}\";\nb {\n    c 1;\n}\n");
    text_fini(&t);
}

static void
test_json_has_directives_arguments_and_blocks(void **state)
{
    struct text t;

    (void)state;
    assert_true(text_read(&t, "a \"x\\\"\" y;\nb {\n c;}"));
    assert_string_equal(
        dumped(&t, wr_dump_json),
        "{\"config\":[{\"file\":\"a.conf\",\"parsed\":["
        "{\"directive\":\"a\",\"file\":\"a.conf\",\"line\":1,\"args\":[\"x\\\"\",\"y\"]},"
        "{\"directive\":\"b\",\"file\":\"a.conf\",\"line\":2,\"args\":[],\"block\":["
        "{\"directive\":\"c\",\"file\":\"a.conf\",\"line\":3,\"args\":[]}]}]}]}\n");
    text_fini(&t);
}

static void
test_json_is_utf8_whatever_the_bytes_were(void **state)
{
    struct text t;

    (void)state;
    /* good; a lone lead byte; an overlong slash; a surrogate; past the last character */
    assert_true(text_read(&t, "a \xc3\xa4 \xc3 \xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80;"));
#define BAD "\xef\xbf\xbd"
    assert_non_null(strstr(dumped(&t, wr_dump_json),
                           "[\"\xc3\xa4\",\"" BAD "\",\"" BAD BAD "\",\"" BAD BAD BAD
                           "\",\"" BAD BAD BAD BAD "\"]"));
    text_fini(&t);
}

static void
test_a_failed_write_is_told(void **state)
{
    struct text t;

    (void)state;
    assert_true(text_read(&t, "a;"));
    assert_int_equal(wr_dump_text(&t.tree, -1), -9 /* EBADF */);
    text_fini(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_the_file_behind_its_name),
        cmocka_unit_test(test_statements_are_quoted_where_they_must_be),
        cmocka_unit_test(test_json_has_directives_arguments_and_blocks),
        cmocka_unit_test(test_json_is_utf8_whatever_the_bytes_were),
        cmocka_unit_test(test_a_failed_write_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
