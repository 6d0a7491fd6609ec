/* What origins lie about is never handed on: each lie is a failure before the head, or a body that
 * broke off. And what of an honest head reaches the reader. */
#include "origin.h"

/* Serve `text` to a GET, then close if `closes`. */
static struct seen
answered(uint32_t method, uint32_t flags, const char *text, bool closes, bool *kept)
{
    struct seen seen = nothing_seen();
    weir_exchange_options o;
    uint16_t port;
    int listener = listen_at(&port), peer;

    o = options(group_at(&port, 1), &seen, NULL);
    o.method = method;
    o.flags = flags;
    start(&seen, &o);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, text);
    if (closes) {
        shutdown(peer, SHUT_WR);
    }
    turn_until(seen.over || seen.faileds != 0);
    wr_loop_turn(loop, 0);
    if (kept != NULL) {
        *kept = !ended(peer);
    }
    weir_exchange_end(seen.x);
    close(peer);
    close(listener);
    return seen;
}

static void
is_refused(const char *text)
{
    struct seen seen = answered(WEIR_GET, 0, text, false, NULL);

    if (seen.heads != 0 || seen.result != WEIR_INVALID) {
        fail_msg("handed on (heads %d, result %d): %s", seen.heads, seen.result, text);
    }
    free(seen.body);
}

static void
test_broken_heads_are_refused(void **state)
{
    static const char *const lies[] = {
        "nonsense\r\n\r\n",
        "<html>hello</html>\r\n\r\n",
        "HTTP/0.9 200 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 000 OK\r\n\r\n",
        "HTTP/1.1 999 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: cow\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\nA: b\n\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < WR_COUNT(lies); i++) {
        is_refused(lies[i]);
    }
}

static void
test_a_nul_in_a_field_is_refused(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n";
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    get(&seen, group_at(&port, 1), NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say_bytes(peer, text, sizeof(text) - 1);
    turn_until(seen.faileds == 1);
    assert_int_equal(seen.result, WEIR_INVALID);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_a_head_over_the_limit_is_refused(void **state)
{
    enum { LONG = 9000 };
    char *text = malloc(LONG + 64);
    size_t n = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\nA: ");

    (void)state;
    memset(text + n, 'a', LONG);
    memcpy(text + n + LONG, "\r\n\r\n", 5);
    is_refused(text);
    free(text);
}

static void
test_interim_responses_without_end_are_refused(void **state)
{
    static const char one[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char text[sizeof(one) * 18] = "";

    (void)state;
    for (int i = 0; i < 17; i++) {
        memcpy(text + strlen(text), one, sizeof(one));
    }
    is_refused(text);
}

static void
test_interim_responses_but_100_are_told(void **state)
{
    struct seen seen = answered(WEIR_GET, 0,
                                "HTTP/1.1 100 Continue\r\n\r\n"
                                "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
                                false, NULL);

    (void)state;
    assert_int_equal(seen.interims, 1);
    assert_int_equal(seen.interim_status, 103);
    assert_int_equal(seen.heads, 1);
    assert_int_equal(seen.status, 200);
    assert_body(&seen, "hi");
    free(seen.body);
}

/* The head arrives, the body does not end well. */
static void
breaks_off(const char *text, bool closes, int result, const char *before)
{
    struct seen seen = answered(WEIR_GET, 0, text, closes, NULL);

    if (seen.heads != 1 || seen.result != result || seen.len != strlen(before) ||
        memcmp(seen.body, before, seen.len) != 0) {
        fail_msg("heads %d, result %d, %zu bytes: %s", seen.heads, seen.result, seen.len, text);
    }
    free(seen.body);
}

static void
test_broken_bodies_break_off(void **state)
{
    (void)state;
    breaks_off("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", true, WEIR_CLOSED, "hel");
    breaks_off("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", true,
               WEIR_CLOSED, "hel");
    breaks_off("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n", true,
               WEIR_CLOSED, "hel");
    breaks_off("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\nzz\r\n", false,
               WEIR_INVALID, "hel");
    breaks_off("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel1\r\n", false,
               WEIR_INVALID, "hel");
    breaks_off("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nhel\r\n", false,
               WEIR_INVALID, "");
    breaks_off("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n", false,
               WEIR_INVALID, "");
}

static void
test_bytes_behind_a_response_go_nowhere_and_end_the_connection(void **state)
{
    static const struct {
        uint32_t method;
        const char *text, *body;
    } cases[] = {
        { WEIR_GET, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200", "hi" },
        { WEIR_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nx",
          "hi" },
        { WEIR_GET, "HTTP/1.1 204 No\r\n\r\nsurplus", "" },
        { WEIR_GET, "HTTP/1.1 304 No\r\nContent-Length: 3\r\n\r\nabc", "" },
        { WEIR_HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "" },
    };

    (void)state;
    for (size_t i = 0; i < WR_COUNT(cases); i++) {
        bool kept;
        struct seen seen = answered(cases[i].method, 0, cases[i].text, false, &kept);
        assert_int_equal(seen.result, WEIR_DONE);
        assert_body(&seen, cases[i].body);
        assert_false(kept);
        free(seen.body);
    }
}

static void
test_what_says_so_is_not_kept(void **state)
{
    static const struct {
        const char *text;
        bool kept;
    } cases[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", true },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", false },
        { "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", false },
        { "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi", true },
    };

    (void)state;
    for (size_t i = 0; i < WR_COUNT(cases); i++) {
        bool kept;
        struct seen seen = answered(WEIR_GET, 0, cases[i].text, false, &kept);
        assert_body(&seen, "hi");
        assert_int_equal(kept, cases[i].kept);
        free(seen.body);
    }
}

static void
test_fields_of_the_connection_are_left_out(void **state)
{
    struct seen seen = nothing_seen();
    uint16_t port;
    int listener = listen_at(&port), peer;
    char names[256] = "";

    (void)state;
    get(&seen, group_at(&port, 1), NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, "HTTP/1.1 200 OK\r\nConnection: X-Mine, keep-alive, Set-Cookie\r\nKeep-Alive: 3\r\n"
              "X-Mine: 1\r\nSet-Cookie: a=b\r\nProxy-Connection: close\r\nUpgrade: h2c\r\n"
              "TE: x\r\nX-Yours: 2\r\nContent-Length: 0\r\n\r\n");
    turn_until(seen.over);
    for (const weir_header *h = seen.reply->first; h != NULL; h = h->next) {
        snprintf(names + strlen(names), sizeof(names) - strlen(names), "%.*s ", WEIR_FMT(h->name));
    }
    assert_string_equal(names, "Set-Cookie X-Yours Content-Length ");
    weir_exchange_end(seen.x);
    free(seen.body);
    close(peer);
    close(listener);
}

static void
test_an_upgrade_that_was_asked_for_is_a_tunnel(void **state)
{
    struct seen seen = nothing_seen();
    weir_chain out = { NULL, NULL };
    weir_exchange_options o;
    uint16_t port;
    int listener = listen_at(&port), peer;

    (void)state;
    o = options(group_at(&port, 1), &seen, NULL);
    o.flags = WEIR_EXCHANGE_UPGRADE;
    start(&seen, &o);
    peer = take(listener);
    expect(peer, GET_HEAD);
    say(peer, "HTTP/1.1 101 Switching\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\nfirst");
    turn_until(seen.len == 5);
    assert_int_equal(seen.status, 101);
    assert_non_null(seen.reply->at[WEIR_H_UPGRADE]);
    weir_chain_push(&out, weir_buf_ref(owner, WEIR_STR("ping")));
    assert_int_equal(weir_exchange_send(seen.x, &out, false), WEIR_OK);
    expect(peer, "ping");
    say(peer, "pong");
    turn_until(seen.len == 9);
    assert_int_equal(weir_exchange_send(seen.x, &out, true), WEIR_OK);
    turn_until(ended(peer));
    say(peer, "!");
    shutdown(peer, SHUT_WR);
    turn_until(seen.over);
    assert_int_equal(seen.result, WEIR_DONE);
    assert_body(&seen, "firstpong!");
    weir_exchange_end(seen.x);
    free(seen.body);
    close(peer);
    close(listener);
}

/* ---- Whatever the pieces. ---- */

static uint32_t
draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* The same response in pieces that `seed` cuts, or whole when it is 0. */
static struct seen
in_pieces(weir_upstream *u, int listener, const char *text, uint32_t seed)
{
    struct seen seen = nothing_seen();
    size_t len = strlen(text), at = 0;
    int peer;

    get(&seen, u, NULL);
    peer = take(listener);
    expect(peer, GET_HEAD);
    while (at < len) {
        size_t n = seed == 0 ? len : draw(&seed) % 12 + 1;
        n = n < len - at ? n : len - at;
        if (send(peer, text + at, n, MSG_NOSIGNAL) < 0) {
            break; /* it was refused already */
        }
        at += n;
        wr_loop_turn(loop, 1);
    }
    shutdown(peer, SHUT_WR);
    turn_until(seen.over || seen.faileds != 0);
    weir_exchange_end(seen.x);
    close(peer);
    return seen;
}

static void
test_the_pieces_that_come_make_no_difference(void **state)
{
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nA: b\r\n\r\n01234567890123456789",
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nA: b\r\n\r\n0123456789",
        "HTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end",
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5;x=y\r\n01234\r\n00000a\r\n0123456789\r\n1\r\n!\r\n0\r\nA: b\r\nC: d\r\n\r\n"),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n6\r\n0123456789\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n0\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    };
    uint16_t port;
    int listener = listen_at(&port);
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    u->keepalive = 0;
    for (size_t i = 0; i < WR_COUNT(texts); i++) {
        struct seen whole = in_pieces(u, listener, texts[i], 0);
        for (uint32_t seed = 1; seed <= 20; seed++) {
            struct seen cut = in_pieces(u, listener, texts[i], seed);
            if (cut.heads != whole.heads || cut.interims != whole.interims ||
                cut.result != whole.result || cut.len != whole.len ||
                memcmp(cut.body, whole.body, cut.len) != 0) {
                fail_msg("seed %u differs: %s", seed, texts[i]);
            }
            free(cut.body);
        }
        free(whole.body);
    }
    close(listener);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_broken_heads_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_nul_in_a_field_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_head_over_the_limit_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interim_responses_without_end_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_interim_responses_but_100_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_bodies_break_off, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_bytes_behind_a_response_go_nowhere_and_end_the_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_says_so_is_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fields_of_the_connection_are_left_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_pieces_that_come_make_no_difference, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_an_upgrade_that_was_asked_for_is_a_tunnel, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
