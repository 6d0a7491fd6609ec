/* Bytes pass whole and in order whatever the kernel takes, and an end is told apart from a cut. */
#include "tls/bio.h"
#include "two.h"

static void
begin(uint32_t versions)
{
    two_site(two_settings());
    two_client(versions);
    two_connect();
    assert_int_equal(two_shake(), 0);
}

static void
test_both_sides_speak(void **state)
{
    static const uint32_t versions[] = { WR_TLS_1_2, WR_TLS_1_3 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        begin(versions[i]);
        two_say(two.them, two.us, "question");
        two_say(two.us, two.them, "answer");
        two_close();
    }
}

static void
test_what_the_kernel_does_not_take_is_presented_again(void **state)
{
    enum { BYTES = 3 << 20 };
    char *all = malloc(BYTES), *got = malloc(BYTES);
    size_t sent = 0, n = 0;
    unsigned waits = 0;

    (void)state;
    begin(WR_TLS_1_3);
    for (size_t i = 0; i < BYTES; i++) {
        all[i] = (char)(i * 7 + i / 251);
    }
    while (n < BYTES) {
        while (sent < BYTES) { /* in pieces of odd sizes, and of none */
            size_t a = WR_MIN((size_t)777, BYTES - sent), b = WR_MIN((size_t)100000, BYTES - sent - a);
            struct iovec pieces[] = { { all + sent, a }, { NULL, 0 }, { all + sent + a, b } };
            ssize_t rc = two.us->transport->send(two.us, pieces, 3, false);
            if (rc < 0) {
                assert_int_equal(rc, -EAGAIN);
                assert_false(two.us->can_write);
                waits++;
                break;
            }
            assert_true(rc > 0 && (size_t)rc <= a + b);
            sent += (size_t)rc;
        }
        two.them->can_read = two.us->can_write = true;
        ssize_t rc = wr_conn_recv(two.them, got + n, WR_MIN((size_t)50000, BYTES - n));
        assert_true(rc > 0 || rc == -EAGAIN);
        n += rc > 0 ? (size_t)rc : 0;
        assert_true(n >= sent || sent - n < BYTES);
    }
    assert_int_equal(sent, BYTES);
    assert_true(waits != 0);
    assert_memory_equal(all, got, BYTES);
    two_close();
    free(all);
    free(got);
}

static void
test_reading_little_by_little_leaves_the_rest_readable(void **state)
{
    char byte;

    (void)state;
    begin(WR_TLS_1_3);
    for (int i = 0; i < 3; i++) {
        struct iovec piece = { "abcdef", 6 };
        assert_int_equal(two.them->transport->send(two.them, &piece, 1, false), 6);
    }
    two.us->can_read = true;
    for (int i = 0; i < 18; i++) {
        assert_true(two.us->can_read); /* no edge will tell of what was read ahead */
        assert_int_equal(wr_conn_recv(two.us, &byte, 1), 1);
        assert_int_equal(byte, "abcdef"[i % 6]);
    }
    assert_int_equal(wr_conn_recv(two.us, &byte, 1), -EAGAIN);
    assert_false(two.us->can_read);
    two_close();
}

static void
test_goodbye_is_an_end(void **state)
{
    char byte;

    (void)state;
    begin(WR_TLS_1_3);
    wr_conn_shut(two.us);
    two.them->can_read = true;
    assert_int_equal(wr_conn_recv(two.them, &byte, 1), 0);
    two_say(two.them, two.us, "still heard");
    two_close();
}

static void
test_an_end_without_goodbye_is_a_cut_for_who_began(void **state)
{
    char byte;

    (void)state;
    begin(WR_TLS_1_3);
    assert_int_equal(shutdown(two.us->io.fd, SHUT_WR), 0);
    two.them->can_read = true;
    (void)wr_conn_recv(two.them, &byte, 1); /* the ticket */
    two.them->can_read = true;
    assert_int_equal(wr_conn_recv(two.them, &byte, 1), -ECONNRESET);
    two_close();
    begin(WR_TLS_1_3);
    assert_int_equal(shutdown(two.them->io.fd, SHUT_WR), 0);
    two.us->can_read = true;
    assert_int_equal(wr_conn_recv(two.us, &byte, 1), 0);
    two_close();
}

static void
test_a_reset_connection_says_no_goodbye(void **state)
{
    char byte;

    (void)state;
    begin(WR_TLS_1_3);
    wr_conn_close(two.us, true);
    two.them->can_read = true;
    assert_true(wr_conn_recv(two.them, &byte, 1) < 0);
    wr_conn_close(two.them, false);
    wr_loop_turn(two.loop, 0);
}

static void
test_plain_words_are_read_plainly(void **state)
{
    char got[32];
    int fds[2];

    (void)state;
    two_site(two_settings());
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    two.us = wr_conn_open(fds[0], sizeof(struct wr_conn), &two_ops, NULL, NULL);
    assert_true(wr_tls_door_enter(&two.door, two.us, WEIR_STR("")));
    assert_int_equal(two.us->transport->handshake(two.us), -EAGAIN);
    assert_int_equal(write(fds[1], "GET / HTTP", 10), 10);
    two.us->can_read = true;
    assert_int_equal(two.us->transport->handshake(two.us), -EPROTONOSUPPORT);
    assert_false(two.us->transport->secure);
    assert_int_equal(wr_conn_recv(two.us, got, 4), 4);
    assert_int_equal(wr_conn_recv(two.us, got + 4, 20), 6);
    assert_memory_equal(got, "GET / HTTP", 10);
    assert_int_equal(write(fds[1], "/1.1", 4), 4);
    assert_int_equal(wr_conn_recv(two.us, got, 20), 4);
    assert_int_equal(write(two.us->io.fd, "x", 1), 1);
    wr_conn_close(two.us, false);
    wr_loop_turn(two.loop, 0);
    assert_int_equal(close(fds[1]), 0);
}

static void
test_silence_is_told_from_bytes(void **state)
{
    struct iovec piece = { "x", 1 };

    (void)state;
    begin(WR_TLS_1_3); /* the server's ticket may be on its way: that is nobody's byte */
    assert_true(two.them->transport->quiet(two.them));
    assert_int_equal(two.us->transport->send(two.us, &piece, 1, false), 1);
    assert_false(two.them->transport->quiet(two.them));
    two_close();
    begin(WR_TLS_1_2);
    wr_conn_shut(two.us);
    assert_false(two.them->transport->quiet(two.them));
    two_close();
}

/* The client takes new keys and wants some of the server; what the server's reading then answers. */
static ssize_t
take_new_keys(void)
{
    struct wr_tls_stream *s = wr_tls_stream_of(two.them);
    size_t sent;
    char byte;

    wr_tls_bio_enter(s);
    assert_int_equal(SSL_key_update(s->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    assert_int_equal(SSL_do_handshake(s->ssl), 1);
    assert_int_equal(wr_tls_bio_flush(s, false, &sent), 0);
    wr_tls_bio_leave(s);
    two.us->can_read = true;
    return wr_conn_recv(two.us, &byte, 1);
}

static void
test_keys_are_not_exchanged_for_ever(void **state)
{
    (void)state;
    begin(WR_TLS_1_3);
    for (int i = 0; i < WR_TLS_MESSAGES; i++) {
        assert_int_equal(take_new_keys(), -EAGAIN);
    }
    two_say(two.them, two.us, "question");
    assert_int_equal(take_new_keys(), -EPROTO);
    two_close();
}

static void
test_bytes_pay_for_new_keys(void **state)
{
    static char block[WR_TLS_RECORD];
    struct iovec piece = { block, sizeof(block) };

    (void)state;
    begin(WR_TLS_1_3);
    for (int i = 0; i < WR_TLS_MESSAGES; i++) {
        assert_int_equal(take_new_keys(), -EAGAIN);
    }
    for (size_t n = 0; n < WR_TLS_PAYS; n += sizeof(block)) {
        assert_int_equal(two.them->transport->send(two.them, &piece, 1, false), sizeof(block));
        two.us->can_read = true;
        assert_int_equal(wr_conn_recv(two.us, block, sizeof(block)), sizeof(block));
    }
    for (int i = 0; i < WR_TLS_MESSAGES; i++) {
        assert_int_equal(take_new_keys(), -EAGAIN);
    }
    two_close();
}

static void
test_answers_that_nobody_reads_do_not_pile_up(void **state)
{
    ssize_t rc = -EAGAIN;

    (void)state;
    begin(WR_TLS_1_3);
    for (int i = 0; i < 100000 && rc == -EAGAIN; i++) {
        wr_tls_stream_of(two.us)->messages = 0; /* as if they were paid for */
        rc = take_new_keys();
    }
    assert_int_equal(rc, -EPROTO);
    assert_true(wr_tls_stream_of(two.us)->unsent_len < 2 * WR_TLS_WRITE);
    two_close();
}

/* A session of the server's, of which its client says that words may be sent ahead. */
static SSL_SESSION *
session_for_early_words(void)
{
    SSL_SESSION *session;
    char byte;

    begin(WR_TLS_1_3);
    two_say(two.them, two.us, "question");
    two.them->can_read = true;
    (void)wr_conn_recv(two.them, &byte, 1); /* the ticket */
    session = SSL_get1_session(wr_tls_stream_of(two.them)->ssl);
    assert_true(SSL_SESSION_is_resumable(session));
    assert_int_equal(SSL_SESSION_set_max_early_data(session, 1000), 1);
    two_close();
    return session;
}

static void
test_words_ahead_of_the_handshake_are_not_heard(void **state)
{
    SSL_SESSION *session = session_for_early_words();
    struct wr_tls_stream *s;
    size_t n;

    (void)state;
    two_connect();
    s = wr_tls_stream_of(two.them);
    assert_int_equal(SSL_set_session(s->ssl, session), 1);
    wr_tls_bio_enter(s);
    assert_int_equal(SSL_write_early_data(s->ssl, "early", 5, &n), 1);
    assert_int_equal(wr_tls_bio_flush(s, false, &n), 0);
    wr_tls_bio_leave(s);
    assert_int_equal(two_shake(), 0);
    assert_int_equal(SSL_get_early_data_status(s->ssl), SSL_EARLY_DATA_REJECTED);
    assert_true(SSL_session_reused(s->ssl));
    two_say(two.them, two.us, "question");
    two_close();
    SSL_SESSION_free(session);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TWO_TEST(test_both_sides_speak),
        TWO_TEST(test_what_the_kernel_does_not_take_is_presented_again),
        TWO_TEST(test_reading_little_by_little_leaves_the_rest_readable),
        TWO_TEST(test_goodbye_is_an_end),
        TWO_TEST(test_an_end_without_goodbye_is_a_cut_for_who_began),
        TWO_TEST(test_a_reset_connection_says_no_goodbye),
        TWO_TEST(test_plain_words_are_read_plainly),
        TWO_TEST(test_silence_is_told_from_bytes),
        TWO_TEST(test_keys_are_not_exchanged_for_ever),
        TWO_TEST(test_bytes_pay_for_new_keys),
        TWO_TEST(test_answers_that_nobody_reads_do_not_pile_up),
        TWO_TEST(test_words_ahead_of_the_handshake_are_not_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
