/* cache/policy.c, use.c: lifetimes, ages, and what may be used when, as RFC 9111 has them. */
#include "unit/modules/double.h"

#include "../modules/cache/list.c"
#include "../modules/cache/control.c"
#include "../modules/cache/policy.c"
#include "../modules/cache/use.c"

enum { NOW = 1000000000, FIELDS = 8 }; /* Sun, 09 Sep 2001 01:46:40 GMT */

static const struct policy_conf usual = { .cookies = COOKIES_EXPLICIT,
                                          .heuristic_percent = 10,
                                          .heuristic_max = 86400 };

/* A response with these fields, "Name: value" each, up to NULL. */
struct reply {
    weir_header at[FIELDS];
    size_t count;
};

static const struct {
    const char *name;
    uint32_t id;
} ids[] = { { "Cache-Control", WEIR_H_CACHE_CONTROL },
            { "Expires", WEIR_H_EXPIRES },
            { "Age", WEIR_H_AGE },
            { "Date", WEIR_H_DATE },
            { "Vary", WEIR_H_VARY },
            { "ETag", WEIR_H_ETAG },
            { "Last-Modified", WEIR_H_LAST_MODIFIED },
            { "Set-Cookie", WEIR_H_SET_COOKIE } };

static uint32_t
id_of(weir_str name)
{
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (weir_str_eq(name, weir_str_c(ids[i].name))) {
            return ids[i].id;
        }
    }
    return 0;
}

static const weir_header *
fields(struct reply *r, const char *const *lines)
{
    for (; lines[r->count] != NULL; r->count++) {
        weir_str text = weir_str_c(lines[r->count]);
        weir_header *h = &r->at[r->count];
        size_t colon = weir_str_find(text, ':');
        *h = (weir_header){ .name = weir_str_cut(text, 0, colon),
                            .value = weir_str_trim(weir_str_cut(text, colon + 1, SIZE_MAX)) };
        h->id = id_of(h->name);
        for (size_t i = 0; i < r->count; i++) {
            if (r->at[i].id == h->id && r->at[i].same == NULL &&
                weir_str_eq(r->at[i].name, h->name)) {
                r->at[i].same = h;
            }
        }
        if (r->count != 0) {
            r->at[r->count - 1].next = h;
        }
    }
    return r->count != 0 ? &r->at[0] : NULL;
}

static const char *
store(const struct policy_conf *conf, uint32_t status, bool authorized, const char *const *lines,
      struct kept *kept)
{
    struct reply r = { .count = 0 };
    struct policy_case c = {
        .conf = conf, .status = status, .authorized = authorized, .valid = -1, .now = NOW
    };

    policy_collect(&c.fields, fields(&r, lines), 0);
    return policy_store(&c, kept);
}

#define STORE(kept, ...)                                                                           \
    store(&usual, 200, false, (const char *const[]){ __VA_ARGS__, NULL }, (kept))

static void
test_lifetime_is_s_maxage_then_max_age_then_expires(void **state)
{
    struct kept k;

    (void)state;
    assert_null(STORE(&k, "Cache-Control: max-age=60, s-maxage=90",
                      "Expires: Sun, 09 Sep 2001 01:46:50 GMT"));
    assert_int_equal(k.lifetime, 90);
    assert_null(STORE(&k, "Cache-Control: max-age=60", "Expires: Sun, 09 Sep 2001 01:46:50 GMT"));
    assert_int_equal(k.lifetime, 60);
    assert_null(STORE(&k, "Expires: Sun, 09 Sep 2001 01:46:50 GMT"));
    assert_int_equal(k.lifetime, 10);
}

/* [RFC 9111 4.2.1] */
static void
test_expires_counts_from_the_origins_date(void **state)
{
    struct kept k;

    (void)state;
    assert_null(
        STORE(&k, "Expires: Sun, 09 Sep 2001 02:46:40 GMT", "Date: Sun, 09 Sep 2001 02:46:10 GMT"));
    assert_int_equal(k.lifetime, 30);
}

/* [RFC 9111 4.2.3] */
static void
test_age_is_the_greater_of_what_is_said_and_what_dates_say(void **state)
{
    struct kept k;

    (void)state;
    assert_null(
        STORE(&k, "Cache-Control: max-age=600", "Age: 50", "Date: Sun, 09 Sep 2001 01:46:10 GMT"));
    assert_int_equal(k.age, 50);
    assert_null(
        STORE(&k, "Cache-Control: max-age=600", "Age: 5", "Date: Sun, 09 Sep 2001 01:46:10 GMT"));
    assert_int_equal(k.age, 30);
    assert_null(STORE(&k, "Cache-Control: max-age=600", "Date: Sun, 09 Sep 2001 02:46:10 GMT"));
    assert_int_equal(k.age, 0);
    assert_int_equal(policy_age(&k, NOW + 7), 7);
    assert_int_equal(policy_age(&k, NOW - 7), 0);
    assert_int_equal(policy_age(&k, NOW - 3600), SECONDS_MAX);
    assert_int_equal(policy_ttl(&k, NOW + 601), -1);
}

static void
test_the_time_it_took_counts_as_age(void **state)
{
    struct reply r = { .count = 0 };
    struct policy_case c = { .conf = &usual, .status = 200, .valid = -1, .now = NOW, .delay = 3 };
    struct kept k;

    (void)state;
    policy_collect(&c.fields,
                   fields(&r, (const char *const[]){ "Cache-Control: max-age=9", "Age: 2", NULL }),
                   0);
    assert_null(policy_store(&c, &k));
    assert_int_equal(k.age, 5);
}

/* [RFC 9111 4.2.2] */
static void
test_a_guess_is_a_part_of_the_time_unchanged(void **state)
{
    struct kept k;

    (void)state;
    assert_null(STORE(&k, "Last-Modified: Sun, 09 Sep 2001 00:46:40 GMT"));
    assert_int_equal(k.lifetime, 360);
    assert_true(k.flags & KEPT_HEURISTIC);
    assert_null(STORE(&k, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_int_equal(k.lifetime, 86400);
    assert_non_null(STORE(&k, "Last-Modified: Sun, 09 Sep 2001 02:46:40 GMT"));
}

static void
test_a_status_of_the_configuration_gives_way_to_the_response(void **state)
{
    struct reply r = { .count = 0 }, none = { .count = 0 };
    struct policy_case c = { .conf = &usual, .status = 200, .valid = 77, .now = NOW };
    struct kept k;

    (void)state;
    policy_collect(&c.fields, fields(&none, (const char *const[]){ NULL }), 0);
    assert_null(policy_store(&c, &k));
    assert_int_equal(k.lifetime, 77);
    policy_collect(&c.fields, fields(&r, (const char *const[]){ "Cache-Control: max-age=5", NULL }),
                   0);
    assert_null(policy_store(&c, &k));
    assert_int_equal(k.lifetime, 5);
}

/* [RFC 9111 3.5] */
static void
test_authorization_needs_leave(void **state)
{
    static const struct {
        const char *control;
        bool stored;
    } claims[] = { { "Cache-Control: max-age=9", false },
                   { "Cache-Control: max-age=9, public", true },
                   { "Cache-Control: s-maxage=9", true },
                   { "Cache-Control: max-age=9, must-revalidate", true },
                   { "Cache-Control: max-age=9, proxy-revalidate", false },
                   { "Cache-Control: public, no-store", false } };
    struct kept k;

    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        const char *const lines[] = { claims[i].control, NULL };
        assert_int_equal(store(&usual, 200, true, lines, &k) == NULL, claims[i].stored);
    }
}

static void
test_cookies_need_leave(void **state)
{
    static const char *const plain[] = { "Cache-Control: max-age=9", "Set-Cookie: a=b", NULL };
    static const char *const open[] = { "Cache-Control: max-age=9, public", "Set-Cookie: a=b",
                                        NULL };
    struct policy_conf c = usual;
    struct kept k;

    (void)state;
    assert_non_null(store(&c, 200, false, plain, &k));
    assert_null(store(&c, 200, false, open, &k));
    c.cookies = COOKIES_NEVER;
    assert_non_null(store(&c, 200, false, open, &k));
    c.cookies = COOKIES_ALWAYS;
    assert_null(store(&c, 200, false, plain, &k));
}

/* [RFC 9111 3, 3.3] */
static void
test_statuses_that_are_never_stored(void **state)
{
    static const char *const lines[] = { "Cache-Control: public, max-age=9", NULL };
    static const uint32_t never[] = { 100, 103, 206, 304, 600, 999 };
    struct kept k;

    (void)state;
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        assert_non_null(store(&usual, never[i], false, lines, &k));
    }
}

static void
test_nginx_rules(void **state)
{
    static const char *const old[] = { "Cache-Control: max-age=9", "Age: 100", NULL };
    static const char *const no_cache[] = { "Cache-Control: no-cache, max-age=9", "ETag: \"a\"",
                                            NULL };
    struct policy_conf c = usual;
    struct kept k;

    (void)state;
    c.rules = RULES_NGINX;
    assert_null(store(&c, 200, true, old, &k));
    assert_int_equal(k.age, 0);
    assert_true(k.flags & KEPT_NGINX);
    assert_non_null(store(&c, 200, false, no_cache, &k));
    assert_null(store(&usual, 200, false, no_cache, &k));
}

/* ---- Using. ---- */

static const struct control nothing = { 0 };

static struct kept
kept(uint32_t flags, uint64_t lifetime, uint64_t revalidate, uint64_t error)
{
    return (struct kept){ .flags = flags,
                          .answered = NOW,
                          .lifetime = lifetime,
                          .revalidate = revalidate,
                          .error = error };
}

static void
test_fresh_as_long_as_age_is_below_the_lifetime(void **state)
{
    struct kept k = kept(0, 10, 0, 0);

    (void)state;
    assert_int_equal(policy_use(&k, &nothing, false, false, NOW + 9), USE_FRESH);
    assert_int_equal(policy_use(&k, &nothing, false, false, NOW + 10), USE_ASK);
    assert_int_equal(policy_use(&k, &nothing, true, false, NOW), USE_ASK);
}

/* [RFC 5861 3] */
static void
test_stale_while_revalidate_has_a_window(void **state)
{
    struct kept k = kept(KEPT_SWR, 10, 5, 0);

    (void)state;
    assert_int_equal(policy_use(&k, &nothing, false, false, NOW + 14), USE_WHILE);
    assert_int_equal(policy_use(&k, &nothing, false, false, NOW + 15), USE_ASK);
    k.flags |= KEPT_NO_STALE;
    assert_int_equal(policy_use(&k, &nothing, false, true, NOW + 11), USE_ASK);
    k.flags = KEPT_SWR | KEPT_SHARED_ONLY;
    assert_int_equal(policy_use(&k, &nothing, false, false, NOW + 11), USE_WHILE);
    k.flags = KEPT_SHARED_ONLY;
    assert_int_equal(policy_use(&k, &nothing, false, true, NOW + 11), USE_ASK);
}

/* [RFC 9111 4.2.4; RFC 5861 4] */
static void
test_errors(void **state)
{
    struct kept k = kept(0, 10, 0, 0);

    (void)state;
    assert_true(policy_use_on_error(&k, true, true, NOW + 1000));
    assert_false(policy_use_on_error(&k, false, true, NOW + 1000));
    k = kept(KEPT_SIE, 10, 0, 5);
    assert_true(policy_use_on_error(&k, false, true, NOW + 14));
    assert_false(policy_use_on_error(&k, false, true, NOW + 15));
    assert_false(policy_use_on_error(&k, false, false, NOW + 14));
    k.flags |= KEPT_NO_STALE;
    assert_false(policy_use_on_error(&k, true, true, NOW + 14));
}

/* Whether its age is of any matter. */
static void
test_lasting(void **state)
{
    struct kept k = kept(0, 10, 0, 0);

    (void)state;
    assert_true(policy_lasts(&k, NOW + 9));
    assert_false(policy_lasts(&k, NOW + 10));
    k.flags = KEPT_SWR;
    assert_true(policy_lasts(&k, NOW + 10));
    k.flags = KEPT_SIE;
    assert_true(policy_lasts(&k, NOW + 10));
    k.flags = KEPT_NO_CACHE;
    assert_false(policy_lasts(&k, NOW));
}

/* [RFC 9111 5.2.1] */
static void
test_wishes(void **state)
{
    static const struct {
        uint32_t flags;
        uint32_t seconds;
        int64_t at;
        enum policy_use use;
    } claims[] = { { CC_NO_CACHE, 0, 1, USE_ASK },
                   { CC_MAX_AGE, 5, 5, USE_FRESH },
                   { CC_MAX_AGE, 5, 6, USE_ASK },
                   { CC_MIN_FRESH, 5, 5, USE_FRESH },
                   { CC_MIN_FRESH, 5, 6, USE_ASK },
                   { CC_MAX_STALE, 5, 15, USE_FRESH },
                   { CC_MAX_STALE, 5, 16, USE_ASK },
                   { CC_ONLY_IF_CACHED, 0, 5, USE_FRESH },
                   { CC_ONLY_IF_CACHED, 0, 11, USE_NOTHING } };
    struct kept k = kept(0, 10, 0, 0);

    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        struct control c = { .flags = claims[i].flags,
                             .max_age = claims[i].seconds,
                             .min_fresh = claims[i].seconds,
                             .max_stale = claims[i].seconds };
        assert_int_equal(policy_use(&k, &c, false, false, NOW + claims[i].at), claims[i].use);
    }
}

/* [RFC 8246 2] */
static void
test_immutable_needs_no_asking_while_fresh(void **state)
{
    const uint32_t reloads[] = { CC_MAX_AGE, CC_NO_CACHE };
    struct kept k = kept(KEPT_IMMUTABLE, 10, 0, 0);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct control reload = { .flags = reloads[i] };
        assert_int_equal(policy_use(&k, &reload, false, false, NOW + 5), USE_FRESH);
        assert_int_equal(policy_use(&k, &reload, false, false, NOW + 11), USE_ASK);
    }
}

/* [RFC 9111 4.2.4] */
static void
test_what_must_not_be_stale_is_not_whatever_the_request_would_take(void **state)
{
    const uint32_t prohibitions[] = { KEPT_NO_STALE, KEPT_SHARED_ONLY };
    struct control wish = { .flags = CC_MAX_STALE, .max_stale = 60 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct kept k = kept(prohibitions[i], 10, 0, 0);
        assert_int_equal(policy_use(&k, &wish, false, false, NOW + 9), USE_FRESH);
        assert_int_equal(policy_use(&k, &wish, false, false, NOW + 11), USE_ASK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lifetime_is_s_maxage_then_max_age_then_expires),
        cmocka_unit_test(test_expires_counts_from_the_origins_date),
        cmocka_unit_test(test_age_is_the_greater_of_what_is_said_and_what_dates_say),
        cmocka_unit_test(test_the_time_it_took_counts_as_age),
        cmocka_unit_test(test_a_guess_is_a_part_of_the_time_unchanged),
        cmocka_unit_test(test_a_status_of_the_configuration_gives_way_to_the_response),
        cmocka_unit_test(test_authorization_needs_leave),
        cmocka_unit_test(test_cookies_need_leave),
        cmocka_unit_test(test_statuses_that_are_never_stored),
        cmocka_unit_test(test_nginx_rules),
        cmocka_unit_test(test_fresh_as_long_as_age_is_below_the_lifetime),
        cmocka_unit_test(test_stale_while_revalidate_has_a_window),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_lasting),
        cmocka_unit_test(test_wishes),
        cmocka_unit_test(test_immutable_needs_no_asking_while_fresh),
        cmocka_unit_test(test_what_must_not_be_stale_is_not_whatever_the_request_would_take),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
