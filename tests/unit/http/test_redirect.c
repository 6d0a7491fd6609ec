/* Redirects to the client and inside, and rewritten paths. */
#include "site.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "http/limits.h"

static struct wr_request *
request(struct site *s, const char *conf)
{
    struct wr_request *r;

    site_must(s, site_load_server(s, conf));
    r = site_request(s, 0, "/x");
    r->pub.host = WEIR_STR("h.test");
    r->pub.args = WEIR_STR("q");
    return r;
}

static void
assert_location(struct wr_request *r, const char *from, const char *to)
{
    assert_int_equal(weir_redirect(&r->pub, 301, weir_str_c(from)), 301);
    assert_true(weir_str_eq(r->pub.out[WEIR_H_LOCATION]->value, weir_str_c(to)));
}

static void
test_paths_become_absolute(void **state)
{
    struct site s;
    struct wr_request *r = request(&s, "server_name n.test;");

    (void)state;
    assert_location(r, "/a?b=c", "http://h.test/a?b=c");
    assert_location(r, "https://o.test/a", "https://o.test/a");
    assert_location(r, "other", "other");
    r->pub.flags |= WEIR_R_TLS;
    assert_location(r, "/a", "https://h.test/a");
    site_fini(&s);
    r = request(&s, "absolute_redirect off;");
    assert_location(r, "/a", "/a");
    site_fini(&s);
    r = request(&s, "server_name n.test; server_name_in_redirect on;");
    assert_location(r, "/a", "http://n.test/a");
    site_fini(&s);
}

static void
test_port_is_named_unless_usual_or_unwanted(void **state)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    struct site s;
    struct wr_request *r = request(&s, "");
    char want[64];

    (void)state;
    s.conn.io.fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s.conn.io.fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(s.conn.io.fd, (struct sockaddr *)&at, &len), 0);
    snprintf(want, sizeof(want), "http://h.test:%u/a", ntohs(at.sin_port));
    assert_location(r, "/a", want);
    r->pub.host = WEIR_STR("");
    snprintf(want, sizeof(want), "http://127.0.0.1:%u/a", ntohs(at.sin_port));
    assert_location(r, "/a", want);
    close(s.conn.io.fd);
    site_fini(&s);
}

static void
test_location_is_one_valid_reference(void **state)
{
    struct site s;
    struct wr_request *r = request(&s, "absolute_redirect off;");

    (void)state;
    assert_location(r, "/a b\r\nX: y", "/a%20b%0D%0AX:%20y");
    assert_location(r, "/\xc3\xa4\"<>\\^`{|}", "/%C3%A4%22%3C%3E%5C%5E%60%7B%7C%7D");
    assert_location(r, "/%20%zz?a=b&c#d", "/%20%zz?a=b&c#d");
    site_fini(&s);
}

static void
test_inside_starts_over_at_another_path(void **state)
{
    struct site s;
    struct wr_request *r = request(&s, "");

    (void)state;
    r->phase = WEIR_PHASE_CONTENT;
    r->pub.ctx[0] = r;
    assert_int_equal(weir_redirect_inside(&r->pub, WEIR_STR("/y"), (weir_str){ NULL, 0 }), WEIR_DONE);
    assert_true(r->moved);
    assert_int_equal(r->phase, WEIR_PHASE_SERVER_REWRITE);
    assert_true(weir_str_eq(r->pub.path, WEIR_STR("/y")));
    assert_true(weir_str_eq(r->pub.args, WEIR_STR("q")));
    assert_null(r->pub.ctx[0]);
    assert_true(r->pub.flags & WEIR_R_INTERNAL);
    assert_int_equal(weir_redirect_inside(&r->pub, WEIR_STR("/z"), WEIR_STR("")), WEIR_DONE);
    assert_null(r->pub.args.data);
    site_fini(&s);
}

static void
test_a_cycle_inside_ends_with_500(void **state)
{
    struct site s;
    struct wr_request *r = request(&s, "location @n { }");

    (void)state;
    for (unsigned i = 0; i < WR_LIMIT_REWRITES; i++) {
        assert_int_equal(weir_redirect_inside(&r->pub, i % 2 ? WEIR_STR("/y") : WEIR_STR("@n"),
                                              (weir_str){ NULL, 0 }),
                         WEIR_DONE);
    }
    assert_int_equal(weir_redirect_inside(&r->pub, WEIR_STR("/y"), (weir_str){ NULL, 0 }), 500);
    assert_int_equal(weir_redirect_inside(&r->pub, WEIR_STR("@n"), (weir_str){ NULL, 0 }), 500);
    site_fini(&s);
}

static void
test_paths_that_lead_out_are_refused(void **state)
{
    static const weir_str paths[] = { { "", 0 }, { "x", 1 }, { "/..", 3 }, { "/a/../b", 7 },
                                      { "/a\0b", 4 } };
    static const weir_str fine[] = { { "/..a", 4 }, { "/a../b", 6 }, { "/.", 2 }, { "/...", 4 } };
    weir_str none = { NULL, 0 };
    struct site s;
    struct wr_request *r = request(&s, "");

    (void)state;
    r->phase = WEIR_PHASE_REWRITE;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(weir_redirect_inside(&r->pub, paths[i], none), 500);
        assert_int_equal(weir_rewrite(&r->pub, paths[i], none), WEIR_INVALID);
        assert_true(weir_str_eq(r->pub.path, WEIR_STR("/x")));
    }
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        assert_int_equal(weir_rewrite(&r->pub, fine[i], none), WEIR_OK);
        assert_true(weir_str_eq(r->pub.path, fine[i]));
    }
    site_fini(&s);
}

static void
test_rewrite_looks_for_the_location_again(void **state)
{
    struct site s;
    struct wr_request *r = request(&s, "");

    (void)state;
    r->phase = WEIR_PHASE_REWRITE;
    assert_int_equal(weir_rewrite(&r->pub, WEIR_STR("/y"), WEIR_STR("z")), WEIR_OK);
    assert_true(r->rewritten);
    assert_true(weir_str_eq(r->pub.args, WEIR_STR("z")));
    assert_true((r->pub.flags & WEIR_R_INTERNAL) != 0);
    weir_stay(&r->pub);
    assert_false(r->rewritten);
    assert_true(weir_str_eq(r->pub.path, WEIR_STR("/y")));
    r->phase = WEIR_PHASE_CONTENT;
    assert_int_equal(weir_rewrite(&r->pub, WEIR_STR("/y"), WEIR_STR("z")), WEIR_INVALID);
    site_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_become_absolute),
        cmocka_unit_test(test_port_is_named_unless_usual_or_unwanted),
        cmocka_unit_test(test_location_is_one_valid_reference),
        cmocka_unit_test(test_inside_starts_over_at_another_path),
        cmocka_unit_test(test_a_cycle_inside_ends_with_500),
        cmocka_unit_test(test_paths_that_lead_out_are_refused),
        cmocka_unit_test(test_rewrite_looks_for_the_location_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
