/* Warnings of traps: what is said, what is not, and silencing them. */
#include "site.h"

/* A stand-in for the module that has it. */
static weir_self headers_self = WR_SELF;

static int
set(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)cf;
    (void)d;
    (void)field;
    return WEIR_OK;
}

static const weir_directive headers_rows[] = {
    { .name = "add_header", .help = "x", .where = WEIR_IN_ANY, .type = WEIR_T_CUSTOM, .min = 2,
      .max = 3, .flags = WEIR_D_MANY, .set = set },
    { .name = "add_header_inherit", .help = "x", .where = WEIR_IN_ANY, .type = WEIR_T_CUSTOM,
      .min = 1, .max = 1, .set = set },
};
static const weir_module headers = { WR_BUILTIN(&headers_self, "test-headers"),
                                     .directives = WEIR_ITEMS(headers_rows) };

/* And of those that blocks and their steps belong to. */
static weir_self rewrite_self = WR_SELF;

static int
set_if(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    (void)field;
    return weir_conf_scope(cf, WEIR_IN_IF) != NULL ? WEIR_OK : WEIR_ERROR;
}

#define STEP(name_, max_)                                                                          \
    { .name = name_, .help = "x", .where = WEIR_IN_ANY, .type = WEIR_T_CUSTOM, .max = max_,         \
      .flags = WEIR_D_MANY, .set = set }

static const weir_directive rewrite_rows[] = {
    STEP("set", 0),
    STEP("return", 0),
    STEP("rewrite", 0),
    STEP("try_files", 9),
    { .name = "if", .help = "x", .where = WEIR_IN_LOCATION, .type = WEIR_T_CUSTOM, .min = 1,
      .max = 9, .flags = WEIR_D_MANY | WEIR_D_BLOCK, .set = set_if },
};
static const weir_module rewrite = { WR_BUILTIN(&rewrite_self, "rewrite"),
                                     .directives = WEIR_ITEMS(rewrite_rows) };

/* The only warning of a server with these lines, "" for none. */
static const char *
warned(const char *lines)
{
    static char text[4096];
    struct site s;

    site_must(&s, site_load_server(&s, lines));
    assert_true(s.diag.warnings <= 1);
    snprintf(text, sizeof(text), "%s", site_said(&s, WR_DIAG_WARN, 0));
    site_fini(&s);
    return text;
}

static void
test_fields_lost_by_inheritance(void **state)
{
    (void)state;
    assert_string_equal(warned("add_header A b;\nlocation /a {\n add_header C d; add_header E f; }"),
                        "5:2 this block's \"add_header\" takes the place of those in a.conf:3, "
                        "which are not added [add-header-lost] (repeat them here)");
    assert_string_equal(warned("add_header A b; location /a { }"), "");
    assert_string_equal(warned("location /b { add_header A b; } location /a { add_header A b; }"), "");
    assert_string_equal(warned("add_header_inherit merge; add_header A b;"
                               "location /a { add_header C d; }"),
                        "");
    assert_non_null(strstr(warned("add_header A b; location /a { location /a/b { add_header C d; } }"),
                           "add-header-lost"));
}

static void
test_regexes_no_request_comes_to(void **state)
{
    (void)state;
    assert_string_equal(warned("location ~ \\.a$ { }\nlocation ~ \\.a$ { }"),
                        "4:12 no request comes to location \"\\.a$\": \"\\.a$\" before it matches the "
                        "same paths [location-unreachable] (the first stands in a.conf:3)");
    assert_non_null(strstr(warned("location ~* \\.a$ { } location ~ \\.a$ { }"), "unreachable"));
    assert_string_equal(warned("location ~ \\.a$ { } location ~* \\.a$ { }"), "");
    assert_non_null(strstr(warned("location ~ / { } location ~ \\.b$ { }"), "unreachable"));
    assert_string_equal(warned("location ~ \\.b$ { } location ~ / { }"), "");
    assert_string_equal(warned("location ~ \\.b$ { } location /a { location ~ \\.b$ { } }"), "");
}

static void
test_locations_without_a_slash(void **state)
{
    (void)state;
    assert_non_null(strstr(warned("location a { }"), "no request comes to location \"a\""));
    assert_non_null(strstr(warned("location = a { }"), "[location-no-slash]"));
    assert_string_equal(warned("location ~ a { } location @a { }"), "");
}

static void
test_alias_that_dots_lead_out_of(void **state)
{
    (void)state;
    assert_non_null(strstr(warned("location ~ ^/img(.*)$ { alias /data/$1; }"), "[alias-traversal]"));
    assert_string_equal(warned("location ~ ^/img/(.*)$ { alias /data/$1; }"), "");
    assert_string_equal(warned("location ~ ^/img([0-9]+)$ { alias /data/$1; }"), "");
    assert_string_equal(warned("location ~ ^/img(.*)$ { alias /data$1; }"), "");
}

static void
test_of_two_ifs_the_last_has_the_settings(void **state)
{
    (void)state;
    assert_string_equal(warned("location /a {\nif ($host) { sendfile off; }\nif ($uri = b) { sendfile on; } }"),
                        "5:1 of this \"if\" and the one in a.conf:4, when both hold, only this one's "
                        "settings count [if-last-wins] (the settings of a \"when\" add up)");
    assert_non_null(strstr(warned("location /a { if ($host) { sendfile off; } if ($uri = b) { set; } }"),
                           "[if-last-wins]"));
    assert_string_equal(warned("location /a { if ($host) { set; } if ($uri = b) { sendfile on; } }"), "");
    assert_string_equal(warned("location /a { if ($host) { sendfile off; return; } if ($uri = b) { sendfile on; } }"),
                        "");
    assert_string_equal(warned("location /a { if ($host) { sendfile off; } if ($uri = b) { return; } }"), "");
    assert_string_equal(warned("location /a { if ($host = a) { sendfile off; } if ($host = b) { sendfile on; } }"),
                        "");
    assert_string_equal(warned("location /a { if ($host) { sendfile off; } }"
                               "location /b { if ($uri = b) { sendfile on; } }"),
                        "");
}

static void
test_an_if_loses_try_files(void **state)
{
    (void)state;
    assert_string_equal(warned("location /a {\ntry_files x y;\nif ($host) { set; } }"),
                        "5:1 in this \"if\" the \"try_files\" of a.conf:4 does not hold "
                        "[if-loses-try-files] (in a \"when\" it does)");
    assert_string_equal(warned("location /a { try_files x y; if ($host) { return; } }"), "");
    assert_string_equal(warned("location /a { if ($host) { set; } }"), "");
    assert_string_equal(warned("lint_ignore if-loses-try-files;"
                               "location /a { try_files x y; if ($host) { set; } }"),
                        "");
}

static void
test_warnings_can_be_silenced(void **state)
{
    (void)state;
    assert_string_equal(warned("location a { lint_ignore location-no-slash; }"), "");
    assert_string_equal(warned("lint_ignore add-header-lost location-no-slash; add_header A b;"
                               "location a { add_header C d; }"),
                        "");
    assert_non_null(strstr(warned("location a { lint_ignore add-header-lost; }"), "no-slash"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_lost_by_inheritance),
        cmocka_unit_test(test_regexes_no_request_comes_to),
        cmocka_unit_test(test_locations_without_a_slash),
        cmocka_unit_test(test_alias_that_dots_lead_out_of),
        cmocka_unit_test(test_of_two_ifs_the_last_has_the_settings),
        cmocka_unit_test(test_an_if_loses_try_files),
        cmocka_unit_test(test_warnings_can_be_silenced),
    };

    site_extra[0] = &headers;
    site_extra[1] = &rewrite;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
