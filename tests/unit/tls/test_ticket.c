/* Tickets are good as long as their key is kept, and at the site they were made at. */
#include "two.h"

/* One visit; was it a session come back to? */
static bool
visit(void)
{
    bool again;

    two_connect();
    assert_int_equal(two_shake(), 0);
    two_say(two.us, two.them, "x");
    again = SSL_session_reused(wr_tls_stream_of(two.them)->ssl) == 1;
    assert_int_equal(SSL_session_reused(wr_tls_stream_of(two.us)->ssl), again);
    two_close();
    return again;
}

static void
begin(uint32_t versions)
{
    two_site(two_settings());
    two_client(versions);
}

static void
test_a_ticket_brings_back_its_session(void **state)
{
    static const uint32_t versions[] = { WR_TLS_1_2, WR_TLS_1_3 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        begin(versions[i]);
        assert_false(visit());
        assert_true(visit());
        assert_true(visit());
    }
}

static void
test_two_keys_are_kept(void **state)
{
    static const uint32_t versions[] = { WR_TLS_1_2, WR_TLS_1_3 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        begin(versions[i]);
        assert_false(visit());
        wr_tls_tickets_rotate(two.site.tickets);
        assert_true(visit()); /* by the key before, and it got a ticket of the new one */
        wr_tls_tickets_rotate(two.site.tickets);
        assert_true(visit());
        wr_tls_tickets_rotate(two.site.tickets);
        wr_tls_tickets_rotate(two.site.tickets);
        assert_false(visit());
    }
}

static void
test_each_site_has_keys_of_its_own(void **state)
{
    static const uint8_t one[WR_TLS_IDENTITY] = { 1 }, other[WR_TLS_IDENTITY] = { 2 };
    struct wr_tls_ticket_key all = { .name = "name", .bytes = 32 }, a, b, again;

    (void)state;
    assert_true(wr_tls_ticket_key_derive(&all, one, &a));
    assert_true(wr_tls_ticket_key_derive(&all, other, &b));
    assert_true(wr_tls_ticket_key_derive(&all, one, &again));
    assert_memory_equal(a.name, all.name, sizeof(a.name));
    assert_memory_equal(&a, &again, sizeof(a)); /* the same in every worker */
    assert_memory_not_equal(a.secret, b.secret, sizeof(a.secret));
    assert_memory_not_equal(a.mac, b.mac, sizeof(a.mac));
    assert_memory_not_equal(a.secret, all.secret, sizeof(a.secret));
}

static void
test_keys_change_with_time(void **state)
{
    int64_t now = wr_clock.wall_s;

    (void)state;
    begin(WR_TLS_1_3);
    assert_false(visit());
    wr_clock.wall_s = now + WR_TLS_TICKET_ROTATE_S - 10;
    two.site.session_s = 10 * WR_TLS_TICKET_ROTATE_S;
    (void)visit();
    wr_clock.wall_s = now;
}

static void
test_a_ticket_is_for_its_site_alone(void **state)
{
    (void)state;
    begin(WR_TLS_1_3);
    assert_false(visit());
    two.site.identity[0] ^= 1;
    assert_false(visit());
    assert_true(visit());
}

static void
test_without_tickets_there_are_none(void **state)
{
    struct wr_tls_settings set = two_settings();

    (void)state;
    set.tickets = set.session_ids = false;
    two_site(set);
    two_client(WR_TLS_1_3);
    assert_false(visit());
    assert_false(visit());
}

static void
test_sessions_kept_by_the_server(void **state)
{
    static const uint32_t versions[] = { WR_TLS_1_2, WR_TLS_1_3 };
    struct wr_tls_settings set = two_settings();

    (void)state;
    set.tickets = false;
    for (size_t i = 0; i < 2; i++) {
        two_site(set);
        two.site.sessions = wr_tls_sessions_create(two.pool, 10);
        two_client(versions[i]);
        assert_false(visit());
        assert_true(visit());
        two.site.sessions = wr_tls_sessions_create(two.pool, 10); /* it has forgotten them */
        assert_false(visit());
        assert_true(visit());
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TWO_TEST(test_a_ticket_brings_back_its_session),
        TWO_TEST(test_two_keys_are_kept),
        TWO_TEST(test_each_site_has_keys_of_its_own),
        TWO_TEST(test_keys_change_with_time),
        TWO_TEST(test_a_ticket_is_for_its_site_alone),
        TWO_TEST(test_without_tickets_there_are_none),
        TWO_TEST(test_sessions_kept_by_the_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
