/* The server's own settings: defaults, those of compat nginx, inheritance, and values that are refused. */
#include "site.h"

#include "http/types.h"

static const void *
conf_of(const struct site *s, const char *path, uint32_t slot)
{
    struct wr_request *r = site_request((struct site *)(uintptr_t)s, 0, path);

    return wr_location_find(r, &r->server->base, r->pub.path)->conf[slot];
}

static void
test_defaults_are_the_documented_ones(void **state)
{
    struct site s;
    const struct wr_server_conf *c;
    const struct wr_loc_conf *l;
    const struct wr_files_conf *f;
    const struct wr_body_conf *b;

    (void)state;
    site_must(&s, site_load(&s, "server { }"));
    c = conf_of(&s, "/", WR_SLOT_SERVER);
    assert_int_equal(c->header_timeout_ms, 20000);
    assert_int_equal(c->header_buffer_size, 1024);
    assert_int_equal(c->large_buffers, 4);
    assert_int_equal(c->large_buffer_size, 8192);
    assert_int_equal(c->max_headers, 200);
    assert_true(c->ignore_invalid_headers && c->merge_slashes);
    assert_false(c->underscores_in_headers || c->encoded_slash || c->bare_lf);
    l = conf_of(&s, "/", WR_SLOT_LOC);
    assert_int_equal(l->keepalive_timeout_ms, 65000);
    assert_int_equal(l->keepalive_header_s, 0);
    assert_int_equal(l->keepalive_requests, 1000);
    assert_int_equal(l->keepalive_time_ms, 3600000);
    assert_int_equal(l->send_timeout_ms, 30000);
    assert_int_equal(l->send_min_rate, 240);
    assert_int_equal(l->server_tokens, 0);
    assert_true(l->absolute_redirect && l->port_in_redirect && l->chunked);
    f = conf_of(&s, "/", WR_SLOT_FILES);
    assert_true(weir_str_eq(f->root->constant, WEIR_STR("html")));
    assert_int_equal(f->max_ranges, 16);
    assert_int_equal(f->hot_size, 32768);
    assert_int_equal(f->cache_inactive_ms, 60000);
    assert_true(weir_str_eq(f->default_type, WEIR_STR("text/plain")));
    b = conf_of(&s, "/", WR_SLOT_BODY);
    assert_int_equal(b->max_size, 1 << 20);
    assert_int_equal(b->buffer_size, 16384);
    assert_int_equal(b->timeout_ms, 30000);
    assert_int_equal(b->min_rate, 500);
    assert_true(weir_str_eq(b->temp_path, WEIR_STR("/prefix/client_body_temp")));
    site_fini(&s);
}

static void
test_compat_nginx_has_nginx_defaults(void **state)
{
    struct site s;
    const struct wr_server_conf *c;
    const struct wr_loc_conf *l;

    (void)state;
    site_must(&s, site_load_main(&s, "http { server { } }", true));
    c = conf_of(&s, "/", WR_SLOT_SERVER);
    assert_int_equal(c->header_timeout_ms, 60000);
    assert_int_equal(c->max_headers, 1000);
    assert_true(c->encoded_slash && c->bare_lf);
    l = conf_of(&s, "/", WR_SLOT_LOC);
    assert_int_equal(l->keepalive_timeout_ms, 75000);
    assert_int_equal(l->send_timeout_ms, 60000);
    assert_int_equal(l->send_min_rate, 0);
    assert_int_equal(l->keepalive_min_ms, 0);
    assert_int_equal(l->server_tokens, 1);
    assert_int_equal(((const struct wr_files_conf *)conf_of(&s, "/", WR_SLOT_FILES))->max_ranges, INT64_MAX);
    assert_int_equal(((const struct wr_body_conf *)conf_of(&s, "/", WR_SLOT_BODY))->min_rate, 0);
    site_fini(&s);
}

static void
test_settings_of_several_words_are_inherited_whole(void **state)
{
    struct site s;
    const struct wr_loc_conf *l;
    const struct wr_server_conf *c;
    const struct wr_body_conf *b;
    const struct wr_files_conf *f;

    (void)state;
    site_must(&s, site_load(&s, "keepalive_timeout 10s 20s; large_client_header_buffers 2 16k;"
                                "client_body_temp_path /t 1 2; open_file_cache max=5 inactive=7s;"
                                "server { client_header_timeout 5s; location /a { send_timeout 1s; etag off;"
                                "client_max_body_size 0; } location /b { keepalive_timeout 0; } }"));
    c = conf_of(&s, "/a", WR_SLOT_SERVER);
    assert_int_equal(c->large_buffers, 2);
    assert_int_equal(c->large_buffer_size, 16384);
    l = conf_of(&s, "/a", WR_SLOT_LOC);
    assert_int_equal(l->keepalive_timeout_ms, 10000);
    assert_int_equal(l->keepalive_header_s, 20);
    l = conf_of(&s, "/b", WR_SLOT_LOC);
    assert_int_equal(l->keepalive_timeout_ms, 0);
    assert_int_equal(l->keepalive_header_s, 0);
    b = conf_of(&s, "/a", WR_SLOT_BODY);
    assert_int_equal(b->max_size, 0);
    assert_true(weir_str_eq(b->temp_path, WEIR_STR("/t")));
    assert_int_equal(b->temp_levels[1], 2);
    assert_int_equal(b->temp_levels[2], 0);
    f = conf_of(&s, "/a", WR_SLOT_FILES);
    assert_true(f->cache);
    assert_int_equal(f->cache_max, 5);
    assert_int_equal(f->cache_inactive_ms, 7000);
    site_fini(&s);
}

static void
test_internal_is_not_inherited(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location /a { internal; location /a/b { } }"));
    assert_true(((const struct wr_loc_conf *)conf_of(&s, "/a", WR_SLOT_LOC))->internal);
    assert_false(((const struct wr_loc_conf *)conf_of(&s, "/a/b", WR_SLOT_LOC))->internal);
    site_fini(&s);
}

static void
test_wrong_values_are_refused(void **state)
{
    static const char *const lines[] = {
        "large_client_header_buffers 0 8k", "large_client_header_buffers 4 x", "max_headers 0",
        "keepalive_timeout 1x",             "keepalive_timeout 1s 1x",         "keepalive_requests -1",
        "limit_rate 5x",                    "open_file_cache inactive=5s",     "open_file_cache max=0",
        "disable_symlinks maybe",           "disable_symlinks off from=/",     "client_body_temp_path /a 4",
        "server_tokens maybe",              "satisfy none",                    "root $document_root/x",
        "hook_order nophase a b",
        "lint_ignore no-such",              "types { text/html; }",            "lingering_close no",
    };
    char conf[128];

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        snprintf(conf, sizeof(conf), "%s;", lines[i]);
        if (lines[i][strlen(lines[i]) - 1] == '}') {
            conf[strlen(conf) - 1] = '\0';
        }
        assert_string_not_equal(site_error(conf), "");
    }
}

static void
test_directives_without_effect_are_accepted(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "aio threads; output_buffers 2 32k; server_names_hash_bucket_size 64;"
                                "http2 on; msie_padding off;"
                                "server { listen 80 http2 setfib=1; }"));
    site_fini(&s);
}

/* ---- alias. ---- */

static void
test_alias_and_location_must_end_alike(void **state)
{
    struct site s;

    (void)state;
    assert_non_null(strstr(site_error("server { location /img { alias /data/; } }"), "must both end"));
    assert_non_null(strstr(site_error("server { location /img/ { alias /data; } }"), "must both end"));
    site_must(&s, site_load_server(&s, "location /a { alias /x; } location /b/ { alias /x/; }"
                                       "location = /c { alias /x/; }"));
    site_fini(&s);
    site_must(&s, site_load_main(&s, "http { server { location /img { alias /data/; } } }", true));
    assert_int_equal(s.diag.warnings, 1);
    site_fini(&s);
}

static void
test_alias_needs_captures_in_a_regex_and_excludes_root(void **state)
{
    struct site s;

    (void)state;
    assert_non_null(strstr(site_error("server { location ~ ^/a { alias /x/; } }"), "captures"));
    assert_non_null(strstr(site_error("server { location /a/ { alias /x/; root /y; } }"), "duplicate"));
    assert_non_null(strstr(site_error("server { location /a/ { root /y; alias /x/; } }"), "duplicate"));
    assert_non_null(strstr(site_error("server { location @a { alias /x; } }"), "named"));
    site_must(&s, site_load_server(&s, "location ~ ^/a/(.*) { alias /x/$1; } location ~ /b$ { alias /x; }"));
    site_fini(&s);
}

static void
test_nested_locations_have_the_alias_of_the_outer_one_unless_a_root(void **state)
{
    struct site s;
    const struct wr_files_conf *f;

    (void)state;
    site_must(&s, site_load_server(&s, "location /a/ { alias /x/; location /a/b/ { etag off; }"
                                       "location /a/c/ { root /y; } location ~ \\.r$ { etag off; } }"));
    f = conf_of(&s, "/a/b/", WR_SLOT_FILES);
    assert_true(weir_str_eq(f->alias->constant, WEIR_STR("/x/")));
    assert_true(weir_str_eq(f->alias_for, WEIR_STR("/a/")));
    f = conf_of(&s, "/a/c/", WR_SLOT_FILES);
    assert_null(f->alias);
    assert_true(weir_str_eq(f->root->constant, WEIR_STR("/y")));
    f = conf_of(&s, "/a/d.r", WR_SLOT_FILES);
    assert_true(weir_str_eq(f->alias_for, WEIR_STR("/a/")));
    site_fini(&s);
}

/* ---- types. ---- */

static const char *
type_of(const struct site *s, const char *path)
{
    static char text[64];

    snprintf(text, sizeof(text), "%.*s",
             WEIR_FMT(wr_types_of(conf_of(s, path, WR_SLOT_FILES), weir_str_c(path))));
    return text;
}

static void
test_types_go_by_the_last_extension_in_any_case(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "types { text/css css; a/b tar gz; } types { c/d Z; }"
                                       "default_type x/y; location /plain/ { types { } }"));
    assert_string_equal(type_of(&s, "/a.css"), "text/css");
    assert_string_equal(type_of(&s, "/a.CSS"), "text/css");
    assert_string_equal(type_of(&s, "/a.tar.gz"), "a/b");
    assert_string_equal(type_of(&s, "/a.z"), "c/d");
    assert_string_equal(type_of(&s, "/a.css/b"), "x/y");
    assert_string_equal(type_of(&s, "/a."), "x/y");
    assert_string_equal(type_of(&s, "/css"), "x/y");
    assert_string_equal(type_of(&s, "/plain/a.css"), "x/y");
    site_fini(&s);
    site_must(&s, site_load_server(&s, ""));
    assert_string_equal(type_of(&s, "/a.html"), "text/html");
    assert_string_equal(type_of(&s, "/a.css"), "text/plain");
    site_fini(&s);
}

static void
test_an_extension_of_two_types_is_warned_of(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "types { a/a x;\n b/b x; } server { }"));
    assert_string_equal(site_said(&s, WR_DIAG_WARN, 0),
                        "3:2 duplicate extension \"x\", content type: \"b/b\", "
                        "previous content type: \"a/a\"");
    assert_string_equal(type_of(&s, "/f.x"), "b/b");
    site_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_the_documented_ones),
        cmocka_unit_test(test_compat_nginx_has_nginx_defaults),
        cmocka_unit_test(test_settings_of_several_words_are_inherited_whole),
        cmocka_unit_test(test_internal_is_not_inherited),
        cmocka_unit_test(test_wrong_values_are_refused),
        cmocka_unit_test(test_directives_without_effect_are_accepted),
        cmocka_unit_test(test_alias_and_location_must_end_alike),
        cmocka_unit_test(test_alias_needs_captures_in_a_regex_and_excludes_root),
        cmocka_unit_test(test_nested_locations_have_the_alias_of_the_outer_one_unless_a_root),
        cmocka_unit_test(test_types_go_by_the_last_extension_in_any_case),
        cmocka_unit_test(test_an_extension_of_two_types_is_warned_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
