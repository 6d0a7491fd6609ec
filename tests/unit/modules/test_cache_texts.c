/* cache/vary.c, freshen.c, invalidate.c, tags.c, status_field.c: keys, fields and names made of
 * others. */
#include "unit/modules/double.h"

#include "../modules/cache/list.c"
#include "../modules/cache/vary.c"
#include "../modules/cache/freshen.c"
#include "../modules/cache/invalidate.c"
#include "../modules/cache/tags.c"
#include "../modules/cache/status_field.c"

static weir_pool *pool;

static int
setup(void **state)
{
    (void)state;
    pool = wr_pool_create("test", NULL);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    wr_pool_destroy(&pool);
    return 0;
}

static weir_header
field(const char *name, const char *value, const weir_header *next)
{
    return (weir_header){ .name = weir_str_c(name), .value = weir_str_c(value), .next = next };
}

static void
expect_text(weir_str got, const char *text)
{
    assert_non_null(got.data);
    assert_true(weir_str_eq(got, weir_str_c(text)));
}

/* ---- Vary. ---- */

static void
test_names_are_small_sorted_and_once(void **state)
{
    weir_header b = field("Vary", "accept, X-B", NULL), a = field("Vary", "X-B,, X-A", NULL);
    weir_header star = field("Vary", "X, *", NULL), none = field("Vary", " , ", NULL);

    (void)state;
    a.same = &b;
    expect_text(vary_names(pool, &a), "accept,x-a,x-b");
    assert_null(vary_names(pool, &star).data);
    assert_int_equal(vary_names(pool, &none).len, 0);
    assert_int_equal(vary_names(pool, NULL).len, 0);
}

static bool
same_key(const weir_header *a, const weir_header *b, const char *names)
{
    return weir_str_eq(vary_key(pool, WEIR_STR("k"), 1, weir_str_c(names), a),
                       vary_key(pool, WEIR_STR("k"), 1, weir_str_c(names), b));
}

/* [RFC 9111 4.1] */
static void
test_keys_of_variants(void **state)
{
    weir_header one = field("X-A", "1", NULL), other = field("x-a", "1", NULL),
                two = field("X-A", "2", NULL);
    weir_header empty = field("X-A", "", NULL), more = field("X-B", "9", &one);
    weir_header second = field("X-A", "2", NULL), lines = field("X-A", "1", &second);
    weir_header joined = field("X-A", "1, 2", NULL);

    (void)state;
    assert_true(same_key(&one, &other, "x-a"));
    assert_true(same_key(&one, &more, "x-a"));
    assert_true(same_key(&lines, &joined, "x-a"));
    assert_false(same_key(&one, &two, "x-a"));
    assert_false(same_key(&one, NULL, "x-a"));
    assert_false(same_key(&empty, NULL, "x-a"));
    assert_false(weir_str_eq(vary_key(pool, WEIR_STR("k"), 1, WEIR_STR("x-a"), &one),
                             vary_key(pool, WEIR_STR("k"), 2, WEIR_STR("x-a"), &one)));
}

static void
test_a_value_cannot_pretend_to_be_another_field(void **state)
{
    weir_header both2 = field("X-B", "2", NULL), both = field("X-A", "1", &both2);
    weir_header sly = field("X-A", "1\nx-b:2", NULL);

    (void)state;
    assert_false(same_key(&both, &sly, "x-a,x-b"));
}

/* [RFC 9110 12.5] */
static void
test_preferences_are_compared_by_what_they_say(void **state)
{
    weir_header a = field("Accept-Language", "en;q=0.5, DE", NULL),
                b = field("Accept-Language", "de,en ; q = 0.5", NULL);
    weir_header c = field("Accept-Language", "de,en;q=0.6", NULL);

    (void)state;
    assert_true(same_key(&a, &b, "accept-language"));
    assert_false(same_key(&a, &c, "accept-language"));
}

static void
test_a_key_has_a_limit(void **state)
{
    char *large = weir_zalloc(pool, VARY_KEY_MAX + 1);
    weir_header a = field("X-A", "", NULL);

    (void)state;
    memset(large, 'x', VARY_KEY_MAX);
    a.value = weir_str_c(large);
    assert_null(vary_key(pool, WEIR_STR("k"), 1, WEIR_STR("x-a"), &a).data);
}

/* ---- Freshening. [RFC 9111 3.2] ---- */

static const char *
value_of(const weir_header *list, const char *name, unsigned nth)
{
    for (; list != NULL; list = list->next) {
        if (weir_str_ieq(list->name, weir_str_c(name)) && nth-- == 0) {
            return list->value.data;
        }
    }
    return NULL;
}

static void
test_newer_fields_take_the_place_of_older(void **state)
{
    weir_header s3 = field("X-B", "old", NULL), s2 = field("X-A", "old 2", &s3),
                s1 = field("x-a", "old 1", &s2);
    weir_header n2 = field("X-C", "new", NULL), n1 = field("X-A", "new", &n2);
    struct field_list got = freshen_merge(pool, &s1, &n1, 0);

    (void)state;
    assert_int_equal(got.count, 3);
    assert_string_equal(value_of(got.first, "X-A", 0), "new");
    assert_null(value_of(got.first, "X-A", 1));
    assert_string_equal(value_of(got.first, "X-B", 0), "old");
    assert_string_equal(value_of(got.first, "X-C", 0), "new");
}

static void
test_what_describes_the_body_stays(void **state)
{
    weir_header s = field("Content-Encoding", "br", NULL), n2 = field("Content-Length", "9", NULL);
    weir_header n1 = field("Content-Encoding", "gzip", &n2);
    weir_header sum = field("Content-MD5", "a", NULL), another = field("Content-MD5", "b", NULL);
    struct field_list got;

    (void)state;
    s.id = n1.id = WEIR_H_CONTENT_ENCODING;
    n2.id = WEIR_H_CONTENT_LENGTH;
    got = freshen_merge(pool, &s, &n1, 0);
    assert_int_equal(got.count, 1);
    assert_string_equal(value_of(got.first, "Content-Encoding", 0), "br");
    got = freshen_merge(pool, &sum, &another, 0);
    assert_int_equal(got.count, 1);
    assert_string_equal(value_of(got.first, "Content-MD5", 0), "a");
}

static void
test_a_tag_stays(void **state)
{
    weir_header s = field("ETag", "\"a\"", NULL), n = field("ETag", "\"b\"", NULL);

    (void)state;
    s.id = n.id = WEIR_H_ETAG;
    assert_string_equal(value_of(freshen_merge(pool, &s, &n, 0).first, "ETag", 0), "\"a\"");
}

static void
test_what_is_said_already_is_no_news(void **state)
{
    weir_header s2 = field("X-B", "b", NULL), s1 = field("X-A", "a", &s2);
    weir_header n2 = field("X-A", "a", NULL), n1 = field("X-B", "b", &n2);
    weir_header more = field("X-C", "c", &n1), other = field("X-A", "other", NULL);
    weir_header twice2 = field("X-A", "a", NULL), twice = field("X-A", "a", &twice2);
    weir_header date = field("Date", "then", NULL), later = field("Date", "now", NULL);

    (void)state;
    twice.same = &twice2;
    date.id = later.id = WEIR_H_DATE;
    assert_false(freshen_changes(&s1, NULL, 0));
    assert_false(freshen_changes(&s1, &n1, 0)); /* in another order */
    assert_true(freshen_changes(&s1, &more, 0));
    assert_true(freshen_changes(&s1, &other, 0));
    assert_true(freshen_changes(&s1, &twice, 0));
    assert_true(freshen_changes(&twice, &n2, 0));
    assert_false(freshen_changes(&date, &later, 0));
}

static void
test_what_does_not_count_is_no_news(void **state)
{
    weir_header s = field("ETag", "\"a\"", NULL), n = field("ETag", "\"b\"", NULL);
    weir_header cookie = field("Set-Cookie", "a=b", NULL);

    (void)state;
    s.id = n.id = WEIR_H_ETAG;
    cookie.id = WEIR_H_SET_COOKIE;
    assert_false(freshen_changes(&s, &n, 0));
    assert_true(freshen_changes(&s, &cookie, 0));
    assert_false(freshen_changes(&s, &cookie, UINT64_C(1) << WEIR_H_SET_COOKIE));
}

/* [RFC 9111 4.3.4, 4.3.5] */
static void
test_agreeing(void **state)
{
    weir_header s = field("ETag", "\"a\"", NULL), same = field("ETag", "W/\"a\"", NULL);
    weir_header other = field("ETag", "\"b\"", NULL), length = field("Content-Length", "9", NULL);

    (void)state;
    s.id = same.id = other.id = WEIR_H_ETAG;
    length.id = WEIR_H_CONTENT_LENGTH;
    assert_true(freshen_agrees(&s, 9, &same));
    assert_true(freshen_agrees(&s, 9, NULL));
    assert_false(freshen_agrees(&s, 9, &other));
    assert_true(freshen_agrees(&s, 9, &length));
    assert_false(freshen_agrees(&s, 8, &length));
}

static void
test_a_head_that_knows_another_date_agrees_with_nothing(void **state)
{
    weir_header date = { .id = WEIR_H_LAST_MODIFIED, .value = WEIR_STR("a") };
    weir_header other = { .id = WEIR_H_LAST_MODIFIED, .value = WEIR_STR("b") };
    weir_header tag = { .id = WEIR_H_ETAG, .value = WEIR_STR("\"t\""), .next = &date };
    weir_header tag_and_other = { .id = WEIR_H_ETAG, .value = tag.value, .next = &other };

    (void)state;
    assert_true(freshen_agrees(&tag, 9, &tag));
    assert_true(freshen_agrees(&tag, 9, &date));
    assert_false(freshen_agrees(&tag, 9, &tag_and_other)); /* each that it has [RFC 9111 4.3.5] */
    assert_false(freshen_agrees(&date, 9, &tag));
}

/* ---- Invalidation. [RFC 9111 4.4; RFC 3986 5.4] ---- */

static void
test_targets(void **state)
{
    static const struct {
        const char *reference, *target;
    } claims[] = { { "/x", "/x" },
                   { "x", "/b/c/x" },
                   { "./x", "/b/c/x" },
                   { "../x", "/b/x" },
                   { "../../../x", "/x" },
                   { "..", "/b/" },
                   { "?y", "/b/c/d?y" },
                   { "", "/b/c/d?q" },
                   { "#s", "/b/c/d?q" },
                   { "x?y=../z", "/b/c/x?y=../z" },
                   { "//a:8080/x", "/x" },
                   { "http://a:8080", "/" },
                   { "HTTP://A:8080/x#s", "/x" },
                   { "http://a:8080?y", "/?y" },
                   { "http://a/x", NULL },
                   { "http://b:8080/x", NULL },
                   { "https://a:8080/x", NULL },
                   { "mailto:x", NULL },
                   { "//b/x", NULL } };

    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        weir_str got = invalidate_target(pool, weir_str_c(claims[i].reference), false,
                                         WEIR_STR("a:8080"), WEIR_STR("/b/c/d?q"));
        if (claims[i].target == NULL) {
            assert_null(got.data);
        } else {
            expect_text(got, claims[i].target);
        }
    }
}

static void
test_the_schemes_own_port_may_be_left_out(void **state)
{
    (void)state;
    expect_text(
        invalidate_target(pool, WEIR_STR("http://a:80/x"), false, WEIR_STR("a"), WEIR_STR("/")),
        "/x");
    expect_text(
        invalidate_target(pool, WEIR_STR("https://a/x"), true, WEIR_STR("a:443"), WEIR_STR("/")),
        "/x");
    assert_null(
        invalidate_target(pool, WEIR_STR("http://a:443/x"), false, WEIR_STR("a"), WEIR_STR("/"))
            .data);
}

static void
test_the_key_of_a_target(void **state)
{
    (void)state;
    expect_text(invalidate_key(pool, WEIR_STR("httpup/a/a|de"), WEIR_STR("/a"), WEIR_STR("/b?c")),
                "httpup/a/b?c|de");
    assert_null(invalidate_key(pool, WEIR_STR("k"), WEIR_STR("/a"), WEIR_STR("/b")).data);
}

/* ---- Tags. ---- */

static void
test_tags_are_words_and_groups_are_strings(void **state)
{
    static const weir_str names[] = { { "Cache-Tag", 9 }, { "Surrogate-Key", 13 } };
    const weir_strs both = { names, 2 };
    weir_header c = field("Cache-Groups", "\"g h\", x", NULL),
                b = field("surrogate-key", " b  c", &c);
    weir_header a = field("Cache-Tag", "a,b", &b);
    weir_str origin = WEIR_STR("https://a"), none = { NULL, 0 };
    uint64_t tags[8];

    (void)state;
    assert_int_equal(tags_read(&a, &both, origin, tags, 8), 5);
    assert_true(tags[0] == tag_hash(origin, WEIR_STR("g h")));
    assert_true(tags[1] == tag_hash(none, WEIR_STR("a")));
    assert_true(tags[2] == tags[3] && tags[3] == tag_hash(none, WEIR_STR("b")));
    assert_true(tags[4] == tag_hash(none, WEIR_STR("c")));
    assert_true(tag_hash(origin, WEIR_STR("b")) != tag_hash(none, WEIR_STR("b")));
    assert_int_equal(tags_read(&a, &both, origin, tags, 2), 2);
}

/* ---- Cache-Status. [RFC 9211 2] ---- */

static void
test_members_of_cache_status(void **state)
{
    struct status_member hit = {
        .cache = WEIR_STR("weir"), .ttl = -5, .has_ttl = true, .key = WEIR_STR("a\"b\\c\x01")
    };
    struct status_member miss = { .cache = WEIR_STR("my cache"),
                                  .forward = FWD_STALE,
                                  .forward_status = 304,
                                  .stored = true,
                                  .collapsed = true };

    (void)state;
    expect_text(status_member_text(pool, &hit), "weir; hit; ttl=-5; key=\"a\\\"b\\\\c?\"");
    expect_text(status_member_text(pool, &miss),
                "\"my cache\"; fwd=stale; fwd-status=304; stored; collapsed");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_small_sorted_and_once),
        cmocka_unit_test(test_keys_of_variants),
        cmocka_unit_test(test_a_value_cannot_pretend_to_be_another_field),
        cmocka_unit_test(test_preferences_are_compared_by_what_they_say),
        cmocka_unit_test(test_a_key_has_a_limit),
        cmocka_unit_test(test_newer_fields_take_the_place_of_older),
        cmocka_unit_test(test_what_describes_the_body_stays),
        cmocka_unit_test(test_a_tag_stays),
        cmocka_unit_test(test_what_is_said_already_is_no_news),
        cmocka_unit_test(test_what_does_not_count_is_no_news),
        cmocka_unit_test(test_agreeing),
        cmocka_unit_test(test_a_head_that_knows_another_date_agrees_with_nothing),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_the_schemes_own_port_may_be_left_out),
        cmocka_unit_test(test_the_key_of_a_target),
        cmocka_unit_test(test_tags_are_words_and_groups_are_strings),
        cmocka_unit_test(test_members_of_cache_status),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
