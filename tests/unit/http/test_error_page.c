/* error_page: what may be written, and where a request goes. Pages that are answered are tested on the wire. */
#include "site.h"

#include "http/error_page.h"
#include "http/limits.h"

static struct wr_request *
request_in(struct site *s, const char *path)
{
    struct wr_request *r = site_request(s, 0, path);

    wr_request_enter(r, wr_location_find(r, &r->server->base, r->pub.path));
    return r;
}

static void
assert_goes(struct wr_request *r, uint32_t status, const char *path, uint32_t error_status)
{
    assert_true(wr_error_page_answer(r, status));
    assert_true(weir_str_eq(r->pub.path, weir_str_c(path)));
    assert_int_equal(r->phase, WEIR_PHASE_SERVER_REWRITE);
    assert_ptr_equal(r->loc, &r->server->base);
    assert_int_equal(r->error_status, error_status);
    assert_true(r->error_paged && (r->pub.flags & WEIR_R_INTERNAL));
    assert_false(r->moved);
}

static void
test_status_chooses_the_page_and_how_it_is_sent(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "error_page 404 403 /own; error_page 405 =200 /fixed;"
                                       "error_page 500 = /pages; error_page 404 /later;"));
    assert_goes(request_in(&s, "/x"), 404, "/own", 404);
    assert_goes(request_in(&s, "/x"), 403, "/own", 403);
    assert_goes(request_in(&s, "/x"), 405, "/fixed", 200);
    assert_goes(request_in(&s, "/x"), 500, "/pages", 0);
    assert_false(wr_error_page_answer(request_in(&s, "/x"), 502));
    site_fini(&s);
}

static void
test_page_is_fetched_by_get_with_its_own_query(void **state)
{
    struct site s;
    struct wr_request *r;

    (void)state;
    site_must(&s, site_load_server(&s, "error_page 404 /p?a=b; error_page 403 /q;"));
    r = request_in(&s, "/x");
    r->pub.method = WEIR_POST;
    r->pub.args = WEIR_STR("old=1");
    assert_goes(r, 404, "/p", 404);
    assert_int_equal(r->pub.method, WEIR_GET);
    assert_true(weir_str_eq(r->pub.method_name, WEIR_STR("GET")));
    assert_true(weir_str_eq(r->pub.args, WEIR_STR("a=b")));
    r = request_in(&s, "/x");
    r->pub.method = WEIR_HEAD;
    r->pub.args = WEIR_STR("old=1");
    assert_goes(r, 403, "/q", 403);
    assert_int_equal(r->pub.method, WEIR_HEAD);
    assert_null(r->pub.args.data);
    site_fini(&s);
}

static void
test_named_location_gets_the_request_as_it_is(void **state)
{
    struct site s;
    struct wr_request *r;

    (void)state;
    site_must(&s, site_load_server(&s, "error_page 404 = @n; location @n { }"));
    r = request_in(&s, "/x");
    r->pub.method = WEIR_POST;
    r->pub.args = WEIR_STR("a");
    assert_true(wr_error_page_answer(r, 404));
    assert_int_equal(r->loc->kind, WR_LOC_NAMED);
    assert_int_equal(r->phase, WEIR_PHASE_REWRITE);
    assert_int_equal(r->pub.method, WEIR_POST);
    assert_true(weir_str_eq(r->pub.args, WEIR_STR("a")));
    assert_true(weir_str_eq(r->pub.path, WEIR_STR("/x")));
    site_fini(&s);
}

static void
test_a_page_has_no_page_unless_recursive(void **state)
{
    struct site s;
    struct wr_request *r;

    (void)state;
    site_must(&s, site_load_server(&s, "error_page 404 /p; error_page 403 /q;"));
    r = request_in(&s, "/x");
    assert_goes(r, 404, "/p", 404);
    assert_false(wr_error_page_answer(r, 403));
    assert_int_equal(r->error_status, 0);
    site_fini(&s);
    site_must(&s, site_load_server(&s, "error_page 404 /p; error_page 403 /q; recursive_error_pages on;"));
    r = request_in(&s, "/x");
    assert_goes(r, 404, "/p", 404);
    assert_goes(r, 403, "/q", 403);
    for (unsigned i = 2; i < WR_LIMIT_REWRITES; i++) {
        assert_goes(r, 404, "/p", 404);
    }
    assert_false(wr_error_page_answer(r, 404)); /* a page that leads to itself comes to an end */
    site_fini(&s);
}

static void
test_pages_are_inherited_unless_a_block_has_its_own(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "error_page 404 /p; location /a/ { }"
                                       "location /b/ { error_page 403 /q; }"));
    assert_goes(request_in(&s, "/a/"), 404, "/p", 404);
    assert_false(wr_error_page_answer(request_in(&s, "/b/"), 404));
    assert_goes(request_in(&s, "/b/"), 403, "/q", 403);
    site_fini(&s);
}

static void
test_nginx_names_for_kinds_of_400(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load_server(&s, "error_page 494 /large;"));
    assert_goes(request_in(&s, "/x"), 431, "/large", 400);
    site_fini(&s);
}

static void
test_a_named_location_that_is_not_there_changes_nothing(void **state)
{
    struct site s;
    struct wr_request *r;

    (void)state;
    site_must(&s, site_load_server(&s, "error_page 404 @none;"));
    r = request_in(&s, "/x");
    assert_false(wr_error_page_answer(r, 404));
    assert_int_equal(r->error_status, 0);
    assert_false(r->moved);
    site_fini(&s);
}

static void
test_wrong_pages_are_refused(void **state)
{
    static const char *const lines[] = { "error_page 200 /x", "error_page 600 /x", "error_page x /x",
                                         "error_page 499 /x", "error_page 404 =x /x", "error_page 404 =99 /x",
                                         "error_page = /x",   "error_page 404 =200", "error_page 404 ''" };
    char conf[64];

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        snprintf(conf, sizeof(conf), "%s;", lines[i]);
        assert_string_not_equal(site_error(conf), "");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_chooses_the_page_and_how_it_is_sent),
        cmocka_unit_test(test_page_is_fetched_by_get_with_its_own_query),
        cmocka_unit_test(test_named_location_gets_the_request_as_it_is),
        cmocka_unit_test(test_a_page_has_no_page_unless_recursive),
        cmocka_unit_test(test_pages_are_inherited_unless_a_block_has_its_own),
        cmocka_unit_test(test_nginx_names_for_kinds_of_400),
        cmocka_unit_test(test_a_named_location_that_is_not_there_changes_nothing),
        cmocka_unit_test(test_wrong_pages_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
