/* The lines of a directory listing: their shape is the one that tools know from nginx. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../modules/autoindex/format.c"
#include "../../../modules/autoindex/escape.c"

/* 2024-01-02 03:04:05 UTC */
enum { INSTANT = 1704164645 };

static char room[ENTRY_LINE_MAX];

static const char *
line(const char *name, uint32_t kind, int64_t size, struct list_style style, bool last)
{
    struct entry e = { weir_str_c(name), kind, size, INSTANT };
    weir_text t = weir_text_over(room, sizeof(room) - 1);

    entry_format(&t, &e, style, last);
    assert_false(t.full);
    room[t.len] = '\0';
    return room;
}

static void
test_html_pads_the_name_to_fifty_columns(void **state)
{
    struct list_style style = { LIST_HTML, true, false };

    (void)state;
    assert_string_equal(line("plain.txt", ENTRY_FILE, 5, style, false),
                        "<a href=\"plain.txt\">plain.txt</a>"
                        "                                          "
                        "02-Jan-2024 03:04                   5\r\n");
    assert_string_equal(line("sub", ENTRY_DIRECTORY, 0, style, false),
                        "<a href=\"sub/\">sub/</a>"
                        "                                               "
                        "02-Jan-2024 03:04                   -\r\n");
}

static void
test_html_cuts_a_long_name_between_characters(void **state)
{
    const char *name = "\xc3\xa4"
                       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                       "\xc3\xb6wxyz";
    const char *text =
        line(name, ENTRY_FILE, 1, (struct list_style){ LIST_HTML, true, false }, false);

    (void)state;
    assert_non_null(strstr(text, ">\xc3\xa4"
                                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                 "\xc3\xb6..&gt;</a> 02-Jan"));
}

static void
test_html_escapes_the_link_and_its_text(void **state)
{
    const char *text =
        line("a:b<c>\"&'%", ENTRY_FILE, 1, (struct list_style){ LIST_HTML, true, false }, false);

    (void)state;
    assert_non_null(strstr(text, "href=\"a%3Ab%3Cc%3E%22%26%27%25\">"
                                 "a:b&lt;c&gt;&quot;&amp;&#39;%</a>"));
}

static void
test_rounded_sizes_have_at_most_four_digits(void **state)
{
    static const struct {
        int64_t size;
        const char *end;
    } cases[] = {
        { 0, "03:04       0\r\n" },
        { 9999, "03:04    9999\r\n" },
        { 10000, "03:04     10K\r\n" },
        { 10 * 1024 + 511, "03:04     10K\r\n" },
        { 10 * 1024 + 512, "03:04     11K\r\n" },
        { 1024 * 1024, "03:04      1M\r\n" },
        { 2000000, "03:04      2M\r\n" },
        { INT64_C(3) << 30, "03:04      3G\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *text = line("f", ENTRY_FILE, cases[i].size,
                                (struct list_style){ LIST_HTML, false, false }, false);
        assert_string_equal(strstr(text, "03:04"), cases[i].end);
    }
}

static void
test_json_names_kind_time_and_size(void **state)
{
    struct list_style style = { LIST_JSON, true, false };

    (void)state;
    assert_string_equal(line("a\"\\\n", ENTRY_FILE, 7, style, true),
                        "{ \"name\":\"a\\\"\\\\\\u000a\", \"type\":\"file\", "
                        "\"mtime\":\"Tue, 02 Jan 2024 03:04:05 GMT\", \"size\":7 }\r\n");
    assert_string_equal(line("d", ENTRY_DIRECTORY, 0, style, false),
                        "{ \"name\":\"d\", \"type\":\"directory\", "
                        "\"mtime\":\"Tue, 02 Jan 2024 03:04:05 GMT\" },\r\n");
}

static void
test_xml_names_kind_time_and_size(void **state)
{
    struct list_style style = { LIST_XML, true, false };

    (void)state;
    assert_string_equal(line("a&b", ENTRY_FILE, 7, style, false),
                        "<file mtime=\"2024-01-02T03:04:05Z\" size=\"7\">a&amp;b</file>\r\n");
    assert_string_equal(line("p", ENTRY_OTHER, 0, style, false),
                        "<other mtime=\"2024-01-02T03:04:05Z\">p</other>\r\n");
}

static void
test_bytes_that_are_no_text_do_not_reach_xml_or_json(void **state)
{
    /* a stray byte, an overlong '/', a surrogate, a control character */
    const char *name = "\xff\xc0\xaf\xed\xa0\x80\x01";

    (void)state;
    for (const char *at =
             line(name, ENTRY_FILE, 1, (struct list_style){ LIST_XML, true, false }, false);
         *at != '\0'; at++) {
        assert_true((*at >= ' ' && *at < 0x7f) || *at == '\r' || *at == '\n');
    }
    assert_non_null(
        strstr(line(name, ENTRY_FILE, 1, (struct list_style){ LIST_JSON, true, false }, false),
               "\"\\u00ff\\u00c0\\u00af\\u00ed\\u00a0\\u0080\\u0001\""));
}

static void
test_no_name_outgrows_the_line(void **state)
{
    char name[256];

    (void)state;
    memset(name, 0xff, 255);
    name[255] = '\0';
    for (uint32_t format = LIST_HTML; format <= LIST_JSONP; format++) {
        line(name, ENTRY_FILE, INT64_MAX, (struct list_style){ format, true, false }, false);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html_pads_the_name_to_fifty_columns),
        cmocka_unit_test(test_html_cuts_a_long_name_between_characters),
        cmocka_unit_test(test_html_escapes_the_link_and_its_text),
        cmocka_unit_test(test_rounded_sizes_have_at_most_four_digits),
        cmocka_unit_test(test_json_names_kind_time_and_size),
        cmocka_unit_test(test_xml_names_kind_time_and_size),
        cmocka_unit_test(test_bytes_that_are_no_text_do_not_reach_xml_or_json),
        cmocka_unit_test(test_no_name_outgrows_the_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
