/* Finding locations: nginx's rules, and the search itself against the plainest one. */
#include "site.h"


static void
test_longest_prefix_wins(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location / { } location /a { } location /a/b { }"
                                       "location /a/b/ { } location /ab/ { } location = /a { }"));
    assert_string_equal(site_find(&s, "/x"), "/");
    assert_string_equal(site_find(&s, "/a"), "=/a");
    assert_string_equal(site_find(&s, "/ab"), "/a");
    assert_string_equal(site_find(&s, "/ab/"), "/ab/");
    assert_string_equal(site_find(&s, "/a/b"), "/a/b");
    assert_string_equal(site_find(&s, "/a/b/c"), "/a/b/");
    assert_string_equal(site_find(&s, "/a/c"), "/a");
    site_fini(&s);
}

static void
test_no_location_is_the_server(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location /a { }"));
    assert_string_equal(site_find(&s, "/"), "server");
    site_fini(&s);
    site_must(&s, site_load_server(&s, ""));
    assert_string_equal(site_find(&s, "/"), "server");
    site_fini(&s);
}

static void
test_regex_wins_over_prefix_but_not_final_prefix(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location / { } location ^~ /static/ { } location /s { }\n"
                                       "location ~ \\.php$ { } location ~* \\.PNG$ { }\n"
                                       "location ~ ^/s { } location = /x.php { }"));
    assert_string_equal(site_find(&s, "/a.php"), "\\.php$");
    assert_string_equal(site_find(&s, "/a.PHP"), "/");
    assert_string_equal(site_find(&s, "/a.pNg"), "\\.PNG$");
    assert_string_equal(site_find(&s, "/static/a.php"), "/static/");
    assert_string_equal(site_find(&s, "/sx"), "^/s");
    assert_string_equal(site_find(&s, "/s.php"), "\\.php$");
    assert_string_equal(site_find(&s, "/x.php"), "=/x.php");
    site_fini(&s);
}

static void
test_nested_locations_are_looked_for_inside(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location /n/ { location /n/in/ { } location = /n/x { }\n"
                                       "  location ~ \\.html$ { } }\n"
                                       "location ~ \\.php$ { location ~ ^/deep { } }\n"
                                       "location /m/ { location ^~ /m/f/ { } }"));
    assert_string_equal(site_find(&s, "/n/a"), "/n/");
    assert_string_equal(site_find(&s, "/n/in/a"), "/n/in/");
    assert_string_equal(site_find(&s, "/n/x"), "=/n/x");
    assert_string_equal(site_find(&s, "/n/in/a.html"), "\\.html$");
    assert_string_equal(site_find(&s, "/n/in/a.php"), "\\.php$");
    assert_string_equal(site_find(&s, "/deep/a.php"), "^/deep");
    /* a nested ^~ ends the search in its own block only, as in nginx */
    assert_string_equal(site_find(&s, "/m/f/a.php"), "\\.php$");
    site_fini(&s);
}

static void
test_kinds_may_be_joined_to_the_name(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location =/e { } location ~^/r { } location ~*^/I { }"
                                       "location ^~/f { }"));
    assert_string_equal(site_find(&s, "/e"), "=/e");
    assert_string_equal(site_find(&s, "/r/x"), "^/r");
    assert_string_equal(site_find(&s, "/i"), "^/I");
    assert_string_equal(site_find(&s, "/f/r"), "/f");
    site_fini(&s);
}

static void
test_named_locations_are_found_by_name_only(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location @a { } location / { }"));
    assert_string_equal(site_find(&s, "@a"), "server");
    assert_non_null(wr_location_named(&s.home.http->servers[0]->base, WEIR_STR("@a")));
    assert_null(wr_location_named(&s.home.http->servers[0]->base, WEIR_STR("@b")));
    site_fini(&s);
}

static void
test_misplaced_locations_are_refused(void **state)
{
    (void)state;
    assert_string_equal(site_error("server {\n location /a { }\n location /b { }\n location /a { }\n}"),
                        "5:11 duplicate location \"/a\" (the first stands in a.conf:3)");
    assert_string_equal(site_error("server {\n location ^~ /a { }\n location /a { }\n}"),
                        "4:11 duplicate location \"/a\" (the first stands in a.conf:3)");
    assert_string_equal(site_error("server {\n location @a { }\n location @a { }\n}"),
                        "4:11 duplicate location \"@a\" (the first stands in a.conf:3)");
    assert_string_equal(site_error("server {\n location /a { location /b { } }\n}"),
                        "3:16 location \"/b\" is outside location \"/a\"");
    assert_string_equal(site_error("server {\n location = /a { location /a { } }\n}"),
                        "3:18 location \"/a\" cannot be inside the exact location \"/a\"");
    assert_string_equal(site_error("server {\n location /a { location @b { } }\n}"),
                        "3:16 named location \"@b\" can be on the server level only");
    assert_string_equal(site_error("server {\n location ! /a { }\n}"),
                        "3:11 invalid location modifier \"!\"");
}

static void
test_exact_and_prefix_of_one_name_are_two(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location /a { } location = /a { } location ~ ^/a { }"
                                       "location ~ ^/a { }"));
    site_fini(&s);
}

/* ---- The search against the plainest one. ---- */

static void
random_name(char *to, unsigned *seed)
{
    int len = rand_r(seed) % 7;

    *to++ = '/';
    while (len-- > 0) {
        *to++ = "ab/"[rand_r(seed) % 3];
    }
    *to = '\0';
}

static void
test_search_agrees_with_trying_every_prefix(void **state)
{
    unsigned seed = 1;

    (void)state;
    for (int round = 0; round < 50; round++) {
        static char names[40][16], text[4096];
        unsigned n = 0;
        struct site s;
        text[0] = '\0';
        for (int i = 0; i < 40; i++) {
            bool known = false;
            random_name(names[n], &seed);
            for (unsigned k = 0; k < n; k++) {
                known = known || strcmp(names[k], names[n]) == 0;
            }
            if (!known) {
                snprintf(text + strlen(text), sizeof(text) - strlen(text), "location %s { }\n",
                         names[n++]);
            }
        }
        site_must(&s, site_load_server(&s, text));
        for (int i = 0; i < 100; i++) {
            char path[16];
            const char *best = "server";
            random_name(path, &seed);
            for (unsigned k = 0; k < n; k++) {
                if (strncmp(path, names[k], strlen(names[k])) == 0 &&
                    (strcmp(best, "server") == 0 || strlen(names[k]) > strlen(best))) {
                    best = names[k];
                }
            }
            assert_string_equal(site_find(&s, path), best);
        }
        site_fini(&s);
    }
}

/* ---- limit_except. ---- */

static const struct wr_location *
entered(struct site *s, const char *method, uint32_t id)
{
    struct wr_request *r = site_request(s, 0, "/");

    r->pub.method = id;
    r->pub.method_name = weir_str_c(method);
    wr_request_enter(r, wr_location_find(r, &r->server->base, r->pub.path));
    return r->loc;
}

static void
test_limit_except_holds_for_other_methods(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "location / { limit_except GET PROPFIND { } }"));
    assert_int_equal(entered(&s, "GET", WEIR_GET)->kind, WR_LOC_PREFIX);
    assert_int_equal(entered(&s, "HEAD", WEIR_HEAD)->kind, WR_LOC_PREFIX);
    assert_int_equal(entered(&s, "PROPFIND", WEIR_METHOD_OTHER)->kind, WR_LOC_PREFIX);
    assert_int_equal(entered(&s, "POST", WEIR_POST)->kind, WR_LOC_BLOCK);
    assert_int_equal(entered(&s, "MKCOL", WEIR_METHOD_OTHER)->kind, WR_LOC_BLOCK);
    site_fini(&s);
    site_must(&s, site_load_server(&s, "location / { limit_except POST { } }"));
    assert_int_equal(entered(&s, "HEAD", WEIR_HEAD)->kind, WR_LOC_BLOCK);
    site_fini(&s);
    assert_string_equal(site_error("server {\n location / { limit_except FETCH { } }\n}"),
                        "3:28 invalid method \"FETCH\"");
}

static const struct wr_location *
found(struct site *s, const char *host, const char *path)
{
    struct wr_request r = { .pub = { .pool = s->pool } };
    const struct wr_server *server = wr_vhost_find(s->home.http->listens->owner, weir_str_c(host), &r);

    return wr_location_find(&r, &server->base, weir_str_c(path));
}

static void
test_equal_patterns_are_one_expression_whose_case_counts(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, "server { server_name a; location ~ \\.php$ { } }\n"
                                "server { server_name b; location ~ \\.php$ { } }\n"
                                "server { server_name c; location ~* \\.php$ { } }\n"));
    assert_ptr_equal(found(&s, "a", "/x.php")->regex, found(&s, "b", "/x.php")->regex);
    assert_ptr_not_equal(found(&s, "a", "/x.php"), found(&s, "b", "/x.php"));
    assert_int_equal(found(&s, "b", "/x.PHP")->kind, WR_LOC_SERVER);
    assert_int_equal(found(&s, "c", "/x.PHP")->kind, WR_LOC_REGEX);
    site_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_prefix_wins),
        cmocka_unit_test(test_no_location_is_the_server),
        cmocka_unit_test(test_regex_wins_over_prefix_but_not_final_prefix),
        cmocka_unit_test(test_nested_locations_are_looked_for_inside),
        cmocka_unit_test(test_kinds_may_be_joined_to_the_name),
        cmocka_unit_test(test_named_locations_are_found_by_name_only),
        cmocka_unit_test(test_misplaced_locations_are_refused),
        cmocka_unit_test(test_exact_and_prefix_of_one_name_are_two),
        cmocka_unit_test(test_search_agrees_with_trying_every_prefix),
        cmocka_unit_test(test_limit_except_holds_for_other_methods),
        cmocka_unit_test(test_equal_patterns_are_one_expression_whose_case_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
